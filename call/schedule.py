"""Calendar arithmetic for call plans: pure functions of dates, zones and working days; no database, no clock.

A rhythm is kept on the local calendar: intervals are added to the local date and the local time of day stays, whatever
the clocks do in between. Adding 24 hours in UTC instead gives a wrong local date around every change of the clocks.
"""

import calendar
from bisect import bisect_right
from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = {"DAILY": 1, "WEEKLY": 7, "BIWEEKLY": 14}
EVERY_DAY = frozenset(range(1, 8))  # ISO weekdays: Monday is 1
LAST_DAY = date(2100, 12, 30)  # the 31st may be 2101 in UTC


@dataclass(frozen=True)
class WorkCalendar:
    """On which local days somebody works: weekdays, less public holidays, less leave (pairs of days, inclusive)."""

    zone: ZoneInfo
    working_days: frozenset[int] = EVERY_DAY
    holidays: Container[date] = ()
    leave: tuple[tuple[date, date], ...] = ()

    def is_day_off(self, day: date) -> bool:
        return (
            day.isoweekday() not in self.working_days
            or day in self.holidays
            or any(first <= day <= last for first, last in self.leave)
        )

    def working_day_from(self, day: date) -> date:
        """`day`, or the first working day after it. Plans end with LAST_DAY, which is given where none is left."""
        while day < LAST_DAY and self.is_day_off(day):
            day = max((last for first, last in self.leave if first <= day <= last), default=day) + timedelta(days=1)
        return min(day, LAST_DAY)


def add_interval(day: date, frequency: str, times: int = 1) -> date:
    """`day` plus intervals of 1, 7 or 14 days or a calendar month, cut to the month's last day.

    Months are counted from `day`, so that a cut does not stick.

    >>> add_interval(date(2024, 1, 31), "MONTHLY")
    datetime.date(2024, 2, 29)
    >>> add_interval(date(2024, 1, 31), "MONTHLY", 2)
    datetime.date(2024, 3, 31)
    """
    if frequency != "MONTHLY":
        return day + timedelta(days=DAYS[frequency] * times)
    years, month = divmod(day.month - 1 + times, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def at(day: date, time_of_day: time, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, of a local time of day.

    One that the clocks skip on that date moves forward by what they skip; of one that comes twice, the first is meant
    (PEP 495, fold=0).
    """
    return datetime.combine(day, time_of_day.replace(fold=0), zone).astimezone(UTC)


def next_call(called: datetime, frequency: str, zone: ZoneInfo) -> datetime:
    """One interval after the call at `called` (aware), at the same time of day in `zone`. An instant in UTC."""
    local = called.astimezone(zone)
    return at(add_interval(local.date(), frequency), local.time(), zone)


def next_working_call(start: datetime, frequency: str, calendar: WorkCalendar, after: datetime) -> datetime:
    """The first date of the rhythm started at `start` that is later than `after`, on a working day. An instant in UTC.

    The time of day is that of `start` in the calendar's zone.
    """
    local = start.astimezone(calendar.zone)

    def due(times: int) -> datetime:
        day = min(add_interval(local.date(), frequency, times), LAST_DAY)
        return at(calendar.working_day_from(day), local.time(), calendar.zone)

    # Dates of the rhythm do not go back as `times` grows; so many intervals, days off or none, end after `after`.
    enough = max(1, (after.astimezone(calendar.zone).date() - local.date()).days // DAYS.get(frequency, 28) + 2)
    return due(1 + bisect_right(range(1, enough), after, key=due))
