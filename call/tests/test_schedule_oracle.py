"""call/schedule.py against a second opinion: an oracle that walks day by day and searches for the instant."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from call.schedule import add_interval, next_call

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


# --- The oracle: imports nothing of the project, and asks zoneinfo for nothing but the offset of an instant --------


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
    hours = (datetime(2000, 1, 1, tzinfo=UTC) + timedelta(hours=6 * step) for step in range(4 * 366 * 30))
    changes, before = [], None
    for moment in hours:
        offset = offset_at(moment, ZoneInfo(zone))
        if before not in (None, offset):
            for hour in (moment - timedelta(hours=back) for back in (6, 5, 4, 3, 2, 1)):
                if offset_at(hour + timedelta(hours=1), ZoneInfo(zone)) != before:
                    changes.append(hour)
                    break
        before = offset
    return changes


# --- What is drawn -------------------------------------------------------------------------------------------------

SPAN = timedelta(days=100 * 365)
START = datetime(2000, 1, 2, tzinfo=UTC)
TIMES_OF_DAY = st.integers(0, 24 * 60 * 4 - 1).map(lambda quarter: timedelta(seconds=15 * quarter))


@st.composite
def any_call(draw):
    moment = START + timedelta(seconds=draw(st.integers(0, int(SPAN.total_seconds()))))
    moment += timedelta(microseconds=draw(st.sampled_from([0, 1, 999_999])))
    return moment, draw(st.sampled_from(FREQUENCIES)), draw(st.sampled_from(ZONES))


@st.composite
def call_before_a_clock_change(draw):
    """The next call falls into the hours around a change of the clocks."""
    zone = draw(st.sampled_from([name for name in ZONES if clock_changes(name)]))
    frequency = draw(st.sampled_from(FREQUENCIES))
    days = draw(st.integers(28, 31)) if frequency == "MONTHLY" else {"DAILY": 1, "WEEKLY": 7, "BIWEEKLY": 14}[frequency]
    change = draw(st.sampled_from(clock_changes(zone)))
    return change - timedelta(days=days) + timedelta(minutes=draw(st.integers(-120, 180))), frequency, zone


@st.composite
def call_at_a_month_end(draw):
    """The last days of a month, every other one of a January: of leap years, of others and of 2100, which is none."""
    year = draw(st.one_of(st.sampled_from([2000, 2023, 2024, 2096, 2099, 2100]), st.integers(2000, 2100)))
    month = draw(st.one_of(st.constant_response(1), st.integers(1, 12)))
    day = month_length(year, month) - draw(st.integers(0, 3))
    moment = datetime(year, month, day, tzinfo=UTC) + draw(TIMES_OF_DAY)
    frequency = draw(st.sampled_from(["MONTHLY", "MONTHLY", *FREQUENCIES]))
    return moment, frequency, draw(st.sampled_from(ZONES))


def test_ten_thousand_calls_agree_with_the_oracle():
    seen = Counter()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(any_call(), call_before_a_clock_change(), call_at_a_month_end()))
    @example((datetime(2024, 1, 31, 12, tzinfo=UTC), "MONTHLY", "UTC"))
    @example((datetime(2024, 2, 29, 12, tzinfo=UTC), "MONTHLY", "Asia/Kolkata"))
    @example((datetime(2011, 12, 29, 20, tzinfo=UTC), "DAILY", "Pacific/Apia"))
    @example(
        (datetime(2012, 7, 20, 2, 30, tzinfo=UTC), "MONTHLY", "Africa/Casablanca")
    )  # an hour doubled, then skipped
    def agrees(call):
        called, frequency, zone = call[0], call[1], ZoneInfo(call[2])
        due, clock = expected_call(called, frequency, zone)

        assert next_call(called, frequency, zone) == due

        before, after = called.astimezone(zone), due.astimezone(zone)
        seen["all"] += 1
        seen[clock] += 1
        seen["forward" if after.utcoffset() > before.utcoffset() else "back"] += after.utcoffset() != before.utcoffset()
        seen["cut to the month's end"] += frequency == "MONTHLY" and after.day < before.day
        seen["29 February"] += (after.month, after.day) == (2, 29)
        seen[call[2]] += 1

    agrees()

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


def test_a_call_in_the_second_of_the_doubled_hours_plans_the_same_time_next_day():
    second_half_past_one = datetime(2024, 11, 3, 6, 30, tzinfo=UTC)  # 01:30 in New York, UTC-5

    assert next_call(second_half_past_one, "DAILY", ZoneInfo("America/New_York")) == datetime(
        2024, 11, 4, 6, 30, tzinfo=UTC
    )
