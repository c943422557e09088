"""Calendar arithmetic for call plans: pure functions of dates and zones, without database and without clock.

A rhythm is kept on the local calendar: an interval is added to the local date and the local time of day stays, whatever the
clocks do in between. Adding 24 hours in UTC instead gives a wrong local date around every change of the clocks.
"""

import calendar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAYS = {"DAILY": 1, "WEEKLY": 7, "BIWEEKLY": 14}


def add_interval(day: date, frequency: str) -> date:
    """`day` plus one interval: 1, 7 or 14 days, or a calendar month, cut to the month's last day.

    >>> add_interval(date(2024, 1, 31), "MONTHLY")
    datetime.date(2024, 2, 29)
    """
    if frequency != "MONTHLY":
        return day + timedelta(days=DAYS[frequency])
    year, month = (day.year, day.month + 1) if day.month < 12 else (day.year + 1, 1)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def next_call(called: datetime, frequency: str, zone: ZoneInfo) -> datetime:
    """One interval after the call at `called` (aware), at the same time of day in `zone`. An instant in UTC.

    A time of day that the clocks skip on that date moves forward by what they skip; of one that comes twice, the first is
    meant (PEP 495, fold=0).
    """
    local = called.astimezone(zone)
    day = add_interval(local.date(), frequency)
    return datetime.combine(day, local.time(), zone).astimezone(UTC)
