"""Questions that figures and list filters share, so that the list behind a figure holds exactly the rows it counts."""

from collections.abc import Iterable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Case, DateField, Q, Value, When
from django.utils.translation import gettext_lazy

from crm import dates
from track.models import Interaction, InteractionQuerySet

DUE = {
    "overdue": gettext_lazy("Overdue"),
    "today": gettext_lazy("Due today"),
    "week": gettext_lazy("Due in the 7 days after today"),
}


def is_due(due: str, zone: ZoneInfo) -> Q:
    """The condition for a key of DUE on call plans that are not paused, by today's date in `zone`."""
    today = dates.today(zone)
    start, tomorrow = dates.bounds_of_day(today, zone)
    end = dates.start_of_day(today + timedelta(days=8), zone)
    conditions = {
        "overdue": Q(next_call_date__lt=start),
        "today": Q(next_call_date__gte=start, next_call_date__lt=tomorrow),
        "week": Q(next_call_date__gte=tomorrow, next_call_date__lt=end),
    }
    return conditions[due] & Q(paused=False)


def happened_since(days: int, zone: ZoneInfo) -> InteractionQuerySet:
    """The interactions of the last `days` days and today, in `zone`, without those that are dated in the future."""
    start = dates.start_of_day(dates.today(zone) - timedelta(days=days), zone)
    return Interaction.objects.filter(date__gte=start, date__lte=dates.now())


def ordered_since(days: int, zone: ZoneInfo) -> InteractionQuerySet:
    """As `happened_since`, of the orders, by their own dates."""
    start = dates.start_of_day(dates.today(zone) - timedelta(days=days), zone)
    return Interaction.objects.dated_orders().filter(ordered_at__gte=start, ordered_at__lte=dates.now())


def latest_begun(field: str, days: Iterable[date], zone: ZoneInfo) -> Case:
    """The last of the local `days` (ascending) that had begun at the row's `field`; NULL before the first one.

    It groups rows by exactly the days that the filters mean, whatever the database knows of the zone's clocks.
    """
    begun = [When(**{f"{field}__gte": dates.start_of_day(day, zone)}, then=Value(day)) for day in days]
    return Case(*reversed(begun), output_field=DateField())
