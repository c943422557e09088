"""call/recurrence.py against an oracle that walks day by day and searches for the instant."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from call.recurrence import WorkCalendar, add_interval, next_working_call

ZONES = [
    "UTC",
    "Africa/Casablanca",  # puts the clocks back for Ramadan
    "America/New_York",
    "America/Sao_Paulo",  # changed at midnight, until 2019
    "Asia/Beirut",  # changes at midnight
    "Asia/Kolkata",  # half an hour off
    "Australia/Lord_Howe",  # changes by half an hour
    "Europe/Berlin",
    "Pacific/Apia",  # had no 30 December 2011
    "Pacific/Kiritimati",  # UTC+14
    "Pacific/Pago_Pago",  # UTC-11
]
FREQUENCIES = ["DAILY", "WEEKLY", "BIWEEKLY", "MONTHLY"]
EXAMPLES = 10_000


def next_call(called: datetime, frequency: str, zone: ZoneInfo) -> datetime:
    """Of a user who works every day."""
    return next_working_call(called, frequency, WorkCalendar(zone), after=called)


# --- The oracle: imports nothing of the project, and uses zoneinfo for the offset of an instant alone --------------


def month_length(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 400 == 0 or (year % 4 == 0 and year % 100 != 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def day_after(day: tuple[int, int, int]) -> tuple[int, int, int]:
    year, month, number = day
    if number < month_length(year, month):
        return year, month, number + 1
    return (year, month + 1, 1) if month < 12 else (year + 1, 1, 1)


def expected_day(day: tuple[int, int, int], frequency: str) -> tuple[int, int, int]:
    """Walks: so many days; or to the same number in the next month, or that month's last day if it is shorter."""
    if frequency != "MONTHLY":
        for _ in range({"DAILY": 1, "WEEKLY": 7, "BIWEEKLY": 14}[frequency]):
            day = day_after(day)
        return day
    number, month = day[2], day[1]
    while day[1] == month:
        day = day_after(day)
    while day[2] < number and day_after(day)[1] == day[1]:
        day = day_after(day)
    return day


def offset_at(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).replace(tzinfo=UTC) - moment


def instants_showing(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """The instants at which a clock in `zone` shows `wall` (a local time written as if it were UTC)."""
    offsets = {offset_at(wall + timedelta(hours=hour), zone) for hour in range(-36, 37, 3)}
    return sorted(wall - offset for offset in offsets if offset_at(wall - offset, zone) == offset)


def expected_call(called: datetime, frequency: str, zone: ZoneInfo) -> tuple[datetime, str]:
    """The instant, and how often its time of day comes on that date: once, twice or skipped."""
    wall = called + offset_at(called, zone)
    day = expected_day((wall.year, wall.month, wall.day), frequency)
    wall = wall.replace(day=1).replace(year=day[0], month=day[1]).replace(day=day[2])
    found = instants_showing(wall, zone)
    if found:
        return found[0], "once" if len(found) == 1 else "twice"
    # No clock shows it: go to the minute at which the clocks jump, and move by as much as they do.
    minute = wall.replace(second=0, microsecond=0) - timedelta(hours=36)
    while minute + offset_at(minute, zone) <= wall:
        minute += timedelta(minutes=1)
    jump = offset_at(minute, zone) - offset_at(minute - timedelta(minutes=1), zone)
    [moved] = instants_showing(wall + jump, zone)
    return moved, "skipped"


@cache
def clock_changes(zone: str) -> list[datetime]:
    """The hours in which the clocks of `zone` change between 2000 and 2030."""
    days = [datetime(2000, 1, 1, tzinfo=UTC) + timedelta(days=step) for step in range(366 * 30)]
    offsets = [offset_at(day, ZoneInfo(zone)) for day in days]
    changes = []
    for day, before, after in zip(days, offsets, offsets[1:], strict=False):
        if before != after:
            hours = (day + timedelta(hours=hour) for hour in range(24))
            changes.append(next(h for h in hours if offset_at(h + timedelta(hours=1), ZoneInfo(zone)) != before))
    return changes


# --- What is drawn -------------------------------------------------------------------------------------------------

SPAN = 100 * 365 * 86_400  # seconds
START = datetime(2000, 1, 2, tzinfo=UTC)
Call = tuple[datetime, str, str]


def any_call(random: Random) -> Call:
    moment = START + timedelta(seconds=random.randrange(SPAN), microseconds=random.choice([0, 1, 999_999]))
    return moment, random.choice(FREQUENCIES), random.choice(ZONES)


def call_before_a_clock_change(random: Random) -> Call:
    """The next call falls into the hours around a change of the clocks."""
    zone = random.choice([name for name in ZONES if clock_changes(name)])
    frequency = random.choice(FREQUENCIES)
    days = random.randint(28, 31) if frequency == "MONTHLY" else {"DAILY": 1, "WEEKLY": 7, "BIWEEKLY": 14}[frequency]
    change = random.choice(clock_changes(zone))
    return change - timedelta(days=days) + timedelta(minutes=random.randint(-120, 180)), frequency, zone


def call_at_a_month_end(random: Random) -> Call:
    """The last days of a month, every other one of a January: of leap years, of others and of 2100, which is none."""
    year = random.choice([2000, 2023, 2024, 2096, 2099, 2100, random.randint(2000, 2100)])
    month = random.choice([1, random.randint(1, 12 if year < 2100 else 10)])  # plans end with 2100
    day = month_length(year, month) - random.randint(0, 3)
    moment = datetime(year, month, day, tzinfo=UTC) + timedelta(seconds=15 * random.randrange(24 * 60 * 4))
    return moment, random.choice(["MONTHLY", "MONTHLY", *FREQUENCIES]), random.choice(ZONES)


def calls() -> Iterator[Call]:
    yield datetime(2024, 1, 31, 12, tzinfo=UTC), "MONTHLY", "UTC"
    yield datetime(2024, 2, 29, 12, tzinfo=UTC), "MONTHLY", "Asia/Kolkata"
    yield datetime(2011, 12, 29, 20, tzinfo=UTC), "DAILY", "Pacific/Apia"
    yield datetime(2012, 7, 20, 2, 30, tzinfo=UTC), "MONTHLY", "Africa/Casablanca"  # an hour doubled, then skipped
    random = Random(2024)  # not hypothesis, which takes ten times as long to draw a call as the oracle to judge it
    for _ in range(EXAMPLES):
        yield random.choice([any_call, call_before_a_clock_change, call_at_a_month_end])(random)


def test_ten_thousand_calls_agree_with_the_oracle():
    seen = Counter()
    for called, frequency, name in calls():
        zone = ZoneInfo(name)
        due, clock = expected_call(called, frequency, zone)

        assert next_call(called, frequency, zone) == due, (called, frequency, name)

        before, after = called.astimezone(zone), due.astimezone(zone)
        seen["all"] += 1
        seen[clock] += 1
        seen["forward" if after.utcoffset() > before.utcoffset() else "back"] += after.utcoffset() != before.utcoffset()
        seen["cut to the month's end"] += frequency == "MONTHLY" and after.day < before.day
        seen["29 February"] += (after.month, after.day) == (2, 29)
        seen[name] += 1

    assert seen["all"] >= EXAMPLES
    for what in ("forward", "back", "skipped", "twice", "cut to the month's end", "29 February", *ZONES):
        assert seen[what] >= 100, f"only {seen[what]} examples of: {what}"


@settings(max_examples=500, derandomize=True, database=None, deadline=None)
@given(st.dates(date(2000, 1, 1), date(2100, 12, 31)), st.sampled_from(FREQUENCIES))
def test_an_interval_added_to_a_date_agrees_with_the_walk(day, frequency):
    assert add_interval(day, frequency).timetuple()[:3] == expected_day(day.timetuple()[:3], frequency)


# --- In plain words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "frequency", "due"),
    [
        (date(2024, 12, 28), "DAILY", date(2024, 12, 29)),
        (date(2024, 12, 28), "WEEKLY", date(2025, 1, 4)),
        (date(2024, 12, 28), "BIWEEKLY", date(2025, 1, 11)),
        (date(2024, 12, 28), "MONTHLY", date(2025, 1, 28)),
        (date(2024, 1, 31), "MONTHLY", date(2024, 2, 29)),
        (date(2023, 1, 31), "MONTHLY", date(2023, 2, 28)),
        (date(2024, 2, 29), "MONTHLY", date(2024, 3, 29)),
        (date(2024, 12, 31), "MONTHLY", date(2025, 1, 31)),
        (date(2100, 2, 28), "DAILY", date(2100, 3, 1)),
    ],
)
def test_intervals_are_those_of_the_calendar(day, frequency, due):
    assert add_interval(day, frequency) == due


