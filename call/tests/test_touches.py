"""Touches move the plans of their lead, in the API and in the admin; corrections move them back."""

import pytest
from django.test import Client
from django.urls import reverse

from call.models import CallEvent, CallPlan
from call.tests.support import NOW, dates_of
from contact.models import Contact
from crm.tests.support import form_of
from lead.models import Restaurant
from track.models import Interaction

INTERACTIONS = "/track/interactions/"
FRESH = (None, "2026-01-20T00:00:00Z")
EARLIER, LATER = "2026-01-18T10:00:00Z", "2026-01-18T16:00:00Z"
AFTER_EARLIER = (EARLIER, "2026-01-19T10:00:00Z")
AFTER_LATER = (LATER, "2026-01-19T16:00:00Z")


@pytest.fixture
def plan(now, lead):
    """A DAILY plan, made two weeks ago and due on Tuesday at midnight."""
    now.move_to("2026-01-05T09:00:00Z")
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    now.move_to("2026-01-19T08:00:00Z")
    plan.set_frequency("DAILY")
    now.move_to(NOW)
    return plan


@pytest.fixture
def touch(kam, lead):
    """Log an interaction; its path."""

    def log(date, kind="CALL", **more) -> str:
        answer = kam.post(INTERACTIONS, {"lead": lead.pk, "interaction_type": kind, "date": date, **more})
        assert answer.status_code == 201
        return f"{INTERACTIONS}{answer.json()['id']}/"

    return log


@pytest.fixture
def dates(kam, plan):
    return lambda of=plan: dates_of(kam.get(f"/call/{of.pk}/").json())


@pytest.fixture
def log(plan):
    events = plan.events.in_effect().exclude(kind="FREQUENCY_CHANGED")
    return lambda: list(events.values_list("kind", "interaction", "recorded_on_plan"))


@pytest.mark.parametrize("kind", ["CALL", "VISIT", "MEETING"])
def test_calls_visits_and_meetings_are_touches(touch, dates, log, kind):
    touch(EARLIER, kind)
    assert dates() == AFTER_EARLIER
    assert log() == [("CALLED", Interaction.objects.get().pk, False)]


@pytest.mark.parametrize("kind", ["EMAIL", "MESSAGE", "ORDER", "OTHER"])
def test_no_other_interaction_is_a_touch(touch, dates, log, kind):
    touch(EARLIER, kind)
    assert (dates(), log()) == (FRESH, [])


def test_a_touch_without_a_date_was_now(kam, lead, dates):
    kam.post(INTERACTIONS, {"lead": lead.pk, "interaction_type": "VISIT"})
    assert dates() == (NOW, "2026-01-20T09:00:00Z")


def test_the_log_says_who_wrote_the_touch_and_what_was_planned(kam, user, touch, plan):
    touch(EARLIER)
    event = kam.get(f"/call/{plan.pk}/history/").json()[-1]
    assert (event["by"], event["planned_date"], event["happened_at"]) == (user.pk, FRESH[1], EARLIER)


def test_the_setting_says_which_types_are_touches(settings, touch, dates):
    settings.TOUCH_TYPES = ["EMAIL"]
    touch(LATER)
    touch(EARLIER, "EMAIL")
    assert dates() == AFTER_EARLIER


def test_an_empty_setting_turns_touches_off(kam, settings, touch, dates, plan, lead):
    settings.TOUCH_TYPES = []
    other = CallPlan.objects.create(lead=lead, frequency="DAILY")

    kam.delete(touch(EARLIER))
    assert dates() == FRESH
    kam.post(f"/call/{plan.pk}/record_call/", {"last_called": EARLIER, "details": "A call is still a call."})
    assert (dates(), dates(other)) == (AFTER_EARLIER, FRESH)
    kam.delete(f"{INTERACTIONS}{Interaction.objects.get().pk}/")
    assert dates() == AFTER_EARLIER
    assert CallEvent.objects.get(kind="CALLED").interaction is None
    plan.refresh_from_db()
    plan.replay()
    assert dates() == AFTER_EARLIER


