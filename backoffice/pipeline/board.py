"""What the board shows: of each status the number of leads, their potential revenue, and a page of cards.

Cards of an open status are in the order of their time in it, the longest first: these need someone. Of converted and
lost leads the latest come first. Each column leads on by key. The queries of a page are as many as there are columns,
and a fixed number more.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.pipeline.filters import BoardFilters
from backoffice.words import sentence_case
from crm import dates
from crm.api.keyset import ALIAS, keyset_of
from crm.formats import money, number
from lead.durations import DAY
from lead.models import PIPELINE, LeadStatus, Restaurant, StatusChange

CARDS = 20  # of a column, at a time
SHOWN = ["name", "city", "lead_status", "potential_revenue", "created_at", "assigned_to__username"]

# Since when a lead has been in its status, as `GET /lead/restaurants/{id}/durations/` has it.
LAST_CHANGE = StatusChange.objects.filter(lead=OuterRef("pk")).order_by("-id").values("created_at")[:1]
SINCE = Coalesce(Subquery(LAST_CHANGE), "created_at")
SINCE_OF_ROW = f"{ALIAS}0"  # the annotation with the first value of the order


@dataclass
class Card:
    """A lead on the board. `key` is that of its next move: sent twice, it is done once."""

    lead: Restaurant
    since: datetime
    is_stale: bool
    key: str = field(default_factory=lambda: uuid4().hex)

    @property
    def revenue(self) -> str:
        return amount(self.lead.potential_revenue)

    @property
    def time(self) -> str:
        days = (dates.now() - self.since) // DAY
        if days < 1:
            return _("Under a day here")
        return ngettext("%(days)s day here", "%(days)s days here", days) % {"days": number(days)}


@dataclass
class Column:
    """A status with its figures, of which `more` is the cursor of the cards after `cards`."""

    status: str
    leads: int = 0
    sum: Decimal | None = None
    cards: list[Card] = field(default_factory=list)
    more: str = ""

    @property
    def label(self) -> str:
        return label_of(self.status)

    @property
    def count(self) -> str:
        return number(self.leads)

    @property
    def revenue(self) -> str:
        return amount(self.sum or Decimal(0))

    @property
    def order(self) -> str:
        return _("Longest here first") if self.status in PIPELINE else _("Latest first")


@dataclass(frozen=True)
class Board:
    """What the user of `filters` sees. Staleness is by the local day in `zone`."""

    filters: BoardFilters
    zone: ZoneInfo

    def columns(self, status: str = "", cursor: str = "") -> list[Column]:
        """Of each status the first cards; those of `status` from the `cursor` on, for which InvalidCursor is raised."""
        columns = self.heads()
        pages = [self.page(each.status, cursor if each.status == status else "") for each in columns]
        cards = iter(self.cards([row for rows, _ in pages for row in rows]))
        for column, (rows, more) in zip(columns, pages, strict=True):
            column.cards, column.more = [next(cards) for _ in rows], more
        return columns

    def heads(self) -> list[Column]:
        """The columns without cards, in the order of the pipeline. One query."""
        sums = self.filters.leads().values_list("lead_status").annotate(Count("pk"), Sum("potential_revenue"))
        found = {status: (leads, revenue) for status, leads, revenue in sums}
        return [Column(status, *found.get(status, ())) for status in LeadStatus.values]

    def column(self, status: str, cursor: str) -> Column:
        """The cards after the cursor alone. Raises InvalidCursor."""
        rows, more = self.page(status, cursor)
        return Column(status, cards=self.cards(rows), more=more)

    def page(self, status: str, cursor: str) -> tuple[list[Restaurant], str]:
        rows = self.filters.leads().filter(lead_status=status).select_related("assigned_to").only(*SHOWN)
        order = (SINCE.asc(), "pk") if status in PIPELINE else (SINCE.desc(), "-pk")
        keyset: Any = keyset_of(rows.order_by(*order))
        found, _, following = keyset.window(cursor, 0, CARDS)
        return found, following

    def card(self, pk: int) -> Card:
        """Of a lead that the user may see, whatever the filters. Raises DoesNotExist."""
        rows: Any = Restaurant.objects.visible_to(self.filters.user).select_related("assigned_to").only(*SHOWN)
        return self.cards([rows.annotate(**{SINCE_OF_ROW: SINCE}).get(pk=pk)])[0]

    def cards(self, rows: Iterable[Any]) -> list[Card]:
        """One query: which of them are stale."""
        rows = list(rows)
        shown: QuerySet = Restaurant.objects.filter(pk__in=[row.pk for row in rows]).order_by()
        stale = set(shown.stale_at(dates.now(), self.zone).values_list("pk", flat=True))  # type: ignore[attr-defined]
        return [Card(row, getattr(row, SINCE_OF_ROW), row.pk in stale) for row in rows]


def label_of(status: str) -> str:
    return sentence_case(LeadStatus(status).label)


def amount(value: Decimal | None) -> str:
    return "" if value is None else money(value, brief=True)
