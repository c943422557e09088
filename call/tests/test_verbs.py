"""Snooze, skip, pause and resume: what they do to the dates, what they refuse, and that they may be sent again."""

import pytest

from call.models import CallPlan
from call.tests.support import NOW, client_of, dates_of

VERBS = [("snooze/", {"days": 2}), ("skip/", {}), ("pause/", {}), ("record_call/", {"details": "Wants a tasting."})]
TUESDAY = "2026-01-20T00:00:00Z"


@pytest.fixture
def path(kam, plan):
    """Of a DAILY plan that is due on Tuesday at midnight."""
    return f"/call/{plan.pk}/"


@pytest.fixture
def events(plan):
    return lambda: list(plan.events.values_list("kind", flat=True))


# --- Snooze ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "due"),
    [
        ({"until": "2026-02-02T10:00:00+05:30"}, "2026-02-02T04:30:00Z"),
        ({"until": "2026-02-02T10:00:00"}, "2026-02-02T10:00:00Z"),
        ({"until": "2026-02-02"}, "2026-02-02T15:30:00Z"),
        ({"days": 1}, "2026-01-20T15:30:00Z"),
        ({"days": 7}, "2026-01-26T15:30:00Z"),
        ({"days": "366"}, "2027-01-20T15:30:00Z"),
    ],
)
def test_a_snoozed_plan_is_due_on_that_day_at_its_time_of_day(kam, path, body, due):
    kam.post(f"{path}record_call/", {"last_called": "2026-01-18T15:30:00Z"})
    answer = kam.post(f"{path}snooze/", {**body, "reason": "On holiday."})
    assert (answer.status_code, answer.content) == (200, kam.get(path).content)
    assert dates_of(answer.json()) == ("2026-01-18T15:30:00Z", due)


def test_days_count_from_the_users_today_at_the_users_time_of_day(now, kam, path):
    kam.patch("/call/me/", {"time_zone": "America/New_York"})
    kam.patch(path, {"next_call_date": "2026-03-07T14:00:00Z"})  # 9:00
    now.move_to("2026-03-08T03:00:00Z")  # the 7th in New York, the night in which the clocks go forward
    assert kam.post(f"{path}snooze/", {"days": 1}).json()["next_call_date"] == "2026-03-08T13:00:00Z"


def test_a_plan_may_be_snoozed_to_a_day_off(kam, path):
    kam.patch("/call/me/", {"working_days": [1]})
    assert kam.post(f"{path}snooze/", {"until": "2026-01-25T10:00:00Z"}).json()["next_call_date"][:10] == "2026-01-25"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "until"),
        ({"until": "2026-02-02", "days": 2}, "until"),
        ({"until": NOW}, "until"),
        ({"until": "2026-01-19T08:59:59Z"}, "until"),
        ({"until": "2026-01-18"}, "until"),
        ({"until": "2101-01-01"}, "until"),
        ({"until": "2101-01-01T00:00:00Z"}, "until"),
        ({"until": "9999-12-31"}, "until"),
        ({"until": "9999-12-31T23:59:59-14:00"}, "until"),
        ({"until": "soon"}, "until"),
        ({"until": "2026-02-30"}, "until"),
        ({"until": ""}, "until"),
        ({"until": None}, "until"),
        ({"until": ["2026-02-02"]}, "until"),
        ({"days": 0}, "days"),
        ({"days": -1}, "days"),
        ({"days": 367}, "days"),
        ({"days": 10**9}, "days"),
        ({"days": 10**400}, "days"),
        ({"days": "two"}, "days"),
        ({"days": True}, "days"),
        ({"days": 2, "reason": "x" * 20_001}, "reason"),
        ({"days": 2, "reason": None}, "reason"),
    ],
)
def test_a_snooze_that_cannot_be_is_refused_by_name_and_changes_nothing(kam, path, events, body, field):
    answer = kam.post(f"{path}snooze/", body)
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert (dates_of(kam.get(path).json()), events()) == ((None, TUESDAY), [])


# --- Skip -----------------------------------------------------------------------------------------


