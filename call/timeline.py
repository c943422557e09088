"""The logs of call plans in the timeline of their lead; and how a call went that is an interaction."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Expression, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from call.models import CallEvent, CallPlan, Frequency
from call.serializers import CallEventSerializer
from crm.formats import inside
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
    days = {"from": day(event.planned_for, viewer.zone), "to": day(event.due, viewer.zone) if event.due else ""}
    rhythm = inside(Frequency(event.plan.frequency).label)
    match event.kind:
        case CallEvent.Kind.CALLED:
            title = _("Called (%(rhythm)s plan)") % {"rhythm": rhythm}
        case CallEvent.Kind.ATTEMPTED:
            title = _("Tried to call (%(rhythm)s plan)") % {"rhythm": rhythm}
        case CallEvent.Kind.SNOOZED:
            title = _("Call of %(from)s put off to %(to)s") % days
        case CallEvent.Kind.SKIPPED:
            title = _("Call of %(from)s skipped") % days
        case CallEvent.Kind.RESCHEDULED:
            title = _("Next call set to %(to)s") % days
        case CallEvent.Kind.FREQUENCY_CHANGED:
            title = _("Calls now %(rhythm)s") % {"rhythm": inside(Frequency(event.frequency).label)}
        case _:
            said = {"rhythm": Frequency(event.plan.frequency).label, "kind": inside(event.get_kind_display())}
            title = _("%(rhythm)s calls %(kind)s") % said
    if event.outcome:
        title += f": {inside(event.get_outcome_display())}"
    return Description(title, details=event.reason)


def day(moment: datetime, zone: ZoneInfo) -> str:
    return date_format(moment.astimezone(zone), _("j M Y"))


def outcome_of(viewer: Viewer) -> Expression:
    """Of an interaction, how the call went that it records; "" for none."""
    if not viewer.may_view(CallEvent):
        return Value("")
    events = CallEvent.objects.in_effect().filter(interaction=OuterRef("pk")).exclude(outcome="")
    return Coalesce(Subquery(events.values("outcome")[:1]), Value(""))


CALL = Source(
    EntryType.CALL, CallEvent, "happened_at", CallEventSerializer, call_events, describe_event, lambda event: event.plan
)
