"""The log of a plan: what happened, what was planned then, when, by whom and why."""

import pytest

from call.tests.support import NOW, client_of, dates_of
from contact.models import Contact
from lead.models import Restaurant
from track.models import Interaction


@pytest.fixture
def path(kam, plan):
    """Of a DAILY plan that is due on Tuesday at midnight."""
    return f"/call/{plan.pk}/"


@pytest.fixture
def log(kam, path):
    """What the log says, without ids, in the order in which it was written."""

    def rows() -> list[dict]:
        rows_read = kam.get(f"{path}history/").json()
        assert [row.pop("id") for row in rows_read] == sorted(row["id"] for row in kam.get(f"{path}history/").json())
        return rows_read

    return rows


def row(plan, user, event, planned, **more):
    return {
        "plan": plan.pk,
        "event": event,
        "planned_date": planned,
        "happened_at": NOW,
        "by": user.pk,
        "reason": "",
        "outcome": "",
        "frequency": "",
        "interaction": None,
    } | more


TUESDAY, WEDNESDAY = "2026-01-20T00:00:00Z", "2026-01-21T00:00:00Z"


def test_a_new_plan_has_no_history(log):
    assert log() == []


@pytest.mark.parametrize(
    ("method", "verb", "body", "expected"),
    [
        ("post", "record_call/", {}, {"event": "CALLED"}),
        (
            "post",
            "record_call/",
            {"last_called": "2026-01-18T10:00:00Z"},
            {"event": "CALLED", "happened_at": "2026-01-18T10:00:00Z"},
        ),
        ("patch", "", {"next_call_date": "2026-02-02T10:00:00Z"}, {"event": "RESCHEDULED"}),
        ("patch", "", {"last_called": "2026-01-02T10:00:00Z"}, {"event": "RESCHEDULED"}),
        ("patch", "", {"frequency": "WEEKLY"}, {"event": "FREQUENCY_CHANGED", "frequency": "WEEKLY"}),
        ("patch", "set_frequency/", {"frequency": "WEEKLY"}, {"event": "FREQUENCY_CHANGED", "frequency": "WEEKLY"}),
        ("post", "snooze/", {"days": 2, "reason": "On holiday."}, {"event": "SNOOZED", "reason": "On holiday."}),
        ("post", "skip/", {"reason": "Closed."}, {"event": "SKIPPED", "reason": "Closed."}),
        ("post", "pause/", {"reason": "Renovation."}, {"event": "PAUSED", "reason": "Renovation."}),
    ],
)
def test_each_verb_leaves_one_row(kam, plan, user, path, log, method, verb, body, expected):
    assert getattr(kam, method)(path + verb, body).status_code == 200
    assert log() == [row(plan, user, **{"event": "", "planned": TUESDAY, **expected})]


def test_resuming_leaves_a_row(kam, plan, user, path, log):
    kam.post(f"{path}pause/")
    kam.post(f"{path}resume/", {"reason": "Open again."})
    assert log()[1:] == [row(plan, user, "RESUMED", TUESDAY, reason="Open again.")]


def test_each_row_has_the_date_that_was_planned_before_it(kam, path, log):
    kam.post(f"{path}skip/")
    kam.post(f"{path}snooze/", {"until": "2026-02-02T10:00:00Z"})
    kam.post(f"{path}record_call/")
    assert [row["planned_date"] for row in log()] == [TUESDAY, WEDNESDAY, "2026-02-02T10:00:00Z"]


def test_each_row_says_who_did_it(kam, path, log, admin_user):
    kam.post(f"{path}skip/")
    client_of(admin_user).post(f"{path}skip/")
    assert [row["by"] for row in log()][1:] == [admin_user.pk]


def test_what_changes_nothing_leaves_no_row(kam, path, log):
    kam.patch(path, {"notes": "Ask for Asha.", "frequency": "DAILY", "next_call_date": TUESDAY})
    kam.post(f"{path}resume/")
    assert log() == []


def test_the_same_call_recorded_again_leaves_no_second_row(kam, path, log):
    kam.post(f"{path}record_call/", {"last_called": NOW})
    kam.post(f"{path}record_call/", {"last_called": NOW})
    assert len(log()) == 1


def test_a_call_that_comes_late_is_in_the_log_and_moves_nothing(kam, path, log):
    kam.post(f"{path}record_call/", {"last_called": "2026-01-18T10:00:00Z"})
    kam.post(f"{path}record_call/", {"last_called": "2026-01-17T10:00:00Z"})
    assert [row["happened_at"] for row in log()] == ["2026-01-18T10:00:00Z", "2026-01-17T10:00:00Z"]
    assert dates_of(kam.get(path).json()) == ("2026-01-18T10:00:00Z", "2026-01-19T10:00:00Z")


def test_the_history_of_no_plan_is_not_found(kam, path):
    assert kam.get("/call/999999/history/").status_code == 404


@pytest.mark.parametrize("rows", [3, 30])
def test_the_history_costs_two_queries_besides_the_users(kam, path, plan, rows, django_assert_num_queries):
    for _ in range(rows):
        plan.skip()
    with django_assert_num_queries(3):
        assert len(kam.get(f"{path}history/").json()) == rows


def test_the_history_is_deleted_with_its_plan(kam, path, plan):
    kam.post(f"{path}record_call/", {"details": "Wants a tasting."})
    kam.delete(path)
    assert kam.get(f"{path}history/").status_code == 404
    assert Interaction.objects.count() == 1


# --- record_call with what was said ---------------------------------------------------------------


