"""Log lines that a correction takes out of effect: both they and the correction stay readable, and neither counts."""

import pytest
from django.urls import reverse

from call.models import CallEvent, CallPlan
from call.tests.support import NOW, client_of, dates_of
from lead.models import Restaurant
from track.models import Interaction

INTERACTIONS = "/track/interactions/"
FRESH = (None, "2026-01-20T00:00:00Z")
EARLIER, LATER = "2026-01-19T10:00:00Z", "2026-01-19T11:00:00Z"
AFTER_EARLIER, AFTER_LATER = (EARLIER, "2026-01-20T10:00:00Z"), (LATER, "2026-01-20T11:00:00Z")
CORRECTED_AT = "2026-01-19T15:00:00Z"


@pytest.fixture
def path(now, kam, plan):
    """Of a DAILY plan that was created at nine and is due on Tuesday at midnight. It is noon now."""
    now.move_to("2026-01-19T12:00:00Z")
    return f"/call/{plan.pk}/"


@pytest.fixture
def touch(kam, lead, path):
    """Log a call; the path of its interaction."""

    def log(date: str) -> str:
        answer = kam.post(INTERACTIONS, {"lead": lead.pk, "interaction_type": "CALL", "date": date})
        return f"{INTERACTIONS}{answer.json()['id']}/"

    return log


@pytest.fixture
def correct(now, admin_user):
    """Correct an interaction at three o'clock, as another user."""

    def send(interaction: str, **changes):
        now.move_to(CORRECTED_AT)
        client = client_of(admin_user)
        answer = client.patch(interaction, changes) if changes else client.delete(interaction)
        assert answer.status_code == 200, answer.json()

    return send


@pytest.fixture
def history(kam, path):
    return lambda: kam.get(f"{path}history/").json()


@pytest.fixture
def dates(kam, path):
    return lambda: dates_of(kam.get(path).json())


def changes_of(correction: str) -> dict:
    match correction:
        case "type":
            return {"interaction_type": "EMAIL"}
        case "before the plan":
            return {"date": "2026-01-19T08:59:59Z"}
        case "too far ahead":
            return {"date": "2026-01-20T15:00:01Z"}
        case "lead":
            return {"lead": Restaurant.objects.create(name="Cafe Blau").pk}
    return {}


CORRECTIONS = ["type", "before the plan", "too far ahead", "lead", "deletion"]


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_a_withdrawn_line_stays_and_a_line_says_what_when_and_by_whom(
    plan, user, admin_user, touch, correct, history, dates, correction
):
    interaction = touch(LATER)
    (called,) = history()
    assert dates() == AFTER_LATER

    correct(interaction, **changes_of(correction))

    assert dates() == FRESH
    remaining = None if correction == "deletion" else called["interaction"]
    withdrawn, corrected = history()
    assert withdrawn == {**called, "interaction": remaining}
    assert (called["event"], called["by"], called["planned_date"]) == ("CALLED", user.pk, FRESH[1])
    assert list(corrected.items()) == [
        ("id", corrected["id"]),
        ("plan", plan.pk),
        ("event", "CORRECTED"),
        ("planned_date", AFTER_LATER[1]),
        ("happened_at", CORRECTED_AT),
        ("by", admin_user.pk),
        ("reason", f"CALLED of {LATER} taken back"),
        ("outcome", ""),
        ("frequency", ""),
        ("interaction", remaining),
    ]


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_replay_ignores_withdrawn_lines(plan, touch, correct, dates, correction):
    touch(EARLIER)
    correct(touch(LATER), **changes_of(correction))
    assert dates() == AFTER_EARLIER

    plan.refresh_from_db()
    before = {name: value for name, value in vars(plan).items() if not name.startswith("_")}
    plan.replay()
    assert {name: value for name, value in vars(plan).items() if name in before} == before
    CallPlan.objects.recompute()
    assert dates() == AFTER_EARLIER


def test_a_touch_moved_to_another_lead_counts_there_alone(touch, correct, dates):
    elsewhere = CallPlan.objects.create(lead=Restaurant.objects.create(name="Cafe Blau"), frequency="DAILY")
    CallPlan.objects.filter(pk=elsewhere.pk).update(created_at=NOW)
    correct(touch(LATER), lead=elsewhere.lead_id)
    assert dates() == FRESH
    assert [event.kind for event in elsewhere.events.all()] == ["CALLED"]


