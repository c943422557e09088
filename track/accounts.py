"""Accounts and their health: one pass over the orders, on which the rule of `track.health` is applied.

The SQL holds nothing of the rule: one statement gives each lead's order days and sums. A pass over up to FEW leads
reads their orders by index, and is made for each request. One over more leads reads all orders, and its result is used
for a minute by all requests of a process; of it, only leads are shown that the user may see.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from time import monotonic
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Aggregate, Count, Max, Q, QuerySet, Sum, TextField
from django.db.models.expressions import Combinable
from django.db.models.functions import TruncDate

from crm import dates
from crm.fast.compiled import ID, CompiledQuery
from lead.models import LeadStatus, Restaurant
from track.health import Health, Verdict, health
from track.models import Interaction, QuietMark

FEW = 1_000  # leads
MINUTE = 60  # seconds
PASSES = 4  # days whose passes are remembered
YEAR = timedelta(days=365)
NOTHING = Decimal("0.00")
CENT = Decimal("0.01")

# What other apps tell of an account: name → expression on Restaurant. `next_call_date` is the app call's.
account_annotations: dict[str, Combinable] = {}

Mark = tuple[date, datetime]  # the last day of an agreed silence, and when it was set


class Account(NamedTuple):
    """A lead, by its id, on a day; the year ends with the day, and another one is before it.

    A price that is unknown is not in the revenue, which is None where all of them are.
    """

    lead: int
    health: Health
    latest: datetime | None = None
    orders: int = 0
    revenue: Decimal | None = NOTHING
    revenue_before: Decimal | None = NOTHING

    @property
    def order(self) -> tuple[int, float, int]:
        """Worst first."""
        return *self.health.order, self.lead

    def marked(self, mark: Mark | None) -> "Account":
        """With a mark that covers the day, unless an order is dated after it was set."""
        if mark is None or (self.latest and self.latest > mark[1]):
            return self
        return self._replace(health=self.health._replace(verdict=str(Verdict.QUIET), quiet_until=mark[0]))

    def row(self, name: str, assigned_to: int | None, annotated: dict[str, Any]) -> dict[str, Any]:
        """As lists show it; `annotated` are the values of `account_annotations`."""
        health = self.health
        return {
            "lead": self.lead,
            "name": name,
            "assigned_to": assigned_to,
            "verdict": health.verdict,
            "order_days": health.order_days,
            "last_order_day": health.last_order_day,
            "days_since": health.days_since,
            "usual_gap": health.usual_gap,
            "longest_gap": health.longest_gap,
            "expected_on": health.expected_on,
            "orders_365": self.orders,
            "revenue_365": self.revenue,
            "revenue_365_before": self.revenue_before,
            "next_call_date": annotated.get("next_call_date"),
            "quiet_until": health.quiet_until,
            "sentence": health.sentence,
        }


class DistinctDays(Aggregate):
    """The dates of a group, each once, as a text with commas."""

    function = "ARRAY_AGG"  # which sorts dates as numbers; STRING_AGG would sort texts by the rules of a language
    template = "ARRAY_TO_STRING(%(function)s(DISTINCT %(expressions)s), ',')"
    output_field = TextField()

    def as_sqlite(self, compiler, connection, **context):
        return self.as_sql(compiler, connection, template="GROUP_CONCAT(DISTINCT %(expressions)s)", **context)


def today() -> date:
    """The day that verdicts are about, unless another one is requested: the server's."""
    return dates.today(dates.server_zone())


def accounts_of(
    leads: QuerySet[Restaurant], on: date, *, everyone: bool = False, verdicts: Collection[str] = ()
) -> list[Account]:
    """Of the leads, those that are CONVERTED or have ordered by the day `on` in the server's zone; or all of them.

    `verdicts` are the wanted ones; none given, all are. Worst first. Three queries.
    """
    statuses = dict(leads.order_by().values_list("pk", "lead_status"))
    known = known_accounts(statuses, on)
    marks = quiet_marks(on)
    found = [account for pk, account in known.items() if pk in statuses and pk not in marks]
    found += [known[pk].marked(marks[pk]) for pk in marks if pk in statuses and pk in known]
    others = statuses.keys() - known.keys()
    found += [
        Account(pk, health((), on)).marked(marks.get(pk))
        for pk in others
        if everyone or statuses[pk] == LeadStatus.CONVERTED
    ]
    if verdicts:
        found = [account for account in found if account.health.verdict in verdicts]
    return sorted(found, key=lambda account: account.order) if marks or others else found


def account_of(lead: int, on: date) -> Account:
    """The account of a lead, by its id, on the local day in the server's zone. Two queries."""
    zone = dates.server_zone()
    known = accounts_from(grouped_of_lead(zone)(None, lead=lead, **bounds(on, zone)), on)
    account = known[0] if known else Account(lead, health((), on))
    return account.marked(quiet_marks(on, [lead]).get(lead))


