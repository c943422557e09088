"""Adherence: each column by examples that were computed by hand."""

import pytest
from django.contrib.auth import get_user_model

from call.models import CallPlan, WorkProfile
from lead.models import Restaurant
from track.models import Interaction

COLUMNS = ["planned", "on_time", "late", "missed", "skipped", "snoozed", "average_days_late"]
JANUARY = "from=2026-01-01&to=2026-01-31"


@pytest.fixture
def plan(now, lead):
    """A DAILY plan, made on the 4th and due on Monday the 5th at midnight; the clock is then moved on."""
    now.move_to("2026-01-04T09:00:00Z")
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    now.move_to("2026-01-19T09:00:00Z")
    return plan


@pytest.fixture
def adherence(kam, user, plan):
    """The row of `user`, as a dict of the columns that are not 0."""

    def ask(period=JANUARY) -> dict:
        rows = [row for row in kam.get(f"/call/adherence/?{period}").json() if row["owner"] == user.pk]
        if not rows:
            return {}
        assert list(rows[0]) == ["owner", *COLUMNS]
        assert rows[0]["planned"] == sum(rows[0][name] for name in ("on_time", "late", "missed", "skipped"))
        return {name: rows[0][name] for name in COLUMNS if rows[0][name]}

    return ask


@pytest.fixture
def at(now, kam, plan):
    """At an instant, do something to the plan: `at("2026-01-05T10:00:00Z", "record_call")`."""

    def do(moment, verb, method="post", **body):
        now.move_to(moment)
        path = f"/call/{plan.pk}/{verb}/" if verb else f"/call/{plan.pk}/"
        answer = getattr(kam, method)(path, body)
        assert answer.status_code == 200
        return answer.json()

    return do


def test_a_call_on_its_date_is_on_time(at, adherence):
    at("2026-01-05T23:59:59Z", "record_call")
    assert adherence("from=2026-01-01&to=2026-01-05") == {"planned": 1, "on_time": 1}


def test_a_call_before_its_date_is_on_time(at, adherence):
    at("2026-01-04T12:00:00Z", "record_call")
    assert adherence("from=2026-01-05&to=2026-01-05") == {"planned": 1, "on_time": 1}


def test_a_call_after_its_date_is_late_by_local_days(at, adherence):
    at("2026-01-08T00:00:00Z", "record_call")
    assert adherence("from=2026-01-01&to=2026-01-08") == {"planned": 1, "late": 1, "average_days_late": 3.0}


def test_a_planned_date_without_a_touch_is_missed(now, adherence):
    assert adherence() == {"planned": 1, "missed": 1}
    now.move_to("2026-01-05T00:00:00Z")
    assert adherence() == {"planned": 1, "missed": 1}
    now.move_to("2026-01-04T23:59:59Z")
    assert adherence() == {}  # still to come


def test_a_call_after_the_end_of_the_period_comes_too_late_for_it(at, adherence):
    at("2026-01-08T10:00:00Z", "record_call")
    assert adherence("from=2026-01-01&to=2026-01-07") == {"planned": 1, "missed": 1}
    assert adherence("from=2026-01-01&to=2026-01-08") == {"planned": 1, "late": 1, "average_days_late": 3.0}


def test_a_skipped_date_is_skipped(at, adherence):
    at("2026-01-04T12:00:00Z", "skip")
    at("2026-01-06T12:00:00Z", "record_call")
    assert adherence("from=2026-01-01&to=2026-01-06") == {"planned": 2, "skipped": 1, "on_time": 1}


def test_a_snoozed_date_is_counted_as_what_became_of_it_and_as_snoozed(at, adherence):
    at("2026-01-05T08:00:00Z", "snooze", days=3)
    at("2026-01-08T08:00:00Z", "record_call")
    # The 5th was called three days late, the 8th on time.
    expected = {"planned": 2, "on_time": 1, "late": 1, "snoozed": 1, "average_days_late": 3.0}
    assert adherence("from=2026-01-01&to=2026-01-08") == expected


def test_a_rescheduled_date_is_one_that_was_moved(at, adherence):
    at("2026-01-05T08:00:00Z", "", "patch", next_call_date="2026-01-07T10:00:00Z")
    assert adherence("from=2026-01-01&to=2026-01-06") == {"planned": 1, "missed": 1, "snoozed": 1}


def test_a_patch_that_leaves_the_date_moves_nothing(at, adherence):
    at("2026-01-05T08:00:00Z", "", "patch", last_called="2026-01-02T10:00:00Z")
    assert adherence("from=2026-01-01&to=2026-01-06") == {"planned": 1, "missed": 1}


def test_an_attempt_is_no_touch(at, adherence):
    at("2026-01-05T08:00:00Z", "record_call", outcome="NO_ANSWER")
    assert adherence("from=2026-01-01&to=2026-01-05") == {"planned": 1, "missed": 1}
    at("2026-01-06T08:00:00Z", "record_call", outcome="REACHED")
    assert adherence("from=2026-01-01&to=2026-01-06") == {"planned": 1, "late": 1, "average_days_late": 1.0}


def test_a_touch_of_the_lead_counts_as_on_time_too(now, lead, adherence):
    now.move_to("2026-01-05T10:00:00Z")
    Interaction.log(lead=lead, interaction_type="VISIT")
    assert adherence("from=2026-01-01&to=2026-01-05") == {"planned": 1, "on_time": 1}