def test_a_touch_corrected_back_counts_with_a_line_of_its_own(touch, correct, history, dates):
    interaction = touch(LATER)
    correct(interaction, interaction_type="EMAIL")
    correct(interaction, interaction_type="VISIT")
    assert dates() == AFTER_LATER
    correct(interaction)
    assert dates() == FRESH
    assert [row["event"] for row in history()] == ["CALLED", "CORRECTED", "CALLED", "CORRECTED"]


def test_a_corrected_date_that_still_counts_changes_the_line_itself(touch, correct, history, dates):
    correct(touch(LATER), date=EARLIER)
    assert dates() == AFTER_EARLIER
    assert [(row["event"], row["happened_at"]) for row in history()] == [("CALLED", EARLIER)]


def test_each_plan_of_the_lead_logs_the_correction(lead, touch, correct):
    other = CallPlan.objects.create(lead=lead, frequency="WEEKLY")
    CallPlan.objects.filter(pk=other.pk).update(created_at=NOW)
    correct(touch(LATER))
    assert [event.kind for event in other.events.all()] == ["CALLED", "CORRECTED"]


def test_a_recorded_call_is_withdrawn_with_its_interaction(kam, path, correct, history, dates):
    kam.post(f"{path}record_call/", {"last_called": LATER, "outcome": "REACHED"})
    correct(f"{INTERACTIONS}{Interaction.objects.get().pk}/")
    assert dates() == FRESH
    assert [(row["event"], row["outcome"]) for row in history()] == [("CALLED", "REACHED"), ("CORRECTED", "")]


def test_a_withdrawn_call_can_be_recorded_again(kam, path, touch, correct, history):
    touch(LATER)
    kam.post(f"{path}record_call/", {"last_called": LATER, "details": "By mistake."})
    correct(f"{INTERACTIONS}{Interaction.objects.get(details='By mistake.').pk}/")
    kam.post(f"{path}record_call/", {"last_called": LATER})
    assert [row["event"] for row in history()] == ["CALLED", "CALLED", "CORRECTED", "CALLED"]


def test_fractions_of_a_second_are_in_the_reason(touch, correct, history):
    correct(touch("2026-01-19T11:00:00.250000Z"))
    assert history()[-1]["reason"] == "CALLED of 2026-01-19T11:00:00.250000Z taken back"


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_adherence_counts_no_withdrawn_call(now, kam, plan, touch, correct, correction):
    """As if the touch had never been: the call of the 20th is missed, and none was planned for the 20th at eleven."""

    def adherence():
        now.move_to("2026-02-01T12:00:00Z")
        return kam.get("/call/adherence/?from=2026-01-01&to=2026-01-31").json()

    plan.set_frequency("WEEKLY")  # due on the 26th
    before = adherence()
    now.move_to("2026-01-20T12:00:00Z")
    interaction = touch("2026-01-20T11:00:00Z")  # due on the 27th
    assert adherence() != before

    correct(interaction, **changes_of(correction))

    assert adherence() == before
    assert (before[0]["planned"], before[0]["missed"]) == (2, 2)


def test_the_plan_page_shows_both_lines_and_the_timeline_neither(admin_client, plan, lead, touch, correct):
    correct(touch(LATER))
    page = admin_client.get(reverse("admin:call_callplan_change", args=[plan.pk]))
    (history,) = page.context["inline_admin_formsets"]
    assert [form.instance.kind for form in history.formset.forms] == ["CORRECTED", "CALLED"]
    assert f"CALLED of {LATER} taken back" in page.content.decode()
    page = admin_client.get(reverse("admin:lead_restaurant_change", args=[lead.pk]))
    assert "taken back" not in page.content.decode()


def test_a_touch_deleted_in_the_admin_is_corrected_by_its_user(admin_client, admin_user, touch, history):
    pk = touch(LATER).split("/")[-2]
    admin_client.post(reverse("admin:track_interaction_delete", args=[pk]), {"post": "yes"})
    assert [(row["event"], row["by"]) for row in history()][-1] == ("CORRECTED", admin_user.pk)


def test_lines_are_deleted_with_their_plan_alone(plan, touch, correct, kam, path):
    correct(touch(LATER))
    kam.delete(path)
    assert not CallEvent.objects.exists()