@pytest.mark.parametrize(
    ("date", "counts"),
    [
        ("2026-01-05T08:59:59.999999Z", False),
        ("2026-01-05T09:00:00Z", True),
        ("2026-01-20T09:00:00Z", True),
        ("2026-01-20T09:00:00.000001Z", False),
    ],
    ids=["before the plan was made", "as it was made", "a day ahead", "further ahead"],
)
def test_touches_count_from_the_plans_making_to_a_day_ahead(touch, dates, date, counts):
    touch(date)
    assert dates()[0] == (date if counts else None)


def test_a_touch_too_far_ahead_never_counts(now, kam, touch, dates):
    path = touch("2026-01-22T09:00:00Z")
    now.move_to("2026-01-23T09:00:00Z")
    kam.patch(path, {"details": "It has happened now."})
    assert dates() == FRESH


def test_a_day_ahead_that_is_reached_does_not_count_twice(now, touch, dates, log):
    touch("2026-01-20T09:00:00Z")
    now.move_to("2026-01-21T09:00:00Z")
    assert dates() == ("2026-01-20T09:00:00Z", "2026-01-21T09:00:00Z")
    assert len(log()) == 1


def test_every_plan_of_the_lead_moves(lead, touch, dates):
    weekly = CallPlan.objects.create(lead=lead, frequency="WEEKLY")
    touch(NOW)
    assert dates() == (NOW, "2026-01-20T09:00:00Z")
    assert dates(weekly) == (NOW, "2026-01-26T09:00:00Z")


def test_plans_of_other_leads_stay(touch, dates):
    elsewhere = CallPlan.objects.create(lead=Restaurant.objects.create(name="Cafe Blau"), frequency="DAILY")
    before = dates(elsewhere)
    touch(NOW)
    assert dates(elsewhere) == before


def test_a_paused_plan_stays_and_does_not_catch_up(kam, plan, touch, dates, log):
    kam.post(f"/call/{plan.pk}/pause/")
    touch(EARLIER)
    assert dates() == FRESH
    kam.post(f"/call/{plan.pk}/resume/")
    assert dates() == FRESH
    touch(LATER)
    assert dates() == AFTER_LATER


def test_a_recorded_call_without_outcome_moves_its_own_plan_alone(kam, lead, plan, dates):
    other = CallPlan.objects.create(lead=lead, frequency="WEEKLY")
    before = dates(other)
    kam.post(f"/call/{plan.pk}/record_call/")
    assert dates(other) == before
    assert not other.events.exists()


def test_a_recorded_call_with_an_outcome_moves_the_leads_other_plans(kam, lead, plan, dates):
    other = CallPlan.objects.create(lead=lead, frequency="WEEKLY")
    paused = CallPlan.objects.create(lead=lead, frequency="WEEKLY")
    paused.pause()
    before = dates(paused)

    kam.post(f"/call/{plan.pk}/record_call/", {"outcome": "REACHED"})

    assert (dates()[0], dates(other)) == (NOW, (NOW, "2026-01-26T09:00:00Z"))
    assert dates(paused) == before
    assert list(other.events.values_list("kind", "outcome", "recorded_on_plan")) == [("CALLED", "", False)]


def test_a_recorded_call_older_than_its_plan_moves_no_other_plan(kam, lead, plan, dates):
    other = CallPlan.objects.create(lead=lead, frequency="WEEKLY")
    before = dates(other)
    kam.post(f"/call/{plan.pk}/record_call/", {"last_called": "2026-01-02T10:00:00Z", "outcome": "REACHED"})
    assert dates() == ("2026-01-02T10:00:00Z", "2026-01-03T10:00:00Z")
    assert dates(other) == before


# --- Out of order, and corrected ------------------------------------------------------------------


def test_touches_that_arrive_out_of_order_leave_the_latest(touch, dates):
    touch(LATER)
    touch(EARLIER)
    assert dates() == AFTER_LATER


def test_a_touch_moved_back_behind_another_leaves_the_other(kam, touch, dates):
    touch(EARLIER)
    kam.patch(touch(LATER), {"date": "2026-01-17T10:00:00Z"})
    assert dates() == AFTER_EARLIER