@pytest.mark.parametrize(
    ("frequency", "due"),
    [("DAILY", datetime(2024, 12, 29, 10, tzinfo=UTC)), ("WEEKLY", datetime(2025, 1, 4, 10, tzinfo=UTC))],
)
def test_the_examples_of_the_document(frequency, due):
    assert next_call(datetime(2024, 12, 28, 10, tzinfo=UTC), frequency, ZoneInfo("UTC")) == due


@pytest.mark.parametrize(
    ("called", "due"),
    [
        (datetime(2024, 3, 30, 9, tzinfo=UTC), datetime(2024, 3, 31, 8, tzinfo=UTC)),
        (datetime(2024, 10, 26, 8, tzinfo=UTC), datetime(2024, 10, 27, 9, tzinfo=UTC)),
    ],
    ids=["into summer time", "out of summer time"],
)
def test_ten_o_clock_stays_ten_o_clock_when_the_clocks_change(called, due):
    berlin = ZoneInfo("Europe/Berlin")

    assert next_call(called, "DAILY", berlin) == due
    assert (called.astimezone(berlin).hour, due.astimezone(berlin).hour) == (10, 10)


def test_a_midnight_that_the_clocks_skip_is_the_moment_of_the_change():
    midnight_before = datetime(2024, 3, 29, 22, tzinfo=UTC)  # 30 March 00:00 in Beirut, UTC+2

    due = next_call(midnight_before, "DAILY", ZoneInfo("Asia/Beirut"))

    assert due == datetime(2024, 3, 30, 22, tzinfo=UTC)
    assert due.astimezone(ZoneInfo("Asia/Beirut")).strftime("%d %H:%M") == "31 01:00"


def test_of_an_hour_that_comes_twice_the_first_is_meant():
    half_past_one = datetime(2024, 11, 2, 5, 30, tzinfo=UTC)  # 01:30 in New York, UTC-4

    due = next_call(half_past_one, "DAILY", ZoneInfo("America/New_York"))

    assert due == datetime(2024, 11, 3, 5, 30, tzinfo=UTC)  # the second one would be 06:30


def test_a_call_in_the_second_doubled_hour_plans_the_same_time_next_day():
    second_half_past_one = datetime(2024, 11, 3, 6, 30, tzinfo=UTC)  # 01:30 in New York, UTC-5

    assert next_call(second_half_past_one, "DAILY", ZoneInfo("America/New_York")) == datetime(
        2024, 11, 4, 6, 30, tzinfo=UTC
    )
