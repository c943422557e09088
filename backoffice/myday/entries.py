"""What the page shows: the lists of the agenda, with what a tap needs to know, and what was done today."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.db.models import F, Max, Q

from call.agenda import Agenda
from call.models import CallEvent
from call.models.plan import UNDOABLE
from crm import dates
from lead.models import Restaurant
from track.models import Interaction

SHOWN = 50  # entries of a list; the page says how many more there are
DONE = 100  # lines of today's log

# The lists in the order of the page: key of the agenda, heading, whether it is folded.
LISTS = [
    ("overdue", "Overdue", False),
    ("today", "Today", False),
    ("at_risk", "At risk", False),
    ("unattended", "Nobody looks after", False),
    ("upcoming", "Next days", True),
    ("unplanned", "Without a call plan", True),
]


@dataclass
class Entry:
    """One account of the queue: an entry of the agenda, and the newest line of its log that the page has shown."""

    data: dict[str, Any]
    phone: str = ""
    seen: int = 0
    list: str = ""
    key: str = field(default_factory=lambda: uuid4().hex)  # of the next tap: sent twice, it is done once

    @property
    def plan(self) -> dict[str, Any] | None:
        return self.data["plan"]

    @property
    def lead(self) -> dict[str, Any]:
        return self.data["lead"]

    @property
    def dialled(self) -> str:
        """The number as `tel:` takes it (RFC 3966): digits, with a leading plus where there is one."""
        digits = "".join(char for char in self.phone if char.isascii() and char.isdigit())
        return f"+{digits}" if self.phone.strip().startswith("+") else digits


@dataclass
class Section:
    key: str
    title: str
    is_folded: bool
    entries: list[Entry]
    more: int


@dataclass(frozen=True)
class MyDay:
    """The user's local day in `zone`."""

    user: Any
    zone: ZoneInfo

    @property
    def day(self) -> date:
        return dates.today(self.zone)

    def sections(self) -> list[Section]:
        """A fixed number of queries, however many calls there are."""
        body = Agenda(self.user, self.user.pk, self.day, self.zone).body()
        found = [(key, title, is_folded, body.get(key, [])) for key, title, is_folded in LISTS]
        shown = [entry for *_, entries in found for entry in entries[:SHOWN]]
        make = self.maker(shown)
        return [
            Section(key, title, is_folded, [make(entry, key) for entry in entries[:SHOWN]], len(entries[SHOWN:]))
            for key, title, is_folded, entries in found
        ]

    def maker(self, shown: list[dict[str, Any]]) -> Any:
        leads = {entry["lead"]["id"] for entry in shown}
        phones = dict(Restaurant.objects.filter(pk__in=leads).order_by().values_list("pk", "phone"))
        planned = [entry["plan"]["id"] for entry in shown if entry["plan"]]
        plans = newest(CallEvent.objects.filter(plan__in=planned), "plan")
        without = {entry["lead"]["id"] for entry in shown if not entry["plan"]}
        interactions = newest(Interaction.objects.filter(lead__in=without), "lead")

        def make(data: dict[str, Any], key: str) -> Entry:
            contact, pk = data["contact"], data["lead"]["id"]
            seen = plans.get(data["plan"]["id"], 0) if data["plan"] else interactions.get(pk, 0)
            return Entry(data, (contact and contact["phone"]) or phones.get(pk, ""), seen, key)

        return make

    def done(self) -> list["Done"]:
        """What the user did today, the latest first."""
        start, end = dates.bounds_of_day(self.day, self.zone)
        events = (
            CallEvent.objects.visible_to(self.user)
            .in_effect()
            .filter(updated_at__gte=start)  # by its index; no line is updated before it is created
            .filter(created_by=self.user, created_at__gte=start, created_at__lt=end, kind__in=UNDOABLE)
            .filter(Q(recorded_on_plan=True) | ~Q(kind=CallEvent.Kind.CALLED))  # not touches that were logged elsewhere
            .filter(Q(interaction=None) | Q(interaction__lead=F("plan__lead")))  # nor what belongs to another lead now
            .select_related("plan__lead", "interaction__order")
            .order_by("-id")[:DONE]
        )
        return list(of_plans(events))


def newest(rows: Any, name: str) -> dict[int, int]:
    """By the value of the field `name`, the highest id."""
    return dict(rows.order_by().values_list(name).annotate(Max("pk")))


@dataclass
class Done:
    """A line of a plan's log, as the page says it."""

    event: CallEvent
    key: str = field(default_factory=lambda: uuid4().hex)

    @property
    def lead(self) -> Restaurant:
        return self.event.plan.lead

    @property
    def said(self) -> str:
        kind = self.event.get_kind_display().capitalize()
        return self.event.get_outcome_display().replace("_", " ").capitalize() if self.event.outcome else kind

    @property
    def takes_note(self) -> bool:
        """Whether the person was reached: then there may be something to note."""
        return self.event.kind == CallEvent.Kind.CALLED and self.event.interaction is not None

    @property
    def order(self) -> Any:
        return getattr(self.event.interaction, "order", None)


def of_plans(events: Iterable[CallEvent]) -> Iterator[Done]:
    """Of a call that moved several plans of a lead, only the line of the plan that it was recorded on."""
    shown: set[int] = set()
    for event in events:
        if event.interaction_id is None or event.interaction_id not in shown:
            shown.add(event.interaction_id or 0)
            yield Done(event)