@pytest.mark.parametrize("said", [{"contact"}, {"outcome"}, {"details"}, {"contact", "outcome", "details"}])
def test_a_call_with_contact_outcome_or_details_is_an_interaction_too(kam, user, contact, path, log, said):
    everything = {"contact": contact.pk, "outcome": "REACHED", "details": "Wants a tasting."}
    body = {name: value for name, value in everything.items() if name in said}

    answer = kam.post(f"{path}record_call/", {"last_called": "2026-01-19T08:30:00Z", **body})

    assert dates_of(answer.json()) == ("2026-01-19T08:30:00Z", "2026-01-20T08:30:00Z")
    (interaction,) = kam.get("/track/interactions/").json()
    assert interaction == {
        "id": interaction["id"],
        "lead": contact.restaurant_id,
        "contact": body.get("contact"),
        "interaction_type": "CALL",
        "details": body.get("details", ""),
        "order_placed": False,
        "date": "2026-01-19T08:30:00Z",
    }
    (event,) = log()
    assert (event["event"], event["outcome"]) == ("CALLED", body.get("outcome", ""))
    assert event["interaction"] == interaction["id"]
    assert Interaction.objects.get().created_by == user


@pytest.mark.parametrize("body", [{}, {"contact": None}, {"details": ""}, {"contact": None, "details": ""}])
def test_a_call_without_details_is_no_interaction(kam, path, body):
    assert kam.post(f"{path}record_call/", body).status_code == 200
    assert not Interaction.objects.exists()


@pytest.mark.parametrize("outcome", ["REACHED", "CALL_BACK"])
def test_an_outcome_that_reached_a_contact_moves_the_plan(kam, path, log, outcome):
    answer = kam.post(f"{path}record_call/", {"outcome": outcome})
    assert dates_of(answer.json()) == (NOW, "2026-01-20T09:00:00Z")
    assert [(row["event"], row["outcome"]) for row in log()] == [("CALLED", outcome)]


@pytest.mark.parametrize("outcome", ["NO_ANSWER", "LEFT_MESSAGE", "WRONG_NUMBER"])
def test_an_attempt_is_logged_and_moves_nothing(kam, lead, contact, path, log, outcome):
    other = kam.post("/call/", {"lead": lead.pk, "frequency": "WEEKLY"}).json()

    answer = kam.post(f"{path}record_call/", {"outcome": outcome, "contact": contact.pk})

    assert (answer.status_code, dates_of(answer.json())) == (200, (None, TUESDAY))
    assert [(row["event"], row["outcome"]) for row in log()] == [("ATTEMPTED", outcome)]
    assert log()[0]["interaction"] == Interaction.objects.get().pk
    assert kam.get(f"/call/{other['id']}/").json() == other
    assert kam.get(f"/call/{other['id']}/history/").json() == []


@pytest.mark.parametrize(
    "change",
    [
        [{"date": "2026-01-19T07:00:00Z"}],
        [{"interaction_type": "MEETING"}],
        [{"interaction_type": "EMAIL"}, {"interaction_type": "CALL"}],
        [{"date": "2025-06-01T00:00:00Z"}, {"date": NOW}],
        [{"details": "Rang ten times."}],
    ],
)
def test_an_attempt_moves_nothing_when_its_interaction_is_edited(kam, lead, path, log, change):
    other = kam.post("/call/", {"lead": lead.pk, "frequency": "WEEKLY"}).json()
    kam.post(f"{path}record_call/", {"outcome": "NO_ANSWER"})

    for body in change:
        assert kam.patch(f"/track/interactions/{Interaction.objects.get().pk}/", body).status_code == 200

    assert dates_of(kam.get(path).json()) == (None, TUESDAY)
    assert [row["event"] for row in log()] == ["ATTEMPTED"]
    assert kam.get(f"/call/{other['id']}/").json() == other


def test_an_attempt_moves_nothing_when_its_interaction_is_deleted(kam, path):
    kam.post(f"{path}record_call/", {"outcome": "NO_ANSWER"})
    kam.delete(f"/track/interactions/{Interaction.objects.get().pk}/")
    assert dates_of(kam.get(path).json()) == (None, TUESDAY)


def test_call_and_interaction_are_one_change(kam, path, log, monkeypatch):
    def fail(*args):
        raise ZeroDivisionError

    monkeypatch.setattr("call.models.CallPlan.apply", fail)
    with pytest.raises(ZeroDivisionError):
        kam.post(f"{path}record_call/", {"details": "Wants a tasting."})
    monkeypatch.undo()
    assert (log(), Interaction.objects.count()) == ([], 0)
    assert dates_of(kam.get(path).json()) == (None, TUESDAY)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"contact": "someone else's"}, "contact"),
        ({"contact": 999_999}, "contact"),
        ({"contact": "no id"}, "contact"),
        ({"outcome": "HUNG_UP"}, "outcome"),
        ({"outcome": ""}, "outcome"),
        ({"outcome": None}, "outcome"),
        ({"details": "x" * 20_001}, "details"),
        ({"details": "Hello.", "last_called": "2026-01-20T09:00:01Z"}, "last_called"),
        ({"details": "Hello.", "last_called": "Monday"}, "last_called"),
    ],
)
def test_a_bad_call_is_refused_by_name_and_changes_nothing(kam, user, path, log, body, field):
    elsewhere = Contact.objects.create(restaurant=Restaurant.objects.create(name="Cafe Blau"), name="Ben")
    if body.get("contact") == "someone else's":
        body = {"contact": elsewhere.pk}

    answer = kam.post(f"{path}record_call/", body)

    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert (log(), Interaction.objects.count()) == ([], 0)
    assert dates_of(kam.get(path).json()) == (None, TUESDAY)
