"""Touches, orders and revenue by the owner that the lead had at the time."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.contrib.auth import get_user_model

from call.models import CallPlan
from crm import dates
from crm.tests.support import client_of
from lead.models import Restaurant, Team
from track.models import Interaction

PATH = "/track/performance/?from={}&to={}"
DECEMBER = PATH.format("2025-12-01", "2025-12-31")
ORDER = {"product_details": "Oil", "quantity": 1, "total_price": "12.50"}


@pytest.fixture
def clock(db):
    with time_machine.travel("2025-12-01T09:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture
def kam(clock, user):
    return client_of(user)


@pytest.fixture
def ben(db):
    return get_user_model().objects.create_user("ben")


@pytest.fixture
def lead(clock, lead):
    return lead


def log(lead, kind, moment, **fields):
    return Interaction.log(lead=lead, interaction_type=kind, date=datetime.fromisoformat(moment), **fields)


def rows(client, path=DECEMBER):
    return client.get(path).json()


def row(owner, touches=0, orders=0, revenue=0.0, **more):
    return {"owner": owner, "touches": touches, "orders": orders, "revenue": revenue, **more}


def test_a_row_has_touches_orders_and_revenue(kam, user, lead):
    log(lead, "CALL", "2025-12-01T08:00:00Z")
    log(lead, "VISIT", "2025-12-01T08:00:00Z", order=ORDER)
    log(lead, "ORDER", "2025-12-01T08:00:00Z")  # its price is unknown
    log(lead, "EMAIL", "2025-12-01T08:00:00Z")  # no touch
    answer = kam.get(DECEMBER)
    assert answer.json() == [row(user.pk, touches=2, orders=2, revenue=12.5)]
    assert answer.content.endswith(b'"revenue":12.50}]')


def test_figures_stay_with_the_owner_at_that_time(kam, clock, user, ben, lead):
    log(lead, "CALL", "2025-12-01T08:00:00Z", order=ORDER)
    clock.move_to("2025-12-10T12:00:00Z")
    lead.edit(assigned_to=ben)
    clock.move_to("2025-12-20T12:00:00Z")
    log(lead, "CALL", "2025-12-10T11:59:59Z")  # noted afterwards
    log(lead, "VISIT", "2025-12-10T12:00:00Z")
    assert rows(kam) == [row(user.pk, 2, 1, 12.5), row(ben.pk, 1)]


def test_an_order_counts_for_the_owner_at_its_own_date(kam, clock, user, ben, lead):
    clock.move_to("2025-12-10T12:00:00Z")
    lead.edit(assigned_to=ben)
    log(lead, "EMAIL", "2025-12-10T12:00:00Z", order={**ORDER, "order_date": "2025-12-05T00:00:00Z"})
    assert rows(kam) == [row(user.pk, 0, 1, 12.5)]
    assert rows(kam, PATH.format("2025-12-10", "2025-12-10")) == []


def test_a_deleted_users_figures_keep_the_name(kam, clock, user, ben, lead):
    lead.edit(assigned_to=ben)
    log(lead, "CALL", "2025-12-01T09:00:00Z")
    clock.move_to("2025-12-02T09:00:00Z")
    ben.delete()
    log(lead, "CALL", "2025-12-02T09:00:00Z")
    log(Restaurant.objects.create(name="Unowned"), "CALL", "2025-12-01T09:00:00Z")
    assert rows(kam) == [row(None, 1, former_owner="ben"), row(None, 2)]


def test_a_merge_moves_no_figures_to_another_owner(kam, clock, user, ben, lead):
    """Neither those of the other lead's former owners, nor by its history those of this lead's own."""
    asha, carl = (get_user_model().objects.create_user(name) for name in ("asha", "carl"))
    second = Restaurant.objects.create(name="Bistro Ana", assigned_to=asha)
    third = Restaurant.objects.create(name="Bistro", assigned_to=ben)
    log(lead, "VISIT", "2025-12-01T10:00Z")
    log(second, "VISIT", "2025-12-01T10:00Z")
    log(third, "ORDER", "2025-12-01T10:00Z", order=ORDER)
    clock.move_to("2025-12-02T09:00:00Z")
    second.edit(assigned_to=carl)
    for each in (lead, second, third):
        log(each, "CALL", "2025-12-02T09:00Z")
    clock.move_to("2025-12-03T09:00:00Z")
    before = rows(client_of(user))
    assert before == [row(user.pk, 2), row(ben.pk, 1, 1, 12.5), row(asha.pk, 1), row(carl.pk, 1)]
    second.merge(third.pk)
    assert rows(client_of(user)) == before
    clock.move_to("2025-12-04T09:00:00Z")
    log(second, "VISIT", "2025-12-03T12:00Z")  # carl's, since the merge with all that belongs to it
    lead.merge(second.pk)
    clock.move_to("2025-12-05T09:00:00Z")
    log(lead, "VISIT", "2025-12-05T09:00Z")
    ben.delete()
    assert rows(client_of(user)) == [
        row(user.pk, 3),
        row(asha.pk, 1),
        row(carl.pk, 2),
        row(None, 1, 1, 12.5, former_owner="ben"),
    ]
    lead.unmerge(second.pk)
    assert [each["touches"] for each in rows(client_of(user))] == [3, 1, 2, 1]


def test_two_hand_overs_on_one_day_give_each_owner_the_own_hours(kam, clock, user, ben, lead):
    for hour, owner in (10, ben), (11, None), (12, user):
        clock.move_to(f"2025-12-01T{hour}:00:00Z")
        lead.edit(assigned_to=owner)
    for hour in ("09", "10", "10", "11", "12", "12", "12"):
        log(lead, "CALL", f"2025-12-01T{hour}:00:00Z")
    assert rows(kam) == [row(user.pk, 4), row(ben.pk, 2), row(None, 1)]


def test_the_period_holds_its_first_and_last_day_in_the_servers_zone(kam, clock, user, lead, settings):
    settings.TIME_ZONE = "Asia/Kolkata"
    clock.move_to("2025-12-20T09:00:00Z")
    for moment in ("2025-12-01T18:29:59Z", "2025-12-01T18:30:00Z", "2025-12-03T18:29:59Z", "2025-12-03T18:30:00Z"):
        log(lead, "CALL", moment)
    assert rows(kam, PATH.format("2025-12-02", "2025-12-03")) == [row(user.pk, 2)]


def test_what_is_dated_in_the_future_does_not_count_yet(kam, clock, user, lead):
    log(lead, "CALL", "2025-12-01T09:00:01Z", order=ORDER)
    log(lead, "CALL", "2025-12-01T09:00:00Z")
    assert rows(kam) == [row(user.pk, 1)]
    clock.shift(timedelta(seconds=1))
    assert rows(kam) == [row(user.pk, 2, 1, 12.5)]


def test_a_call_that_reached_no_one_is_no_touch(kam, user, lead):
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    plan.record_call(dates.now(), outcome="NO_ANSWER", by=user)
    assert rows(kam) == []
    plan.record_call(dates.now(), outcome="REACHED", by=user)
    assert rows(kam) == [row(user.pk, 1)]


def test_one_sees_the_own_row_and_those_of_whom_one_manages(clock, user, reader, ben, lead, settings):
    Team.establish(name="West", members=[user.pk, ben.pk], managers=[reader.pk])
    for owner in (user, ben, reader, None):
        log(Restaurant.objects.create(name="A", assigned_to=owner), "CALL", "2025-12-01T09:00:00Z")
    seen = {"all": [4, 4, 4], "team": [1, 1, 3], "own": [1, 1, 3]}
    for mode, counts in seen.items():
        settings.ACCESS = mode
        found = [rows(client_of(viewer)) for viewer in (user, ben, reader)]
        assert [len(each) for each in found] == counts
        if mode != "all":
            assert [each["owner"] for each in found[1]] == [ben.pk]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "from"),
        ("from=2026-01-01", "to"),
        ("from=x&to=2026-01-01", "from"),
        ("from=2020-01-01&to=2026-01-01", "to"),
    ],
)
def test_a_period_that_is_invalid_is_refused_by_name(query, field, kam):
    answer = kam.get(f"/track/performance/?{query}")
    assert (answer.status_code, field in answer.json()) == (400, True)


def test_an_unknown_parameter_is_refused_strictly(kam):
    answer = kam.get(f"{DECEMBER}&owner=1", headers={"Prefer": "handling=strict"})
    assert answer.json() == {"owner": ["Unknown parameter."]}


@pytest.mark.parametrize("leads", [3, 30])
def test_the_report_costs_the_same_queries_however_many_leads_there_are(
    leads, kam, user, ben, django_assert_num_queries
):
    for number in range(leads):
        lead = Restaurant.objects.create(name="A", assigned_to=user)
        log(lead, "CALL", "2025-12-01T08:00:00Z", order=ORDER)
        if number % 3:
            lead.edit(assigned_to=ben)
    rows(kam)
    with django_assert_num_queries(10):  # touches and orders: of one owner, of several; the owners of those, in three
        assert rows(kam) == [row(user.pk, leads, leads, 12.5 * leads)]