def test_a_backdated_touch_takes_its_plan_back(kam, touch, dates):
    kam.patch(touch(LATER), {"date": EARLIER})
    assert dates() == AFTER_EARLIER


@pytest.mark.parametrize("date", ["2026-01-05T08:59:59Z", "2026-01-20T09:00:01Z"])
def test_a_touch_moved_out_of_the_window_no_longer_counts(kam, touch, dates, log, date):
    path = touch(LATER)
    kam.patch(path, {"date": date})
    assert (dates(), log()) == (FRESH, [])
    kam.patch(path, {"date": EARLIER})
    assert dates() == AFTER_EARLIER


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_touch_retyped_as_an_email_no_longer_counts(kam, lead, touch, dates, method):
    touch(EARLIER)
    path = touch(LATER)
    getattr(kam, method)(path, {"lead": lead.pk, "interaction_type": "EMAIL"})
    assert dates() == AFTER_EARLIER


def test_an_email_retyped_as_a_visit_counts(kam, touch, dates):
    kam.patch(touch(EARLIER, "EMAIL"), {"interaction_type": "VISIT"})
    assert dates() == AFTER_EARLIER


def test_a_call_retyped_as_a_visit_goes_on_counting_once(kam, touch, dates, log):
    kam.patch(touch(EARLIER), {"interaction_type": "VISIT"})
    assert (dates(), len(log())) == (AFTER_EARLIER, 1)


def test_a_deleted_touch_no_longer_counts(kam, touch, dates, log):
    touch(EARLIER)
    kam.delete(touch(LATER))
    assert (dates(), len(log())) == (AFTER_EARLIER, 1)


def test_a_touch_moved_to_another_lead_counts_there(kam, touch, dates):
    elsewhere = CallPlan.objects.create(lead=Restaurant.objects.create(name="Cafe Blau"), frequency="DAILY")
    kam.patch(touch(NOW), {"lead": elsewhere.lead_id})
    assert dates() == FRESH
    assert dates(elsewhere)[0] == NOW


def test_an_edit_of_anything_else_moves_nothing(kam, touch, dates, log, plan):
    path = touch(EARLIER)
    kam.patch(f"/call/{plan.pk}/", {"next_call_date": "2026-02-02T10:00:00Z"})
    contact = Contact.objects.create(restaurant=plan.lead, name="Asha Rao")
    kam.patch(path, {"details": "Asked for the catalog.", "contact": contact.pk, "order_placed": True})
    assert dates() == (EARLIER, "2026-02-02T10:00:00Z")


def test_a_recorded_call_no_longer_counts_without_its_interaction(kam, plan, dates):
    kam.post(f"/call/{plan.pk}/record_call/", {"details": "Wrong restaurant, as it turns out."})
    kam.delete(f"{INTERACTIONS}{Interaction.objects.get().pk}/")
    assert dates() == FRESH


def test_a_call_recorded_at_a_touchs_moment_outlives_the_touch(kam, plan, touch, dates):
    path = touch(EARLIER)
    kam.post(f"/call/{plan.pk}/record_call/", {"last_called": EARLIER})
    kam.delete(path)
    assert dates() == AFTER_EARLIER


# --- Overridden dates -----------------------------------------------------------------------------

GIVEN = "2026-02-02T10:00:00Z"


@pytest.fixture(params=["patched", "snoozed", "made with it"])
def given(request, kam, plan, lead):
    """The path of a plan whose date a user has set now."""
    if request.param == "made with it":
        made = kam.post("/call/", {"lead": lead.pk, "frequency": "DAILY", "next_call_date": GIVEN}).json()
        return f"/call/{made['id']}/"
    path = f"/call/{plan.pk}/"
    if request.param == "patched":
        kam.patch(path, {"next_call_date": GIVEN})
    else:
        kam.post(f"{path}snooze/", {"until": GIVEN})
    return path


def test_an_overridden_date_is_not_moved_by_earlier_touches(kam, given, touch):
    touch(LATER)
    assert kam.get(given).json()["next_call_date"] == GIVEN


