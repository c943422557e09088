"""Drawn order histories: the accounts of the API's SQL and those of the rule on the rows as Python reads them agree."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lead.models import Restaurant
from track.accounts import accounts_of
from track.health import health
from track.models import Interaction, OrderDetails

ZONES = ["Asia/Kolkata", "America/New_York", "Pacific/Auckland"]
FIRST = date(2025, 2, 20)
LEADS = 3

local_times = st.tuples(st.integers(0, 400), st.sampled_from(["00:00", "00:30", "11:00", "23:30", "23:59:59"]))
steps = st.one_of(
    st.tuples(st.just("order"), st.integers(0, LEADS - 1), local_times, st.none() | st.integers(0, 10**6)),
    st.tuples(st.just("orders of a day"), st.integers(0, LEADS - 1), local_times, st.none() | st.integers(0, 10**6)),
    st.tuples(st.just("date"), st.integers(0, 99), local_times),
    st.tuples(st.just("order date"), st.integers(0, 99), local_times),
    st.tuples(st.sampled_from(["lead", "flag", "details", "delete"]), st.integers(0, 99), st.integers(0, LEADS - 1)),
)


def instant(at: tuple[int, str], zone: ZoneInfo) -> datetime:
    day, clock = at
    local = datetime.fromisoformat(f"{FIRST + timedelta(days=day)}T{clock}")
    return local.replace(tzinfo=zone).astimezone(UTC)


def take(step: tuple, leads: list[Restaurant], zone: ZoneInfo) -> None:
    kind, number, *values = step
    if kind in ("order", "orders of a day"):
        at, cents = values
        order = None if cents is None else {"product_details": "rice", "quantity": 1, "total_price": cents}
        for _ in range(1 if kind == "order" else 3):
            Interaction.log(lead=leads[number], interaction_type="ORDER", date=instant(at, zone), order=order)
        return
    rows = list(Interaction.objects.order_by("id"))
    if not rows:
        return
    row = rows[number % len(rows)]
    details = OrderDetails.objects.filter(interaction=row)
    match kind:
        case "date":
            row.edit(date=instant(values[0], zone))
        case "order date":
            [each.edit(order_date=instant(values[0], zone)) for each in details]
        case "lead":
            row.edit(lead_id=leads[values[0]].pk)
        case "flag" if not details.exists():
            row.edit(order_placed=not row.order_placed)
        case "details":
            details.delete()
        case "delete":
            row.delete()


def expected(leads: list[Restaurant], zone: ZoneInfo, on: date) -> dict[int, tuple]:
    """By the rule alone, from every row."""
    prices = {row.interaction_id: row for row in OrderDetails.objects.all()}
    found = {}
    for lead in leads:
        dated = []
        for row in Interaction.objects.filter(lead=lead, order_placed=True):
            details = prices.get(row.pk)
            moment = details.order_date if details else row.date
            dated.append((moment.astimezone(zone).date(), details and details.total_price))
        dated = [(day, price) for day, price in dated if day <= on]
        year, before = (
            [price for day, price in dated if on - timedelta(days=last) < day <= on - timedelta(days=last - 365)]
            for last in (365, 730)
        )
        sums = [sum(price for price in each if price is not None) for each in (year, before)]
        known = [not each or any(price is not None for price in each) for each in (year, before)]
        revenue = [total if is_known else None for total, is_known in zip(sums, known, strict=True)]
        found[lead.pk] = (health(sorted({day for day, _ in dated}), on), len(year), *revenue)
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("name", ZONES)
def test_drawn_order_histories_give_what_the_rule_gives(name, settings_of_examples):
    zone = settings_of_examples(name)

    @settings(
        max_examples=12,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
    )
    @given(st.lists(steps, min_size=6, max_size=14), st.integers(150, 400))
    def agree(drawn, day):
        on = FIRST + timedelta(days=day)
        with transaction.atomic():
            leads = [Restaurant.objects.create(name=f"lead {number}") for number in range(LEADS)]
            for step in drawn[:-1]:
                take(step, leads, zone)
            before = accounts(on)
            assert before == expected(leads, zone, on)
            take(drawn[-1], leads, zone)
            after = accounts(on)
            assert after == expected(leads, zone, on)
            changed = {pk for pk in after if after[pk] != before[pk]}
            assert len(changed) <= (2 if drawn[-1][0] == "lead" else 1)  # one moved is one less here, one more there
            transaction.set_rollback(True)

    agree()


def accounts(on: date) -> dict[int, tuple]:
    found = accounts_of(Restaurant.objects.all(), on, everyone=True)
    return {each.lead: (each.health, each.orders, each.revenue, each.revenue_before) for each in found}


@pytest.fixture
def settings_of_examples(settings):
    def use(name: str) -> ZoneInfo:
        settings.TIME_ZONE = name
        return ZoneInfo(name)

    return use
