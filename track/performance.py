"""Performance: touches, orders and revenue by owner, each counted for the owner that the lead had at its instant.

Rows of leads that have always had one owner are counted by the database; those of the others are read in batches, and
the owner history says whose each was.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet, Sum

from crm import dates
from crm.db.batches import batched
from lead.models import OwnerChange
from lead.owners import Owner, Owners
from track.models import Interaction

BATCH = 10_000  # rows in memory


@dataclass
class Tally:
    """What an owner's leads brought. An order without details has no revenue."""

    touches: int = 0
    orders: int = 0
    revenue: Decimal = Decimal(0)


def performance(first: date, last: date) -> list[dict[str, Any]]:
    """A row per owner with a touch or an order in [first, last], local dates in the server's zone.

    By id, then deleted users by name (the username as `former_owner`), then unowned. Touches count by the interaction's
    date, orders by their own; what is dated in the future does not count yet.
    """
    zone = dates.server_zone()
    start, end = dates.start_of_day(first, zone), dates.start_of_day(last + timedelta(days=1), zone)
    end = min(end, dates.now() + timedelta.resolution)
    touches = Interaction.objects.touches().filter(date__gte=start, date__lt=end).order_by()
    orders = Interaction.objects.ordered_between(start, end).order_by()
    tallies: dict[Owner, Tally] = defaultdict(Tally)
    for owner, count in of_one_owner(touches).annotate(Count("pk")):
        tallies[Owner(owner)].touches += count
    for owner, count, revenue in of_one_owner(orders).annotate(Count("pk"), Sum("order__total_price")):
        tallies[Owner(owner)].orders += count
        tallies[Owner(owner)].revenue += revenue or 0
    for then, _ in of_changing_owners(touches, "date"):
        tallies[then].touches += 1
    for then, [price] in of_changing_owners(orders, "ordered_at", "order__total_price"):
        tallies[then].orders += 1
        tallies[then].revenue += price or 0
    return [
        {"owner": owner.id, **asdict(tallies[owner]), **owner.former()} for owner in sorted(tallies, key=Owner.place)
    ]


def has_changed_owner() -> Exists:
    return Exists(OwnerChange.objects.filter(lead=OuterRef("lead")))


def of_one_owner(rows: QuerySet) -> QuerySet:
    """Those of leads that have always had one owner, or none, to be aggregated by it."""
    return rows.filter(~has_changed_owner()).values_list("lead__assigned_to")


def of_changing_owners(rows: QuerySet, moment: str, *columns: str) -> Iterator[tuple[Owner, list[Any]]]:
    """Those of the other leads: the owner at the instant in the column `moment`, and the values of the columns."""
    found = rows.filter(has_changed_owner()).values_list("lead", "pk", moment, *columns)
    for batch in batched(found.iterator(BATCH), BATCH):
        owners = Owners.of(lead for lead, *_ in batch)
        for lead, pk, then, *values in batch:
            yield owners.at(lead, then, (rows.model._meta.label, pk)), values
