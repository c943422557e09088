"""The state of the business in figures: a fixed number of queries, whose results are cached for a minute.

Days are local dates in the viewer's zone. What a user may see is part of each cache key: users share a result only if
they may see the same rows. No counters are maintained while rows are written.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any, Self, TypeVar
from zoneinfo import ZoneInfo

from django.core.exceptions import EmptyResultSet
from django.db.models import Count, F, Q, QuerySet, Sum

from backoffice.activity import DUE, is_due, latest_begun
from backoffice.dashboard.cache import cached
from call.models import CallPlan
from call.models.work_profile import zone_of
from crm import dates
from lead.models import LeadStatus, Restaurant
from track.accounts import accounts_of
from track.accounts import today as accounts_today
from track.health import Verdict
from track.models import Interaction

T = TypeVar("T")

WEEKS = 53  # this one, and a year before it


@dataclass(frozen=True)
class Stage:
    """The leads of one status."""

    status: str
    leads: int = 0
    revenue: Decimal = Decimal(0)
    unattended: int = 0  # of the leads: without an active owner


@dataclass(frozen=True)
class Calls:
    """An owner's planned calls of leads not lost: due before today, today, and in the 7 days after it."""

    owner: int | None
    name: str | None
    overdue: int
    today: int
    week: int


@dataclass(frozen=True)
class Week:
    """The orders of seven days from a Monday, by their date. An order without details has no revenue."""

    monday: date
    orders: int = 0
    revenue: Decimal = Decimal(0)

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=6)


@dataclass(frozen=True)
class Figures:
    """What the user `viewer` may see on the local day `today` in `zone`."""

    viewer: Any
    zone: ZoneInfo
    today: date

    @classmethod
    def of(cls, user) -> Self:
        zone = zone_of(user)
        return cls(user, zone, dates.today(zone))

    def pipeline(self) -> list[Stage]:
        """Every status, in the order of the pipeline."""
        visible = Restaurant.objects.visible_to(self.viewer)

        def compute() -> list[Stage]:
            by_status = visible.order_by().values("lead_status")
            sums: Any = by_status.annotate(
                leads=Count("pk"),
                revenue=Sum("potential_revenue", default=Decimal(0)),
                unattended=Count("pk", filter=Q(assigned_to=None) | Q(assigned_to__is_active=False)),
            )
            found = {row.pop("lead_status"): row for row in sums}
            return [Stage(status, **found.get(status, {})) for status in LeadStatus.values]

        return self.cached("pipeline", compute, visible)

    def stale(self) -> int:
        """How many open leads are stale."""
        visible = Restaurant.objects.visible_to(self.viewer)
        return self.cached("stale", lambda: visible.order_by().stale_at(dates.now(), self.zone).count(), visible)

    def calls(self) -> list[Calls]:
        """By owner, who has most overdue first."""
        visible = CallPlan.objects.visible_to(self.viewer)

        def compute() -> list[Calls]:
            due = {key: is_due(key, self.zone) for key in DUE}
            sums: Any = (
                visible.of_open_leads()
                .filter(reduce(or_, due.values()))
                .order_by()
                .values(owner=F("lead__assigned_to"), name=F("lead__assigned_to__username"))
                .annotate(**{key: Count("pk", filter=condition) for key, condition in due.items()})
            )
            rows = [Calls(**row) for row in sums]
            return sorted(rows, key=lambda row: (-row.overdue, -row.today, -row.week, row.name or ""))

        return self.cached("calls", compute, visible)

    def weeks(self) -> list[Week]:
        """WEEKS of them, without a gap; the last one is this week, to its end."""
        visible = Interaction.objects.visible_to(self.viewer)

        def compute() -> list[Week]:
            monday = self.today - timedelta(days=self.today.weekday())
            mondays = [monday - timedelta(weeks=back) for back in reversed(range(WEEKS))]
            start, end = (dates.start_of_day(day, self.zone) for day in (mondays[0], monday + timedelta(weeks=1)))
            sums = (
                visible.ordered_between(start, end)
                .order_by()
                .values(monday=latest_begun("ordered_at", mondays, self.zone))
                .annotate(orders=Count("pk"), revenue=Sum("order__total_price", default=Decimal(0)))
            )
            found = {row["monday"]: Week(**row) for row in sums}
            return [found.get(day) or Week(day) for day in mondays]

        return self.cached("weeks", compute, visible)

    def verdicts(self) -> dict[str, int]:
        """How many accounts have each verdict today, in the server's zone; worst first."""
        visible = Restaurant.objects.visible_to(self.viewer)

        def compute() -> dict[str, int]:
            found = Counter(account.health.verdict for account in accounts_of(visible, accounts_today()))
            return {verdict: found[verdict] for verdict in Verdict.values}

        return self.cached("verdicts", compute, visible)

    def cached(self, name: str, compute: Callable[[], T], visible: QuerySet) -> T:
        """What `compute` returns; the cached result is shared by users who may see the same rows, on the same day."""
        try:
            seen: object = visible.query.sql_with_params()
        except EmptyResultSet:
            seen = "nothing"
        return cached(compute, name, seen, self.zone.key, self.today)