def test_a_skipped_call_is_followed_by_the_next_of_the_rhythm(kam, path):
    kam.post(f"{path}record_call/", {"last_called": "2026-01-18T15:30:00Z"})
    answer = kam.post(f"{path}skip/", {"reason": "Closed."})
    assert dates_of(answer.json()) == ("2026-01-18T15:30:00Z", "2026-01-20T15:30:00Z")
    assert kam.post(f"{path}skip/").json()["next_call_date"] == "2026-01-21T15:30:00Z"


def test_a_plan_never_called_is_skipped_from_its_first_date(kam, path):
    assert dates_of(kam.post(f"{path}skip/").json()) == (None, "2026-01-21T00:00:00Z")


def test_a_snoozed_call_that_is_skipped_returns_to_the_rhythm(kam, path):
    kam.patch(f"{path}set_frequency/", {"frequency": "WEEKLY"})
    kam.post(f"{path}snooze/", {"until": "2026-01-28T10:00:00Z"})
    assert kam.post(f"{path}skip/").json()["next_call_date"] == "2026-02-02T00:00:00Z"


def test_a_touch_from_before_a_skip_leaves_what_the_skip_decided(kam, now, lead, path):
    now.shift(60)
    kam.post(f"{path}skip/")
    kam.post("/track/interactions/", {"lead": lead.pk, "interaction_type": "CALL", "date": NOW})
    assert dates_of(kam.get(path).json()) == (NOW, "2026-01-21T00:00:00Z")


def test_a_touch_in_the_second_of_a_snooze_or_of_the_plans_making_counts(kam, now, lead, path):
    """Clients rarely send fractions of a second."""
    now.shift(60.7)
    made = kam.post("/call/", {"lead": lead.pk, "frequency": "DAILY"}).json()["id"]
    kam.post(f"{path}snooze/", {"days": 5})
    kam.post("/track/interactions/", {"lead": lead.pk, "interaction_type": "CALL", "date": "2026-01-19T09:01:00Z"})
    moved = ("2026-01-19T09:01:00Z", "2026-01-20T09:01:00Z")
    assert dates_of(kam.get(path).json()) == dates_of(kam.get(f"/call/{made}/").json()) == moved


def test_a_plan_is_not_skipped_out_of_its_century(kam, path):
    kam.patch(path, {"next_call_date": "2100-12-31T23:00:00Z"})
    answer = kam.post(f"{path}skip/")
    assert (answer.status_code, answer.json()["next_call_date"]) == (200, "2100-12-30T23:00:00Z")


# --- Pause and resume -----------------------------------------------------------------------------


def test_pausing_a_plan_moves_no_date(kam, path):
    before = kam.get(path).content
    assert kam.post(f"{path}pause/", {"reason": "Renovation."}).content == before
    assert kam.post(f"{path}resume/").content == before


def test_pausing_or_resuming_again_leaves_no_second_row(kam, path, plan, events):
    for verb in ("pause/", "pause/", "resume/", "resume/", "pause/"):
        assert kam.post(path + verb).status_code == 200
    assert events() == ["PAUSED", "RESUMED", "PAUSED"]
    plan.refresh_from_db()
    assert (plan.paused, plan.sequence) == (True, 3)


@pytest.mark.parametrize("listing", ["today", "overdue", "upcoming"])
def test_a_paused_plan_is_in_no_list_of_calls_until_it_is_resumed(kam, path, plan, listing):
    due = {"today": "2026-01-19T10:00:00Z", "overdue": "2026-01-18T10:00:00Z", "upcoming": "2026-01-20T10:00:00Z"}
    kam.patch(path, {"next_call_date": due[listing]})
    kam.post(f"{path}pause/")
    assert kam.get(f"/call/{listing}/").json() == []
    assert len(kam.get("/call/").json()) == 1
    kam.post(f"{path}resume/")
    assert [row["id"] for row in kam.get(f"/call/{listing}/").json()] == [plan.pk]


