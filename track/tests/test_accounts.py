"""GET /track/accounts/ and GET of one."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from call.models import CallPlan
from crm.tests.support import stream_all
from lead.models import Restaurant
from track import accounts
from track.models import Interaction, OrderDetails, QuietMark

PATH = "/track/accounts/"
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
KEYS = [
    *("lead", "name", "assigned_to", "verdict", "order_days", "last_order_day", "days_since", "usual_gap"),
    *("longest_gap", "expected_on", "orders_365", "revenue_365", "revenue_365_before", "next_call_date"),
    *("quiet_until", "sentence"),
]


@pytest.fixture(autouse=True)
def today(time_machine):
    time_machine.move_to(NOON, tick=False)


def order(lead, days_ago: int, price: int | None = None) -> Interaction:
    moment = NOON - timedelta(days=days_ago)
    details = {"product_details": "rice", "quantity": 1, "total_price": Decimal(price)} if price is not None else None
    return Interaction.log(lead=lead, interaction_type="ORDER", date=moment, order=details)


def account(name: str, *days_ago: int, **fields) -> Restaurant:
    lead = Restaurant.objects.create(name=name, **fields)
    for days in days_ago:
        order(lead, days)
    return lead


@pytest.fixture
def many(user):
    """An account of every verdict, but QUIET."""
    return [
        account("rhythm", 5, 15, 25, 35),
        account("due", 15, 25, 35, 45),
        account("silent", 50, 60, 70, 80),
        account("late", 30, 70, 80, 90, city="Pune", assigned_to=user),
        account("few", 10, 20),
        account("never", lead_status="CONVERTED"),
        account("lead"),
    ]


def names(answer) -> list[str]:
    assert answer.status_code == 200, answer.json()
    return [row["name"] for row in answer.json()]


def test_the_accounts_are_listed_worst_first(api, many):
    assert names(api.get(PATH)) == ["silent", "late", "due", "rhythm", "few", "never"]
    assert names(api.get(PATH, {"all": "1"})) == ["silent", "late", "due", "rhythm", "few", "never", "lead"]


def test_a_row_has_every_key_in_order(api, user):
    lead = account("Bistro", 30, 70, 80, 90, assigned_to=user)
    order(lead, 400, 300)
    order(lead, 400, 200)
    order(lead, 31, 120)
    plan = CallPlan.objects.create(lead=lead, frequency="WEEKLY")
    [row] = api.get(PATH).json()
    assert list(row) == KEYS
    assert row == {
        "lead": lead.pk,
        "name": "Bistro",
        "assigned_to": user.pk,
        "verdict": "LATE",
        "order_days": 6,
        "last_order_day": "2026-03-01",
        "days_since": 30,
        "usual_gap": 10,
        "longest_gap": 310,
        "expected_on": "2026-03-11",
        "orders_365": 5,
        "revenue_365": 120.00,
        "revenue_365_before": 500.00,
        "next_call_date": plan.next_call_date.isoformat().replace("+00:00", "Z"),
        "quiet_until": None,
        "sentence": "Orders about every 10 days, at longest 310; last order 30 days ago.",
    }


def test_a_single_account_shows_gaps_and_order_days_too(api, many):
    late = many[3]
    body = api.get(f"{PATH}{late.pk}/").json()
    assert list(body) == [*KEYS, "gaps", "order_days_list"]
    assert (body["gaps"], body["order_days_list"][0]) == ([10, 10, 40], "2025-12-31")
    assert {key: body[key] for key in KEYS} == api.get(PATH, {"lead": late.pk}).json()[0]


def test_any_lead_is_a_single_account_and_a_missing_one_is_404(api, many):
    assert api.get(f"{PATH}{many[-1].pk}/").json()["verdict"] == "NEVER_ORDERED"
    assert api.get(f"{PATH}{many[-1].pk + 1}/").status_code == 404


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"verdict": ["LATE", "DUE"]}, ["late", "due"]),
        ({"verdict": "LATE,DUE"}, ["late", "due"]),
        ({"city": "Pune"}, ["late"]),
        ({"city": "PÚNE"}, ["late"]),
        ({"search": "silen"}, ["silent"]),
        ({"on": "2025-01-01"}, ["never"]),
        ({"on": "2026-01-31", "verdict": "ON_RHYTHM"}, []),
    ],
)
def test_accounts_are_filtered(api, many, query, expected):
    assert names(api.get(PATH, query)) == expected


def test_accounts_are_filtered_by_owner_and_lead(api, many, user):
    assert names(api.get(PATH, {"owner": user.pk})) == ["late"]
    assert names(api.get(PATH, {"lead": many[0].pk})) == ["rhythm"]


@pytest.mark.parametrize(
    ("name", "value"), [("verdict", "BAD"), ("on", "tomorrow"), ("on", "2026-02-30"), ("all", "x")]
)
def test_an_invalid_parameter_is_named(api, name, value):
    answer = api.get(PATH, {name: value})
    assert (answer.status_code, list(answer.json())) == (400, [name])


def test_pages_have_total_and_links(api, many):
    page = api.get(PATH, {"page_size": 2, "page": 2, "verdict": "SILENT,LATE,DUE"})
    assert (names(page), page["X-Total-Count"]) == (["due"], "3")
    assert 'rel="prev"' in page["Link"] and 'rel="next"' not in page["Link"]


def test_the_next_page_leads_on_by_key(api, many):
    """An account that becomes quiet between two pages moves no other one."""
    first = api.get(PATH, {"page_size": 2})
    assert names(first) == ["silent", "late"]
    QuietMark.set(Restaurant.objects.get(name="silent"), date(2026, 5, 1))
    second = api.get(re.search('<([^>]*)>; rel="next"', first["Link"])[1])
    assert names(second) == ["due", "rhythm"]
    assert api.get(PATH, {"cursor": "x"}).status_code == 400


def test_the_account_of_a_merged_lead_leads_to_the_survivor(api, many):
    ours, other = many[:2]
    ours.merge(other.pk)
    for method in (api.get, api.patch):
        answer = method(f"{PATH}{other.pk}/?on=2026-01-01")
        assert (answer.status_code, answer.headers["Location"]) == (308, f"{PATH}{ours.pk}/?on=2026-01-01")


def test_a_long_list_is_streamed(api, many, monkeypatch):
    whole = api.get(PATH).content
    stream_all(monkeypatch)
    streamed = api.get(PATH)
    assert streamed.streaming and b"".join(streamed.streaming_content) == whole


def test_of_another_day_only_the_orders_until_then_count(api, many):
    [row] = api.get(PATH, {"on": "2026-03-10", "lead": many[0].pk}).json()
    assert (row["order_days"], row["last_order_day"], row["days_since"]) == (2, "2026-03-06", 4)
    assert api.get(f"{PATH}{many[0].pk}/", {"on": "2026-03-10"}).json()["order_days"] == 2


def test_orders_after_the_day_do_not_count(api, lead):
    order(lead, -1)
    assert api.get(PATH).json() == []
    order(lead, 0)
    assert api.get(PATH).json()[0]["order_days"] == 1


def test_several_orders_on_a_day_are_one_order_day(api, lead):
    for _ in range(3):
        order(lead, 4)
    [row] = api.get(PATH).json()
    assert (row["order_days"], row["orders_365"]) == (1, 3)


def test_an_order_counts_by_the_date_of_its_details(api, lead):
    interaction = order(lead, 9, 10)
    OrderDetails.objects.get(interaction=interaction).edit(order_date=NOON - timedelta(days=3))
    assert api.get(PATH).json()[0]["last_order_day"] == "2026-03-28"


def test_the_years_are_the_365_days_to_the_day_and_those_before(api, lead):
    for days_ago, price in [(0, 1), (364, 2), (365, 4), (729, 8), (730, 16)]:
        order(lead, days_ago, price)
    [row] = api.get(PATH).json()
    assert (row["orders_365"], row["revenue_365"], row["revenue_365_before"]) == (2, 3.00, 12.00)


def test_revenue_is_null_where_no_price_is_known_and_zero_without_orders(api, lead):
    order(lead, 3)
    [row] = api.get(PATH).json()
    assert (row["revenue_365"], row["revenue_365_before"]) == (None, 0.00)
    assert b'"revenue_365_before":0.00' in api.get(PATH).content


def test_the_day_of_an_order_is_the_servers(api, lead, settings):
    Interaction.log(lead=lead, interaction_type="ORDER", date=datetime(2026, 3, 9, 20, tzinfo=UTC))
    settings.TIME_ZONE = "Asia/Kolkata"
    assert api.get(PATH).json()[0]["last_order_day"] == "2026-03-10"


def test_the_next_call_is_the_first_of_the_unpaused_plans(api, lead):
    order(lead, 1)
    for days, paused in ((3, True), (5, False), (9, False)):
        CallPlan.objects.create(
            lead=lead, frequency="WEEKLY", next_call_date=NOON + timedelta(days=days), paused=paused
        )
    assert api.get(PATH).json()[0]["next_call_date"] == "2026-04-05T12:00:00Z"


def test_a_changed_order_changes_its_account_alone(api, many):
    before = {row["lead"]: row for row in api.get(PATH).json()}
    Interaction.objects.filter(lead=many[1]).latest("date").edit(date=NOON - timedelta(days=2))
    after = {row["lead"]: row for row in api.get(PATH).json()}
    assert {pk for pk in before if before[pk] != after[pk]} == {many[1].pk}


@pytest.mark.parametrize("query", [{}, {"page_size": 100}])
def test_the_list_takes_as_many_queries_for_3_accounts_as_for_30(api, query, django_assert_num_queries):
    for count in (3, 27):
        for number in range(count):
            account(f"{number}", 3, 9)
        with django_assert_num_queries(5):  # token, leads, orders, marks, details
            assert len(api.get(PATH, query).json()) >= count


def test_a_single_account_takes_five_queries(api, many, django_assert_num_queries):
    with django_assert_num_queries(5):
        api.get(f"{PATH}{many[0].pk}/")


def test_a_pass_over_many_leads_is_made_once_a_minute(api, many, monkeypatch, time_machine):
    monkeypatch.setattr(accounts, "FEW", 3)
    monkeypatch.setattr(accounts, "_passes", {})
    whole = names(api.get(PATH))
    order(many[2], 0)
    assert names(api.get(PATH)) == whole
    monkeypatch.setattr(accounts, "monotonic", lambda: 10**9)
    assert names(api.get(PATH))[0] == "late"


def test_a_remembered_pass_shows_only_the_leads_of_the_list(api, many, monkeypatch):
    monkeypatch.setattr(accounts, "FEW", 3)
    monkeypatch.setattr(accounts, "_passes", {})
    assert len(names(api.get(PATH))) == 6
    assert names(api.get(PATH, {"search": "late"})) == ["late"]
    Restaurant.objects.filter(name="silent").delete()
    assert names(api.get(PATH))[0] == "late"


def test_a_remembered_pass_has_what_a_fresh_one_has(api, many, monkeypatch):
    fresh = api.get(PATH, {"all": "1"}).content
    monkeypatch.setattr(accounts, "FEW", 3)
    monkeypatch.setattr(accounts, "_passes", {})
    assert api.get(PATH, {"all": "1"}).content == fresh


def test_few_passes_are_remembered(many, monkeypatch):
    monkeypatch.setattr(accounts, "FEW", 0)
    monkeypatch.setattr(accounts, "_passes", {})
    for day in range(1, 9):
        accounts.accounts_of(Restaurant.objects.all(), date(2026, 1, day))
    assert len(accounts._passes) == accounts.PASSES
