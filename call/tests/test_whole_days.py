"""Days that do not begin at 00:00, and days on which midnight comes twice: all of 2000–2100, in all zones.

The oracle knows zoneinfo alone: it walks through the minutes around a change of the clocks and reads the local date.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from django.test import Client
from icalendar import Calendar

from call.feed import event_of
from call.models import CallPlan, WorkProfile
from call.recurrence import PlanCreated, Skipped, WorkCalendar, next_working_call, replay
from call.tests.support import client_of
from crm import dates
from lead.models import Restaurant

DAY, HOUR, MINUTE, TICK = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(microseconds=1)
# Local noons in steps shorter than any two changes of the clocks are apart (a week, in Gaza in 2040).
NOONS = [datetime(1999, 12, 1, 12) + step * timedelta(days=5) for step in range(101 * 73)]
EXAMPLES = [
    ("Africa/Cairo", date(2025, 4, 25)),  # begins at 01:00
    ("Atlantic/Azores", date(2027, 3, 28)),  # begins at 01:00
    ("Antarctica/Casey", date(2016, 10, 22)),  # begins at 03:00
    ("America/Havana", date(2026, 11, 1)),  # midnight comes twice
    ("America/St_Johns", date(2009, 11, 1)),  # after a minute the clock goes back to 23:01
]


def changes_of(zone: ZoneInfo) -> Iterator[tuple[datetime, timedelta, timedelta]]:
    """When the clocks change, and the offset before and after."""
    offsets = map(zone.utcoffset, NOONS)
    for (start, before), (end, after) in pairwise(zip(NOONS, offsets, strict=True)):
        if before != after:
            first = (start - before).replace(tzinfo=UTC)
            seconds = range(int((end - start).total_seconds()))
            change = bisect_left(seconds, True, key=lambda each: has_changed(first, each, zone))
            yield first + timedelta(seconds=change), before, after


def has_changed(first: datetime, seconds: int, zone: ZoneInfo) -> bool:
    return (first + timedelta(seconds=seconds)).astimezone(zone).utcoffset() != first.astimezone(zone).utcoffset()


@cache
def uncommon_days() -> list[tuple[ZoneInfo, date, datetime]]:
    """Each day whose midnight a change of the clocks touches: its zone, the day, the change."""
    found = []
    for zone in map(ZoneInfo, sorted(available_timezones())):
        for change, before, after in changes_of(zone):
            shown_before, shown_after = ((change + offset).replace(tzinfo=None) for offset in (before, after))
            midnight = datetime.combine(max(shown_before, shown_after), time.min)
            if min(shown_before, shown_after) <= midnight and 2000 <= midnight.year <= 2100:
                found.append((zone, midnight.date(), change))
    return found


def first_minute(day: date, zone: ZoneInfo, start: datetime) -> datetime:
    """The first minute after `start` that is on the local `day`, or later where there is no such day."""
    assert start.astimezone(zone).date() < day
    while start.astimezone(zone).date() < day:
        start += MINUTE
    return start


@cache
def bounds(day: date, zone: ZoneInfo, change: datetime) -> tuple[datetime, datetime]:
    start = first_minute(day, zone, change - 4 * HOUR)
    return start, first_minute(day + DAY, zone, start + 20 * HOUR)


def test_every_kind_of_uncommon_midnight_is_among_the_days():
    kinds = {
        tuple(f"{(change + step).astimezone(zone):%H:%M}" for step in (-TICK, timedelta(0)))
        for zone, _, change in uncommon_days()
    }
    skipped, twice = {("23:59", "01:00"), ("23:59", "03:00")}, {("00:59", "00:00"), ("00:00", "23:01")}
    assert kinds >= skipped | twice
    assert len(uncommon_days()) > 2_500
    assert {(zone.key, day) for zone, day, _ in uncommon_days()} >= set(EXAMPLES)


def test_a_day_lasts_from_its_first_instant_to_the_next_ones():
    for zone, day, change in uncommon_days():
        start, end = bounds(day, zone, change)
        assert dates.bounds_of_day(day, zone) == (start, end), (zone, day)
        for moment in (start, max(start, change) + HOUR / 2, end - TICK):
            assert dates.day_of(moment, zone) == day, (zone, day, moment)
        assert dates.day_of(start - TICK, zone) == (start - TICK).astimezone(zone).date(), (zone, day)
        assert dates.is_start_of_day(start, zone), (zone, day)
        assert not any(dates.is_start_of_day(start + step, zone) for step in (-TICK, TICK, HOUR)), (zone, day)


def test_a_change_before_midnight_that_skips_it_begins_the_day():
    """As in Toronto in 1919, from 23:30 to 00:30."""
    start = dates.start_of_day(date(1919, 3, 31), ZoneInfo("America/Toronto"))
    assert start == datetime(1919, 3, 31, 4, 30, tzinfo=UTC)
    assert f"{start.astimezone(ZoneInfo('America/Toronto')):%d %H:%M}" == "31 00:30"


def test_a_plan_without_a_time_of_day_is_due_at_first_instants():
    for zone, day, change in uncommon_days():
        start, end = bounds(day, zone, change)
        calendar = WorkCalendar(zone)
        created = PlanCreated(day - DAY, "DAILY", None, start - 12 * HOUR)
        assert replay(created, [], calendar).next_call_date == start, (zone, day)
        assert replay(created, [Skipped(start)], calendar).next_call_date == end, (zone, day)
        assert next_working_call(start, "DAILY", calendar, after=start) == end, (zone, day)


def test_the_time_of_day_of_a_plan_stays():
    for zone, day, _ in uncommon_days():
        if zone.key not in ("Pacific/Apia", "Pacific/Fakaofo"):  # where there was no day before
            called, due = (datetime.combine(each, time(9, 30), zone) for each in (day - DAY, day))
            assert next_working_call(called, "DAILY", WorkCalendar(zone), after=called) == due, (zone, day)


def test_a_call_at_the_first_instant_of_a_day_is_an_event_for_that_day():
    plan = CallPlan(pk=1, lead=Restaurant(name="Bistro Anna"), updated_at=datetime(2025, 1, 1, tzinfo=UTC))
    for zone, day, change in uncommon_days():
        plan.next_call_date, _ = bounds(day, zone, change)
        event = event_of(plan, None, zone)
        assert (event["DTSTART"].dt, event["DTEND"].dt) == (day, day + DAY), (zone, day)
        assert event.walk("VALARM")[0]["TRIGGER"].dt == 9 * HOUR, (zone, day)


# --- Over HTTP ------------------------------------------------------------------------------------


@pytest.fixture(params=EXAMPLES, ids=lambda example: example[0])
def uncommon(request, now, user, lead, settings):
    """The zone of the user and the server, and the day; it is noon of the day before."""
    zone, day = ZoneInfo(request.param[0]), request.param[1]
    settings.TIME_ZONE = zone.key
    WorkProfile.objects.create(user=user, time_zone=zone.key)
    now.move_to(datetime.combine(day - DAY, time(12), zone))
    return zone, day


@pytest.fixture
def bounds_of(uncommon):
    zone, day = uncommon
    return bounds(day, zone, next(change for each, one, change in uncommon_days() if (each, one) == (zone, day)))


def text_of(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def test_a_daily_plan_is_an_all_day_event_on_this_day_too(now, kam, lead, uncommon, bounds_of):
    (_, day), (start, end) = uncommon, bounds_of
    plan = kam.post("/call/", {"lead": lead.pk, "frequency": "DAILY"}).json()
    address = kam.post("/call/feed/").json()["url"]
    assert plan["next_call_date"] == text_of(start)
    assert f"DTSTART;VALUE=DATE:{day:%Y%m%d}\r\n".encode() in Client().get(address).content
    assert kam.post(f"/call/{plan['id']}/skip/").json()["next_call_date"] == text_of(end)
    assert f"DTSTART;VALUE=DATE:{day + DAY:%Y%m%d}\r\n".encode() in Client().get(address).content


def test_a_call_that_is_put_off_to_this_day_is_for_the_whole_day(kam, lead, uncommon, bounds_of):
    (_, day), (start, end) = uncommon, bounds_of
    plan = kam.post("/call/", {"lead": lead.pk, "frequency": "WEEKLY"}).json()
    assert kam.post(f"/call/{plan['id']}/snooze/", {"until": day}).json()["next_call_date"] == text_of(start)
    assert kam.post(f"/call/{plan['id']}/snooze/", {"days": 2}).json()["next_call_date"] == text_of(end)
    assert kam.post(f"/call/{plan['id']}/snooze/", {"days": 1}).json()["next_call_date"] == text_of(start)


@pytest.mark.parametrize("form", ["{}", "{}T00:00", "{}T00:00:00"])
def test_a_date_without_a_time_is_the_first_instant(kam, plan, uncommon, bounds_of, form):
    answer = kam.patch(f"/call/{plan.pk}/", {"next_call_date": form.format(uncommon[1])})
    assert (answer.status_code, answer.json()["next_call_date"]) == (200, text_of(bounds_of[0]))


def test_lists_agenda_and_filters_agree_on_the_day(now, user, plan, uncommon, bounds_of):
    (_, day), (start, end) = uncommon, bounds_of
    parts = ["overdue", "today", "upcoming"]
    today = [(start, "today"), (start + HOUR / 2, "today"), (end - TICK, "today")]
    for due, part in [(start - TICK, "overdue"), *today, (end, "upcoming")]:
        plan.edit(next_call_date=due)
        for moment in (start, start + HOUR / 2, end - TICK):
            now.move_to(moment)
            kam = client_of(user)
            agenda = kam.get("/call/agenda/").json()
            assert agenda["date"] == day.isoformat()
            lists = {name: kam.get(f"/call/{name}/").json() for name in parts}
            assert [name for name in parts if lists[name]] == [part], (due, moment)
            assert [name for name in parts if agenda[name]] == [part], (due, moment)
        found = kam.get("/call/", {"next_call_after": day, "next_call_before": day + DAY}).json()
        assert bool(found) == (part == "today"), due


def test_the_feed_asks_programs_to_come_back_every_hour(kam):
    content = Client().get(kam.post("/call/feed/").json()["url"]).content
    assert b"\r\nREFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in content
    assert b"\r\nX-PUBLISHED-TTL:PT1H\r\n" in content
    assert Calendar.from_ical(content)["REFRESH-INTERVAL"].dt == HOUR
