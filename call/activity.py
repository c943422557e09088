"""What keeps a lead from going stale: calls that were made, and calls that are planned. An attempt is no contact."""

from datetime import datetime

from django.db.models import Exists, OuterRef

from call.models import CallEvent, CallPlan


def is_called(lead: OuterRef, since: OuterRef, today: datetime) -> Exists:
    """A call that was recorded without details; any other one is an interaction."""
    calls = CallEvent.objects.in_effect().filter(kind=CallEvent.Kind.CALLED, interaction=None)
    return Exists(calls.filter(plan__lead=lead, happened_at__gte=since))


def is_planned(lead: OuterRef, since: OuterRef, today: datetime) -> Exists:
    """A call that is due today or later: an overdue one is no plan for the future."""
    return Exists(CallPlan.objects.unpaused().filter(lead=lead, next_call_date__gte=today))


def reached_no_one() -> Exists:
    """Of an interaction: it is the attempt of a call."""
    attempts = CallEvent.objects.in_effect().filter(kind=CallEvent.Kind.ATTEMPTED)
    return Exists(attempts.filter(interaction=OuterRef("pk")))