def test_a_touch_that_is_noted_afterwards_counts_from_when_it_was(now, at, kam, lead, adherence):
    now.move_to("2026-01-07T10:00:00Z")
    visit = {"lead": lead.pk, "interaction_type": "VISIT", "date": "2026-01-05T10:00:00Z"}
    path = f"/track/interactions/{kam.post('/track/interactions/', visit).json()['id']}/"
    assert adherence("from=2026-01-01&to=2026-01-05") == {"planned": 1, "on_time": 1}
    kam.patch(path, {"date": "2026-01-06T10:00:00Z"})
    assert adherence("from=2026-01-01&to=2026-01-06") == {"planned": 1, "late": 1, "average_days_late": 1.0}
    kam.delete(path)
    assert adherence("from=2026-01-01&to=2026-01-06") == {"planned": 1, "missed": 1}


def test_a_call_recorded_out_of_order_does_not_count_for_later_dates(at, adherence):
    at("2026-01-06T10:00:00Z", "record_call")  # late for the 5th; next on the 7th
    at("2026-01-06T11:00:00Z", "record_call", last_called="2026-01-05T10:00:00Z")  # so the call of the 5th was on time
    at("2026-01-09T10:00:00Z", "record_call", last_called="2026-01-09T10:00:00Z")
    expected = {"planned": 2, "on_time": 1, "late": 1, "average_days_late": 2.0}
    assert adherence("from=2026-01-01&to=2026-01-09") == expected


def test_a_date_that_a_pause_took_away_is_none(at, adherence):
    at("2026-01-04T12:00:00Z", "pause")
    assert adherence() == {}
    at("2026-01-12T12:00:00Z", "resume")
    assert adherence() == {"planned": 1, "missed": 1}


def test_a_date_that_was_missed_before_the_pause_stays_missed(at, adherence):
    at("2026-01-06T12:00:00Z", "pause")
    assert adherence() == {"planned": 1, "missed": 1}


def test_the_average_is_over_the_late_ones(at, adherence):
    at("2026-01-06T08:00:00Z", "record_call")  # 5th: one day late
    at("2026-01-07T08:00:00Z", "record_call")  # 7th: on time
    at("2026-01-10T08:00:00Z", "record_call")  # 8th: two days late
    at("2026-01-16T08:00:00Z", "record_call")  # 11th: five days late
    expected = {"planned": 4, "on_time": 1, "late": 3, "average_days_late": 2.7}
    assert adherence("from=2026-01-01&to=2026-01-16") == expected


def test_the_period_holds_its_first_and_its_last_day(at, adherence):
    for day in ("05", "06", "07"):
        at(f"2026-01-{day}T08:00:00Z", "record_call")
    assert adherence("from=2026-01-05&to=2026-01-07") == {"planned": 3, "on_time": 3}
    assert adherence("from=2026-01-06&to=2026-01-06") == {"planned": 1, "on_time": 1}
    assert adherence("from=2026-01-06&to=2026-01-07") == {"planned": 2, "on_time": 2}
    assert adherence("from=2025-12-01&to=2026-01-04") == {}


def test_days_are_those_of_the_owners_zone(now, user, at, adherence):
    WorkProfile.objects.create(user=user, time_zone="Asia/Kolkata")  # due on the 5th, 00:00 there
    at("2026-01-05T18:29:59Z", "record_call")
    assert adherence("from=2026-01-01&to=2026-01-05") == {"planned": 1, "on_time": 1}
    now.move_to("2026-01-06T18:29:00Z")
    at("2026-01-06T18:30:00Z", "record_call")  # due on the 6th, called on the 7th
    assert adherence("from=2026-01-06&to=2026-01-07") == {"planned": 1, "late": 1, "average_days_late": 1.0}


def test_each_owner_has_a_row_and_unowned_leads_have_one(now, kam, user, at, plan):
    ben = get_user_model().objects.create_user("ben")
    for owner in (None, ben):
        now.move_to("2026-01-04T09:00:00Z")
        lead = Restaurant.objects.create(name="Cafe Blau", assigned_to=owner)
        CallPlan.objects.create(lead=lead, frequency="WEEKLY")
        CallPlan.objects.create(lead=lead, frequency="WEEKLY")
    now.move_to("2026-01-19T09:00:00Z")
    rows = kam.get(f"/call/adherence/?{JANUARY}").json()
    assert [(row["owner"], row["planned"], row["missed"]) for row in rows] == [
        (user.pk, 1, 1),
        (ben.pk, 2, 2),
        (None, 2, 2),
    ]
    assert {row["average_days_late"] for row in rows} == {None}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "from"),
        ("from=2026-01-01", "to"),
        ("to=2026-01-31", "from"),
        ("from=&to=2026-01-31", "from"),
        ("from=yesterday&to=2026-01-31", "from"),
        ("from=2026-02-30&to=2026-03-31", "from"),
        ("from=2026-01-31&to=2026-01-01", "to"),
        ("from=2020-01-01&to=2026-01-01", "to"),
        ("from=0001-01-01&to=0001-01-02", "from"),
        ("from=9999-12-30&to=9999-12-31", "from"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused_by_name(kam, query, field):
    answer = kam.get(f"/call/adherence/?{query}")
    assert (answer.status_code, field in answer.json()) == (400, True)


@pytest.mark.parametrize("plans", [3, 30])
def test_the_report_costs_the_same_queries_however_many_plans_there_are(
    now, kam, lead, plans, django_assert_num_queries
):
    now.move_to("2026-01-04T09:00:00Z")
    for _ in range(plans):
        CallPlan.objects.create(lead=lead, frequency="WEEKLY").skip()
    now.move_to("2026-01-19T09:00:00Z")
    with django_assert_num_queries(7):
        (row,) = kam.get(f"/call/adherence/?{JANUARY}").json()
    assert row["planned"] == 2 * plans