def test_an_overridden_date_holds_until_a_later_touch(now, kam, given, touch):
    now.move_to("2026-01-19T12:00:00Z")
    touch("2026-01-19T11:00:00Z")
    assert dates_of(kam.get(given).json()) == ("2026-01-19T11:00:00Z", "2026-01-20T11:00:00Z")


def test_an_overridden_date_returns_when_the_later_touch_is_deleted(now, kam, given, touch):
    now.move_to("2026-01-19T12:00:00Z")
    path = touch("2026-01-19T11:00:00Z")
    kam.delete(path)
    assert dates_of(kam.get(given).json()) == (None, GIVEN)


def test_a_patched_last_call_holds_until_a_later_touch(kam, plan, touch, dates):
    kam.patch(f"/call/{plan.pk}/", {"last_called": "2026-01-18T12:00:00Z"})
    touch(EARLIER)
    assert dates() == ("2026-01-18T12:00:00Z", FRESH[1])
    touch("2026-01-19T09:30:00Z")
    assert dates() == ("2026-01-19T09:30:00Z", "2026-01-20T09:30:00Z")


def test_a_call_recorded_at_the_patched_moment_plans_the_next_one(kam, plan, dates):
    kam.patch(f"/call/{plan.pk}/", {"last_called": EARLIER})
    kam.post(f"/call/{plan.pk}/record_call/", {"last_called": EARLIER})
    assert dates() == AFTER_EARLIER


# --- In the admin ---------------------------------------------------------------------------------


@pytest.fixture
def admin(admin_client) -> Client:
    return admin_client


def test_touches_written_in_the_admin_move_the_plan_and_back(now, admin, lead, dates):
    add = reverse("admin:track_interaction_add")
    form = form_of(admin.get(add), "interaction_form")
    admin.post(add, {**form, "lead": lead.pk, "interaction_type": "VISIT", "date_0": "2026-01-18", "date_1": "10:00"})
    assert dates() == AFTER_EARLIER

    change = reverse("admin:track_interaction_change", args=[Interaction.objects.get().pk])
    admin.post(change, {**form_of(admin.get(change), "interaction_form"), "date_1": "16:00"})
    assert dates() == AFTER_LATER

    admin.post(reverse("admin:track_interaction_delete", args=[Interaction.objects.get().pk]), {"post": "yes"})
    assert dates() == FRESH


def test_touches_deleted_in_bulk_move_the_plan_back(now, admin, touch, dates, log):
    touch(EARLIER)
    paths = [touch(LATER), touch(NOW)]
    chosen = [path.split("/")[-2] for path in paths]
    action = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
    admin.post(reverse("admin:track_interaction_changelist"), action)
    assert (dates(), len(log())) == (AFTER_EARLIER, 1)


def test_touch_and_plan_are_one_change(kam, lead, dates, monkeypatch):
    def fail(*args):
        raise ZeroDivisionError

    monkeypatch.setattr("call.models.CallPlan.apply", fail)
    with pytest.raises(ZeroDivisionError):
        kam.post(INTERACTIONS, {"lead": lead.pk, "interaction_type": "CALL"})
    monkeypatch.undo()
    assert (dates(), Interaction.objects.count()) == (FRESH, 0)


def test_a_deleted_lead_takes_touched_plans_along(kam, lead, touch, plan):
    touch(EARLIER)
    assert kam.delete(f"/lead/restaurants/{lead.pk}/").status_code == 204
    assert (CallPlan.objects.count(), CallEvent.objects.count()) == (0, 0)


@pytest.mark.parametrize("plans", [1, 3])
def test_a_touch_costs_a_transaction_three_queries_and_two_a_plan(
    kam, lead, plan, plans, django_assert_num_queries, django_assert_max_num_queries
):
    for _ in range(plans - 1):
        CallPlan.objects.create(lead=lead, frequency="DAILY")
    email = {"lead": lead.pk, "interaction_type": "EMAIL"}
    with django_assert_max_num_queries(20) as without:
        kam.post(INTERACTIONS, email)
    with django_assert_num_queries(len(without) + 3 + 2 * plans):
        kam.post(INTERACTIONS, email | {"interaction_type": "CALL"})
