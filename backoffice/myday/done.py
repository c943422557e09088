"""What the user has done today: lines of the plans' logs, and calls to leads without a plan of their own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.words import sentence_case
from call.models import CallEvent, Outcome
from call.models.plan import UNDOABLE
from crm import dates
from lead.models import Restaurant
from track.models import Interaction, InteractionType

SHOWN = 100  # lines

SAID: dict[str, Any] = {
    Outcome.REACHED: _("Reached"),
    Outcome.NO_ANSWER: _("No answer"),
    Outcome.LEFT_MESSAGE: _("Left a message"),
}


@dataclass
class Done:
    """One of them, as the page says it: an event of a plan, or an interaction alone."""

    event: CallEvent | None = None
    call: Interaction | None = None
    key: str = field(default_factory=lambda: uuid4().hex)

    @property
    def row(self) -> Any:
        return self.event or self.call

    @property
    def name(self) -> str:
        return f"event-{self.event.pk}" if self.event else f"call-{self.row.pk}"

    @property
    def lead(self) -> Restaurant:
        return self.event.plan.lead if self.event else self.row.lead

    @property
    def interaction(self) -> Interaction | None:
        return self.event.interaction if self.event else self.call

    @property
    def said(self) -> str:
        if self.event is None:
            return str(SAID[Outcome.REACHED])
        return said_of(self.event)

    @property
    def next_call(self) -> datetime | None:
        """None where the call is due as before: nobody was reached."""
        if self.event is None or self.event.kind == CallEvent.Kind.ATTEMPTED:
            return None
        return self.event.plan.next_call_date

    @property
    def takes_note(self) -> bool:
        """Whether the person was reached: then there may be something to note."""
        return self.interaction is not None and (self.event is None or self.event.kind == CallEvent.Kind.CALLED)

    @property
    def order(self) -> Any:
        return getattr(self.interaction, "order", None)


def said_of(event: CallEvent) -> str:
    """The outcome of a call, or what else was done, in the words of the buttons."""
    if event.outcome in SAID:
        return str(SAID[event.outcome])
    return sentence_case(Outcome(event.outcome).label if event.outcome else event.Kind(event.kind).label)


def events_of(user: Any) -> Any:
    """The user's own lines, without those of calls that belong to another lead by now."""
    rows = CallEvent.objects.visible_to(user).filter(created_by=user)
    rows = rows.filter(Q(interaction=None) | Q(interaction__lead=F("plan__lead")))
    return rows.select_related("plan__lead", "interaction__order")


def calls_of(user: Any) -> QuerySet[Interaction]:
    """The user's own calls that were recorded on no plan."""
    on_plan = CallEvent.objects.filter(interaction=OuterRef("pk")).filter(
        Q(recorded_on_plan=True) | Q(kind=CallEvent.Kind.ATTEMPTED)
    )
    rows = Interaction.objects.visible_to(user).filter(created_by=user, interaction_type=InteractionType.CALL)
    return rows.filter(~Exists(on_plan)).select_related("lead", "order")


def done_on(day: date, zone: ZoneInfo, user: Any) -> list[Done]:
    """The latest first."""
    start, end = dates.bounds_of_day(day, zone)
    # By the index of `updated_at`: no row is updated before it is created.
    of_day = {"updated_at__gte": start, "created_at__gte": start, "created_at__lt": end}
    events = events_of(user).in_effect().filter(kind__in=UNDOABLE, **of_day)
    events = events.filter(Q(recorded_on_plan=True) | ~Q(kind=CallEvent.Kind.CALLED)).order_by("-id")[:SHOWN]
    calls = calls_of(user).filter(**of_day).order_by("-id")[:SHOWN]
    lines = [*of_plans(events), *(Done(call=call) for call in calls)]
    return sorted(lines, key=lambda line: line.row.created_at, reverse=True)[:SHOWN]


def of_plans(events: Iterable[CallEvent]) -> Iterator[Done]:
    """Of a call that moved several plans of a lead, only the line of the plan that it was recorded on."""
    shown: set[int] = set()
    for event in events:
        if event.interaction_id is None or event.interaction_id not in shown:
            shown.add(event.interaction_id or 0)
            yield Done(event)
