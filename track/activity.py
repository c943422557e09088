"""What keeps a lead from going stale: touches. Those that are dated in the future are planned contact."""

from datetime import datetime

from django.db.models import Exists, OuterRef

from track.models import Interaction


def is_touched(lead: OuterRef, since: OuterRef, today: datetime) -> Exists:
    return Exists(Interaction.objects.touches().filter(lead=lead, date__gte=since))
