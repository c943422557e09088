"""Stale leads: longer in their status than settings.STALE_DAYS of it, without contact in these days, and none planned.

Converted and lost leads are never stale. Days are 24 hours each. Edits of the lead are no contact.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Case, DateTimeField, Exists, F, OuterRef, Q, Value, When

from lead.models.history import StatusChange

# Conditions under which a lead is not stale, which apps to the left add in their AppConfig: with the column of the lead
# and that of the instant since which there was no contact (both of the outer query), and the first instant of today.
activities: list[Callable[[OuterRef, OuterRef, datetime], Exists]] = []


def quiet_since(now: datetime) -> Case:
    """Of a lead, the instant STALE_DAYS before `now`; NULL in a status that does not go stale."""
    limits = {status: now - timedelta(days=days) for status, days in settings.STALE_DAYS.items() if days}
    return Case(
        *(When(lead_status=status, then=Value(limit)) for status, limit in limits.items()),
        output_field=DateTimeField(),
    )


def is_stale(today: datetime) -> Q:
    """The condition on leads with their `quiet_since`. A call planned for `today` or later keeps a lead from it."""
    lead, since = OuterRef("pk"), OuterRef("quiet_since")
    statuses = [status for status, days in settings.STALE_DAYS.items() if days]
    moved = Exists(StatusChange.objects.filter(lead=lead, created_at__gte=since))
    condition = Q(lead_status__in=statuses, created_at__lt=F("quiet_since")) & ~Q(moved)
    for is_active in activities:
        condition &= ~Q(is_active(lead, since, today))
    return condition
