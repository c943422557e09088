from datetime import UTC, datetime

import pytest
import time_machine
from django.urls import reverse

from call.models import CallPlan, WorkProfile
from crm.tests.support import send_form

ADD = reverse("admin:call_callplan_add")


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(datetime(2024, 12, 28, 9, 30, tzinfo=UTC), tick=False):
        yield


def send(client, path, **changes):
    return send_form(client, path, "callplan_form", **changes)


def test_a_new_plan_left_without_a_date_is_due_one_interval_from_today(admin_client, admin_user, lead):
    send(admin_client, ADD, lead=str(lead.pk), frequency="DAILY")
    plan = CallPlan.objects.get()
    assert plan.next_call_date == datetime(2024, 12, 29, tzinfo=UTC)
    assert (plan.last_called, plan.created_by) == (None, admin_user)


def test_a_new_plan_has_the_date_that_the_form_sets(admin_client, lead):
    given = {"next_call_date_0": "2025-01-02", "next_call_date_1": "10:00:00"}
    send(admin_client, ADD, lead=str(lead.pk), frequency="DAILY", **given)
    assert CallPlan.objects.get().next_call_date == datetime(2025, 1, 2, 10, tzinfo=UTC)


def test_an_edited_frequency_moves_no_date(admin_client, lead):
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    send(admin_client, reverse("admin:call_callplan_change", args=[plan.pk]), frequency="WEEKLY")
    plan.refresh_from_db()
    assert (plan.frequency, plan.next_call_date) == ("WEEKLY", datetime(2024, 12, 29, tzinfo=UTC))


def test_a_plan_is_never_left_without_a_date(admin_client, lead):
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    none = {"next_call_date_0": "", "next_call_date_1": ""}
    answer = send(admin_client, reverse("admin:call_callplan_change", args=[plan.pk]), **none)
    assert "next_call_date" in answer.context["adminform"].form.errors


def test_what_is_edited_is_logged_with_who_did_it(admin_client, admin_user, lead):
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    given = {"next_call_date_0": "2025-01-02", "next_call_date_1": "10:00:00"}
    send(admin_client, reverse("admin:call_callplan_change", args=[plan.pk]), frequency="WEEKLY", **given)
    assert list(plan.events.values_list("kind", "created_by")) == [
        ("FREQUENCY_CHANGED", admin_user.pk),
        ("RESCHEDULED", admin_user.pk),
    ]
    plan.refresh_from_db()
    assert (plan.next_call_date, plan.sequence) == (datetime(2025, 1, 2, 10, tzinfo=UTC), 1)


def test_the_page_of_a_plan_shows_its_history_to_read(admin_client, admin_user, lead):
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    plan.snooze(datetime(2025, 1, 2, 10, tzinfo=UTC), by=admin_user, reason="On holiday.")
    plan.pause(by=admin_user)
    page = admin_client.get(reverse("admin:call_callplan_change", args=[plan.pk]))
    (history,) = page.context["inline_admin_formsets"]
    assert [form.instance.kind for form in history.formset.forms] == ["PAUSED", "SNOOZED"]
    assert not (history.has_add_permission or history.has_change_permission or history.has_delete_permission)
    assert "On holiday." in page.content.decode()


@pytest.mark.parametrize("events", [3, 30])
def test_the_plan_page_costs_the_same_queries_for_any_length_of_history(
    admin_client, admin_user, lead, events, django_assert_num_queries
):
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    for _ in range(events):
        plan.record_call(datetime(2024, 12, 28, 9, tzinfo=UTC), by=admin_user, details="Hello.")
    with django_assert_num_queries(7):
        admin_client.get(reverse("admin:call_callplan_change", args=[plan.pk]))


# --- Work profiles --------------------------------------------------------------------------------

WEEKDAYS = {"time_zone": "Asia/Kolkata", "working_days": "[1, 2, 3, 4, 5]"}


def send_profile(client, path, **changes):
    return send_form(client, path, "workprofile_form", **changes)


def test_a_profile_is_made_changed_and_deleted_and_the_plans_follow(admin_client, user, lead):
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")  # due on Sunday the 29th

    def due() -> str:
        plan.refresh_from_db()
        return plan.next_call_date.isoformat()

    send_profile(admin_client, reverse("admin:call_workprofile_add"), user=str(user.pk), **WEEKDAYS)
    assert due() == "2024-12-29T18:30:00+00:00"  # Monday in Kolkata
    profile = WorkProfile.objects.get()
    change = reverse("admin:call_workprofile_change", args=[profile.pk])
    send_profile(admin_client, change, leave='[{"from": "2024-12-30", "to": "2025-01-01"}]')
    assert due() == "2025-01-01T18:30:00+00:00"
    admin_client.post(reverse("admin:call_workprofile_delete", args=[profile.pk]), {"post": "yes"})
    assert due() == "2024-12-29T00:00:00+00:00"


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("time_zone", "Mars/Olympus"),
        ("working_days", "[8]"),
        ("working_days", "[]"),
        ("country", "XX"),
        ("region", "MH"),
        ("leave", '[{"from": "2025-01-02", "to": "2025-01-01"}]'),
    ],
)
def test_a_profile_that_cannot_be_is_not_saved(admin_client, user, field, bad):
    given = {"user": str(user.pk), **WEEKDAYS, field: bad}
    answer = send_profile(admin_client, reverse("admin:call_workprofile_add"), **given)
    assert field in answer.context["adminform"].form.errors
    assert not WorkProfile.objects.exists()


def test_a_deleted_user_leaves_plans_on_the_default_calendar(admin_client, user, lead):
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    WorkProfile.objects.create(user=user, working_days=[3])
    admin_client.post(reverse("admin:auth_user_delete", args=[user.pk]), {"post": "yes", "leads": "nobody"})
    plan.refresh_from_db()
    assert plan.next_call_date == datetime(2024, 12, 29, tzinfo=UTC)
    assert plan.lead.assigned_to is None
