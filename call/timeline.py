"""The logs of call plans in the timeline of their lead; and how a call went that is an interaction."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Expression, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.formats import date_format

from call.models import CallEvent, CallPlan, Frequency
from call.serializers import CallEventSerializer
from lead.timeline import Description, EntryType, Source, Viewer
from track.models import Interaction

MAX_PLANS = 50  # of a lead, read one by one in the order of an index


def call_events(lead: int, viewer: Viewer) -> list[QuerySet]:
    """Without those that have an interaction, which is an entry itself. A query of the lead's plans comes first."""
    events = CallEvent.objects.in_effect().visible_to(viewer.user).select_related("created_by", "plan")
    if viewer.may_view(Interaction):
        events = events.filter(interaction=None)
    plans = list(CallPlan.objects.filter(lead=lead).order_by().values_list("pk", flat=True)[: MAX_PLANS + 1])
    if len(plans) > MAX_PLANS:
        return [events.filter(plan__lead=lead)]
    return [events.filter(plan=plan) for plan in plans]


def describe_event(event: CallEvent, viewer: Viewer) -> Description:
    rhythm = Frequency(event.plan.frequency).label.lower()
    match event.kind:
        case CallEvent.Kind.CALLED:
            title = f"Called ({rhythm} plan)"
        case CallEvent.Kind.ATTEMPTED:
            title = f"Tried to call ({rhythm} plan)"
        case CallEvent.Kind.SNOOZED:
            title = f"Call of {day(event.planned_for, viewer.zone)} put off to {day(event.due, viewer.zone)}"
        case CallEvent.Kind.SKIPPED:
            title = f"Call of {day(event.planned_for, viewer.zone)} skipped"
        case CallEvent.Kind.RESCHEDULED:
            title = f"Next call set to {day(event.due, viewer.zone)}"
        case CallEvent.Kind.FREQUENCY_CHANGED:
            title = f"Calls now {Frequency(event.frequency).label.lower()}"
        case _:
            title = f"{rhythm.capitalize()} calls {event.get_kind_display().lower()}"
    if event.outcome:
        title += f": {event.get_outcome_display().lower()}"
    return Description(title, details=event.reason)


def day(moment: datetime, zone: ZoneInfo) -> str:
    return date_format(moment.astimezone(zone), "j M Y")


def outcome_of(viewer: Viewer) -> Expression:
    """Of an interaction, how the call went that it records; "" for none."""
    if not viewer.may_view(CallEvent):
        return Value("")
    events = CallEvent.objects.in_effect().filter(interaction=OuterRef("pk")).exclude(outcome="")
    return Coalesce(Subquery(events.values("outcome")[:1]), Value(""))


CALL = Source(
    EntryType.CALL, CallEvent, "happened_at", CallEventSerializer, call_events, describe_event, lambda event: event.plan
)