@partial(CompiledQuery, placeholders={"lead": ID})
def annotated(lead):
    return Restaurant.objects.filter(pk=lead).order_by().values_list(*account_annotations.values())


def annotations_of(lead: int) -> dict[str, Any]:
    """What other apps tell of the lead, by its id."""
    rows = annotated(lead=lead) if account_annotations else []
    return dict(zip(account_annotations, rows[0], strict=True)) if rows else {}


def details_of(leads: QuerySet[Restaurant]) -> dict[int, tuple]:
    """By lead: what `Account.row` takes, in one query."""
    rows = leads.order_by().values_list("pk", "name", "assigned_to", *account_annotations.values())
    names = tuple(account_annotations)
    return {pk: (name, owner, dict(zip(names, values, strict=True))) for pk, name, owner, *values in rows}


def rows_of(accounts: Iterable[Account], details: dict[int, tuple]) -> list[dict[str, Any]]:
    """What lists show of the accounts; a lead that was deleted meanwhile is left out."""
    return [account.row(*details[account.lead]) for account in accounts if account.lead in details]


def quiet_marks(on: date, leads: Collection[int] | None = None) -> dict[int, Mark]:
    """By lead, the marks that cover the day."""
    marks = QuietMark.objects.covering(on)
    marks = marks if leads is None else marks.filter(lead__in=leads)
    return {lead: (until, at) for lead, until, at in marks.order_by().values_list("lead", "until", "created_at")}


# --- The pass -------------------------------------------------------------------------------------

_passes: dict[object, tuple[float, dict[int, Account]]] = {}  # of this process


def known_accounts(leads: Collection[int], on: date) -> dict[int, Account]:
    """By lead, worst first, those that have ordered by the local day, without marks; perhaps of further leads too."""
    if len(leads) <= FEW:
        return by_lead(pass_over(Interaction.objects.filter(lead__in=leads), on))
    key = (on, dates.server_zone().key)
    computed_at, accounts = _passes.get(key, (-MINUTE, {}))
    if monotonic() - computed_at >= MINUTE:
        accounts = by_lead(pass_over(Interaction.objects.all(), on))
        _passes[key] = (monotonic(), accounts)
        for oldest in sorted(_passes, key=lambda each: _passes[each][0])[:-PASSES]:
            _passes.pop(oldest, None)
    return accounts


def by_lead(accounts: Iterable[Account]) -> dict[int, Account]:
    return {account.lead: account for account in sorted(accounts, key=lambda account: account.order)}


def pass_over(interactions: Any, on: date) -> list[Account]:
    """The accounts of the interactions' leads, without marks."""
    zone = dates.server_zone()
    return accounts_from(grouped(interactions, zone, **bounds(on, zone)), on)


def bounds(on: date, zone: ZoneInfo) -> dict[str, datetime]:
    """The end of the day, and where the year begins that ends with it, and the year before."""
    end, start, start_before = (dates.start_of_day(on + dates.DAY - years * YEAR, zone) for years in (0, 1, 2))
    return {"end": end, "start": start, "start_before": start_before}


def grouped(interactions: Any, zone: ZoneInfo, end: datetime, start: datetime, start_before: datetime) -> Any:
    """Of each lead: its order days, the latest order, orders and revenue of both years."""
    year = Q(ordered_at__gte=start)
    year_before = Q(ordered_at__gte=start_before, ordered_at__lt=start)
    return (
        interactions.dated_orders()
        .filter(ordered_at__lt=end)
        .order_by()
        .values_list("lead")
        .annotate(
            days=DistinctDays(TruncDate("ordered_at", tzinfo=zone)),
            latest=Max("ordered_at"),
            orders=Count("pk", filter=year),
            revenue=Sum("order__total_price", filter=year),
            orders_before=Count("pk", filter=year_before),
            revenue_before=Sum("order__total_price", filter=year_before),
        )
    )


@lru_cache(maxsize=10)
def grouped_of_lead(zone: ZoneInfo) -> CompiledQuery:
    stamps = {name: datetime(2198, 1, day, tzinfo=UTC) for day, name in enumerate(("end", "start", "start_before"), 1)}
    return CompiledQuery(
        lambda lead, **bounds: grouped(Interaction.objects.filter(lead=lead), zone, **bounds), {"lead": ID, **stamps}
    )


def accounts_from(rows: Iterable[tuple], on: date) -> list[Account]:
    """Of the rows of `grouped`."""
    return [
        Account(
            lead,
            health([*map(date.fromisoformat, sorted(days.split(",")))], on),
            latest,
            orders,
            known_price(orders, revenue),
            known_price(orders_before, revenue_before),
        )
        for lead, days, latest, orders, revenue, orders_before, revenue_before in rows
    ]


def known_price(orders: int, revenue: Decimal | None) -> Decimal | None:
    """Nothing for no orders; unknown where there are orders and none has a price."""
    if revenue is None:
        return None if orders else NOTHING
    return revenue.quantize(CENT)
