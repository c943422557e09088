"""Date-times are aware and booleans True or False in every query; SQLite stores them as text and number."""

from datetime import UTC, datetime

import pytest
from django.db.models import Case, Exists, F, Max, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, TruncDay

from lead.models import Restaurant
from track.models import Interaction

MOMENTS = [
    datetime(2024, 12, 24, 15, 30, tzinfo=UTC),
    datetime(2024, 12, 24, 15, 30, 0, 120, tzinfo=UTC),
    datetime(2100, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
]
ROWS = Interaction.objects.order_by("id")
LATEST = ROWS.filter(lead=OuterRef("pk")).order_by("-id")


@pytest.fixture
def rows(lead):
    return [
        Interaction.log(lead=lead, interaction_type="EMAIL", date=date, order_placed=date > MOMENTS[0])
        for date in MOMENTS
    ]


def typed(values) -> list:
    return [(type(value), value, getattr(value, "tzinfo", None)) for value in values]


@pytest.mark.parametrize(
    "query",
    [
        lambda: [(row.date, row.order_placed) for row in ROWS],
        lambda: ROWS.values_list("date", "order_placed"),
        lambda: ROWS.values_list("date", "order_placed").iterator(2),
        lambda: ROWS.annotate(at=F("date"), placed=F("order_placed")).values_list("at", "placed"),
        lambda: ROWS.distinct().values_list("date", "order_placed", "id").order_by("id"),
        lambda: ROWS.filter(pk__in=ROWS.values("pk")[:10]).values_list("date", "order_placed"),
        lambda: (
            ROWS.filter(order_placed=True)
            .values_list("date", "order_placed", "id")
            .order_by()
            .union(ROWS.filter(order_placed=False).values_list("date", "order_placed", "id").order_by())
            .order_by("id")
        ),
        lambda: ROWS.annotate(at=Max("date"), placed=F("order_placed")).values_list("at", "placed"),
        lambda: ROWS.annotate(at=Coalesce("date", "created_at")).values_list("at", "order_placed"),
        lambda: ROWS.annotate(placed=Case(When(order_placed=True, then=Value(True)), default=Value(False))).values_list(
            "date", "placed"
        ),
        lambda: ROWS.annotate(placed=Exists(ROWS.filter(pk=OuterRef("pk"), order_placed=True))).values_list(
            "date", "placed"
        ),
        lambda: ROWS.annotate(placed=Q(order_placed=True)).values_list("date", "placed"),
        lambda: ROWS.annotate(at=Subquery(ROWS.filter(pk=OuterRef("pk")).values("date"))).values_list(
            "at", "order_placed"
        ),
    ],
)
def test_every_query_returns_aware_date_times_and_booleans(rows, query):
    given = [value for row in query() for value in row[:2]]
    assert typed(given) == typed(value for row in rows for value in (row.date, row.order_placed))


def test_joins_and_subqueries_return_aware_date_times_and_booleans(rows, lead):
    assert typed(ROWS.values_list("lead__created_at", flat=True)[:1]) == typed([lead.created_at])
    latest = Restaurant.objects.annotate(at=Subquery(LATEST.values("date")[:1])).values_list("at", flat=True)
    assert typed(latest) == typed([MOMENTS[-1]])


def test_null_stays_none(rows, lead, plan):
    assert list(type(plan).objects.values_list("last_called", "paused")) == [(None, False)]
    assert Interaction.objects.filter(lead=0).aggregate(at=Max("date")) == {"at": None}


def test_a_date_stays_a_date(rows):
    assert list(ROWS.annotate(day=TruncDay("date")).values_list("day", flat=True))[0] == datetime(
        2024, 12, 24, tzinfo=UTC
    )
