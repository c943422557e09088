"""What a plan's dates are: a pure function of how the plan began, what happened since, and its owner's work calendar.

`replay` is the one definition. The log is replayed in the order in which it was written:

- a touch later than the last one sets `last_called`, and the next call is one interval after it; the last one,
  recorded again on the plan itself, plans the next call again;
- a date that somebody gave (on making the plan, by PATCH or snooze) stands as given until a later touch: one that
  happened after the date was given, or that was recorded on the plan itself;
- a skip goes on to the next date of the rhythm, counted from the last touch;
- a new frequency starts from the last touch, or, never called, from the day on which it was set.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time

from call.schedule import LAST_DAY, WorkCalendar, add_interval, at, next_working_call


@dataclass(frozen=True)
class Beginning:
    """How a plan began: on which local day, how often, and with which date, if somebody gave one."""

    day: date
    frequency: str
    given: datetime | None
    moment: datetime


@dataclass(frozen=True)
class Touched:
    """A call or other touch at `moment`; `own` when it was recorded on the plan itself."""

    moment: datetime
    own: bool


@dataclass(frozen=True)
class Given:
    """At `moment` somebody gave the date `due`, or changed something else and left it standing."""

    moment: datetime
    due: datetime
    frequency: str | None = None
    sets_last_called: bool = False
    last_called: datetime | None = None
    is_snooze: bool = False


@dataclass(frozen=True)
class Skipped:
    """At `moment` somebody let the planned call go."""

    moment: datetime


@dataclass(frozen=True)
class FrequencySet:
    """On the local `day` somebody set a frequency and had the next call computed."""

    day: date
    frequency: str


Step = Touched | Given | Skipped | FrequencySet


@dataclass
class State:
    """The dates of a plan. Touches up to `overridden_at` do not move the next call: a person has set it."""

    frequency: str
    next_call_date: datetime
    last_called: datetime | None
    overridden_at: datetime | None
    start: datetime  # what the rhythm is counted from

    def take(self, step: Step, calendar: WorkCalendar) -> None:
        match step:
            case Touched(moment, own):
                if self.last_called is None or moment > self.last_called or (own and moment == self.last_called):
                    self.last_called = self.start = moment
                    if own or self.overridden_at is None or moment >= truncate_to_second(self.overridden_at):
                        self.next_call_date = next_working_call(moment, self.frequency, calendar, after=moment)
                        self.overridden_at = None
            case Given():
                self.frequency = step.frequency or self.frequency
                self.next_call_date, self.overridden_at = step.due, step.moment
                if step.sets_last_called:
                    self.last_called = step.last_called
                if self.last_called:
                    self.start = self.last_called
                elif not step.is_snooze:
                    self.start = step.due
            case Skipped(moment):
                self.next_call_date = next_working_call(self.start, self.frequency, calendar, after=self.next_call_date)
                self.overridden_at = moment
            case FrequencySet(day, frequency):
                self.frequency = frequency
                self.overridden_at = None
                if self.last_called:
                    self.start = self.last_called
                    self.next_call_date = next_working_call(self.start, frequency, calendar, after=self.start)
                else:
                    self.start, self.next_call_date = first_call(day, frequency, calendar)


def truncate_to_second(moment: datetime) -> datetime:
    """`moment` as clients write it, who rarely send fractions: what happens next must not seem to lie before it."""
    return moment.replace(microsecond=0)


def first_call(day: date, frequency: str, calendar: WorkCalendar) -> tuple[datetime, datetime]:
    """Never called: the rhythm starts with `day`, and the next call is at midnight, one interval later."""
    due = calendar.working_day_from(min(add_interval(day, frequency), LAST_DAY))
    return at(day, time.min, calendar.zone), at(due, time.min, calendar.zone)


def begin(beginning: Beginning, calendar: WorkCalendar) -> State:
    """The state of a plan to which nothing has happened yet."""
    start, due = first_call(beginning.day, beginning.frequency, calendar)
    if beginning.given:
        start = due = beginning.given
    return State(
        frequency=beginning.frequency,
        next_call_date=due,
        last_called=None,
        overridden_at=beginning.moment if beginning.given else None,
        start=start,
    )


def replay(beginning: Beginning, steps: Iterable[Step], calendar: WorkCalendar) -> State:
    """The state after `steps`, in the order in which they were logged."""
    state = begin(beginning, calendar)
    for step in steps:
        state.take(step, calendar)
    return state