# --- Sent again -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("verb", "body"), VERBS)
def test_a_verb_sent_again_with_its_key_is_done_once(kam, path, events, verb, body):
    first, again = (kam.post(path + verb, body, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert (first.status_code, again.content) == (200, first.content)
    assert again["Idempotency-Replayed"] == "true"
    assert len(events()) == 1


@pytest.mark.parametrize(("verb", "body"), VERBS)
def test_a_verb_for_a_plan_that_has_changed_meanwhile_is_refused(kam, path, events, verb, body):
    tag = kam.get(path)["ETag"]
    kam.patch(path, {"notes": "Ask for Asha."})
    assert kam.post(path + verb, body, headers={"If-Match": tag}).status_code == 412
    assert events() == []
    assert kam.post(path + verb, body, headers={"If-Match": kam.get(path)["ETag"]}).status_code == 200


@pytest.mark.parametrize(("verb", "body"), [*VERBS, ("resume/", {})])
def test_a_verb_for_no_plan_is_not_found(kam, verb, body):
    assert kam.post(f"/call/999999/{verb}", body).status_code == 404


@pytest.mark.parametrize(("verb", "body"), VERBS)
def test_a_reader_may_not(kam, reader, path, events, verb, body):
    assert client_of(reader).post(path + verb, body).status_code == 403
    assert events() == []


@pytest.mark.parametrize(("verb", "body"), VERBS)
def test_forms_do_as_well(kam, path, events, verb, body):
    assert kam.post(path + verb, body, format="multipart").status_code == 200
    assert len(events()) == 1


# --- Lists ----------------------------------------------------------------------------------------

DUES = [
    *("2026-01-18T23:59:59Z", "2026-01-19T00:00:00Z", "2026-01-19T23:59:59Z", "2026-01-20T00:00:00Z"),
    *("2026-01-22T23:59:59Z", "2026-01-23T00:00:00Z", "2026-01-26T23:59:59Z", "2026-01-27T00:00:00Z"),
]


@pytest.fixture
def due(kam, lead):
    for moment in reversed(DUES):
        CallPlan.objects.create(lead=lead, frequency="DAILY", next_call_date=moment)


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        ("overdue/", DUES[:1]),
        ("upcoming/", DUES[3:7]),
        ("upcoming/?days=3", DUES[3:5]),
        ("upcoming/?days=0", []),
        ("upcoming/?days=", DUES[3:7]),
        ("upcoming/?days=366", DUES[3:]),
    ],
)
def test_overdue_is_before_today_and_upcoming_after_it(kam, due, listing, expected):
    rows = kam.get(f"/call/{listing}").json()
    assert [row["next_call_date"] for row in rows] == expected
    assert all(list(row) == ["id", "lead", "frequency", "last_called", "next_call_date", "notes"] for row in rows)


@pytest.mark.parametrize(
    ("zone", "overdue", "today"),
    [
        ("Pacific/Kiritimati", DUES[:2], DUES[2:4]),  # the 20th, half past midnight
        ("Pacific/Pago_Pago", [], DUES[:2]),  # the 18th, half an hour to midnight
        ("UTC", DUES[:1], DUES[1:3]),
    ],
)
def test_the_lists_are_of_the_users_own_day(now, kam, due, zone, overdue, today):
    kam.patch("/call/me/", {"time_zone": zone})
    now.move_to("2026-01-19T10:30:00Z")
    assert [row["next_call_date"] for row in kam.get("/call/overdue/").json()] == overdue
    assert [row["next_call_date"] for row in kam.get("/call/today/").json()] == today
    assert [row["next_call_date"] for row in kam.get("/call/upcoming/?days=366").json()] == DUES[len(overdue + today) :]


@pytest.mark.parametrize("listing", ["overdue", "upcoming"])
def test_a_lost_lead_is_in_neither_list(kam, due, lead, listing):
    lead.change_status("LOST")
    assert kam.get(f"/call/{listing}/").json() == []


@pytest.mark.parametrize("days", ["-1", "1000000000", "367", "seven", "1.5"])
def test_days_that_make_no_sense_are_refused_by_name(kam, due, days):
    answer = kam.get(f"/call/upcoming/?days={days}")
    assert (answer.status_code, list(answer.json())) == (400, ["days"])


@pytest.mark.parametrize("rows", [3, 30])
@pytest.mark.parametrize("listing", ["overdue", "upcoming"])
def test_a_list_costs_one_query_besides_the_users(kam, lead, listing, rows, django_assert_num_queries):
    moment = {"overdue": DUES[0], "upcoming": DUES[4]}[listing]
    for _ in range(rows):
        CallPlan.objects.create(lead=lead, frequency="DAILY", next_call_date=moment)
    with django_assert_num_queries(2):
        assert len(kam.get(f"/call/{listing}/").json()) == rows
