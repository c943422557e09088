"""When the next call is due: pure calendar arithmetic and the replay of a plan's log; no ORM, no clock.

Intervals are added to the local date and the local time of day stays, whatever the clocks do in between; 24 hours added
in UTC give a wrong local date around every change of the clocks. A plan whose call is due at the first instant of a day
is for the whole day: it has no time of day, also where the clock then shows 01:00.

`replay` defines a plan's dates: a function of how the plan was created, what happened since, and its owner's work
calendar. The log is replayed in the order in which it was written:

- a touch later than the last one sets `last_called`, and the next call is one interval after it; the last one,
  recorded again on the plan itself, computes the next call again;
- a date that a user set (on creation, by PATCH or snooze) overrides the computed one until a later touch: one that
  happened after the date was set, or that was recorded on the plan itself;
- a skip goes on to the next date of the cadence, counted from the last touch;
- a new frequency starts from the last touch, or, never called, from the day on which it was set.
"""

import calendar as months
from bisect import bisect_right
from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from crm import dates

DAYS = {"DAILY": 1, "WEEKLY": 7, "BIWEEKLY": 14}
EVERY_DAY = frozenset(range(1, 8))  # ISO weekdays: Monday is 1
LAST_DAY = date(2100, 12, 30)  # the 31st may be 2101 in UTC


# --- The calendar -----------------------------------------------------------------------------


@dataclass(frozen=True)
class WorkCalendar:
    """On which local days a user works: weekdays, less public holidays, less leave (pairs of days, inclusive)."""

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
        """`day`, or the first working day after it; LAST_DAY, with which plans end, where none is left."""
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
    return date(year, month + 1, min(day.day, months.monthrange(year, month + 1)[1]))


def time_of_day(moment: datetime, zone: ZoneInfo) -> time | None:
    """The local time of day of an aware `moment`; None at the first instant of its day, which means the whole day."""
    return None if dates.is_start_of_day(moment, zone) else moment.astimezone(zone).time()


def at(day: date, time_of_day: time | None, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, of a local time of day; without one, the first instant of the day.

    One that the clocks skip on that date moves forward by what they skip; of one that comes twice, the first is meant
    (PEP 495, fold=0).
    """
    if time_of_day is None:
        return dates.start_of_day(day, zone)
    return datetime.combine(day, time_of_day.replace(fold=0), zone).astimezone(UTC)


def truncate_to_second(moment: datetime) -> datetime:
    """Clients rarely send fractions: an event in the same second must not sort before `moment`."""
    return moment.replace(microsecond=0)


def next_working_call(anchor: datetime, frequency: str, calendar: WorkCalendar, after: datetime) -> datetime:
    """The first date of the cadence that is later than `after`, on a working day. An instant in UTC.

    The cadence is counted from `anchor` (aware), whose time of day in the calendar's zone it preserves.
    """
    first, clock = anchor.astimezone(calendar.zone).date(), time_of_day(anchor, calendar.zone)

    def due(times: int) -> datetime:
        day = min(add_interval(first, frequency, times), LAST_DAY)
        return at(calendar.working_day_from(day), clock, calendar.zone)

    # Dates of the cadence do not go back as `times` grows; so many intervals, days off or none, end after `after`.
    enough = max(1, (after.astimezone(calendar.zone).date() - first).days // DAYS.get(frequency, 28) + 2)
    return due(1 + bisect_right(range(1, enough), after, key=due))


def first_call(day: date, frequency: str, calendar: WorkCalendar) -> tuple[datetime, datetime]:
    """Anchor and next call of a plan never called, the first instants of `day` and of the day one interval later."""
    due = calendar.working_day_from(min(add_interval(day, frequency), LAST_DAY))
    return dates.start_of_day(day, calendar.zone), dates.start_of_day(due, calendar.zone)


# --- What happens to a plan -------------------------------------------------------------------


@dataclass(frozen=True)
class PlanCreated:
    """On the local `day` of `moment` the plan was created, with the date `override` for its first call or without."""

    day: date
    frequency: str
    override: datetime | None
    moment: datetime


@dataclass(frozen=True)
class Touched:
    """A call or other touch at `moment`; `recorded_on_plan` for one that was recorded on the plan, not on its lead."""

    moment: datetime
    recorded_on_plan: bool


@dataclass(frozen=True)
class DateOverridden:
    """At `moment` a user set the next call to `due`, or changed another field and left the date at `due`."""

    moment: datetime
    due: datetime
    frequency: str | None = None
    sets_last_called: bool = False
    last_called: datetime | None = None
    is_snooze: bool = False


@dataclass(frozen=True)
class Skipped:
    """At `moment` a user skipped the planned call."""

    moment: datetime


@dataclass(frozen=True)
class FrequencySet:
    """On the local `day` a user set a frequency and had the next call computed."""

    day: date
    frequency: str


Step = Touched | DateOverridden | Skipped | FrequencySet


# --- The plan's dates -------------------------------------------------------------------------


@dataclass
class State:
    """The dates of a plan. Touches before `overridden_at` do not move the next call: a user has set it."""

    frequency: str
    next_call_date: datetime
    last_called: datetime | None
    overridden_at: datetime | None
    anchor: datetime  # the start of the cadence

    def apply(self, step: Step, calendar: WorkCalendar) -> None:
        match step:
            case Touched(moment, recorded_on_plan):
                is_latest = self.last_called is None or moment > self.last_called
                if is_latest or (recorded_on_plan and moment == self.last_called):
                    self.last_called = self.anchor = moment
                    is_override = self.overridden_at and moment < truncate_to_second(self.overridden_at)
                    if recorded_on_plan or not is_override:
                        self.next_call_date = next_working_call(moment, self.frequency, calendar, after=moment)
                        self.overridden_at = None
            case DateOverridden():
                self.frequency = step.frequency or self.frequency
                self.next_call_date, self.overridden_at = step.due, step.moment
                if step.sets_last_called:
                    self.last_called = step.last_called
                if self.last_called:
                    self.anchor = self.last_called
                elif not step.is_snooze:
                    self.anchor = step.due
            case Skipped(moment):
                self.next_call_date = next_working_call(
                    self.anchor, self.frequency, calendar, after=self.next_call_date
                )
                self.overridden_at = moment
            case FrequencySet(day, frequency):
                self.frequency = frequency
                self.overridden_at = None
                if self.last_called:
                    self.anchor = self.last_called
                    self.next_call_date = next_working_call(self.anchor, frequency, calendar, after=self.anchor)
                else:
                    self.anchor, self.next_call_date = first_call(day, frequency, calendar)


def initial_state(created: PlanCreated, calendar: WorkCalendar) -> State:
    """The state of a new plan."""
    anchor, due = first_call(created.day, created.frequency, calendar)
    if created.override:
        anchor = due = created.override
    return State(
        frequency=created.frequency,
        next_call_date=due,
        last_called=None,
        overridden_at=created.moment if created.override else None,
        anchor=anchor,
    )


def replay(created: PlanCreated, steps: Iterable[Step], calendar: WorkCalendar) -> State:
    """The state after `steps`, in the order in which they were logged."""
    state = initial_state(created, calendar)
    for step in steps:
        state.apply(step, calendar)
    return state
