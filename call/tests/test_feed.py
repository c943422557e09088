"""The calendar feed: its content, how a program follows its changes, and who may read it."""

import json
import logging
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from icalendar import Calendar

from call.models import CallPlan, FeedAddress, WorkProfile
from call.tests.support import client_of
from contact.models import Contact
from crm.models import IdempotencyKey
from lead.models import Restaurant

WRONG = "/call/feed/x8K2mQ4vT6yB0nR5sW7zC9dF1gH3jLx8K2mQ4vT6yB.ics"


@pytest.fixture
def address(kam):
    return kam.post("/call/feed/").json()["url"]


@pytest.fixture
def feed(address):
    """Read the address as a calendar program does: without a token."""
    return lambda **headers: Client().get(address, headers=headers)


@pytest.fixture
def events(feed):
    """The events by UID, as `icalendar` reads them."""
    return lambda: {str(event["uid"]): event for event in Calendar.from_ical(feed().content).walk("VEVENT")}


@pytest.fixture
def event(plan, contact, events):
    """The event of the plan."""
    return lambda: events()[f"call-plan-{plan.pk}@kam-crm"]


# --- Content --------------------------------------------------------------------------------------


def test_it_is_a_calendar(feed, plan):
    answer = feed()
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    calendar = Calendar.from_ical(answer.content)
    assert calendar["version"] == "2.0"
    assert calendar["prodid"]
    lines = answer.content.split(b"\r\n")
    assert (lines[0], lines[-2:]) == (b"BEGIN:VCALENDAR", [b"END:VCALENDAR", b""])
    assert max(map(len, lines)) <= 75
    assert b"\n" not in b"".join(lines)


def test_an_empty_calendar_is_one_too(feed):
    assert Calendar.from_ical(feed().content).walk("VEVENT") == []


def test_each_plan_of_my_leads_is_an_event_and_no_other(events, user, lead, plan):
    second = CallPlan.objects.create(lead=lead, frequency="WEEKLY")
    CallPlan.objects.create(lead=Restaurant.objects.create(name="Cafe Blau"), frequency="DAILY")
    lost = Restaurant.objects.create(name="Old Fig", assigned_to=user, lead_status="LOST")
    CallPlan.objects.create(lead=lost, frequency="DAILY")
    assert list(events()) == [f"call-plan-{each.pk}@kam-crm" for each in (plan, second)]


def test_a_call_with_a_time_of_day_is_15_minutes_in_the_owners_zone(now, user, plan, event, feed):
    WorkProfile.objects.create(user=user, time_zone="America/New_York")
    plan.edit(next_call_date=datetime(2026, 3, 8, 13, tzinfo=UTC))
    assert event()["dtstart"].dt == datetime(2026, 3, 8, 9, tzinfo=ZoneInfo("America/New_York"))
    assert event()["dtstart"].dt.utcoffset() == timedelta(hours=-4)
    assert event()["dtend"].dt - event()["dtstart"].dt == timedelta(minutes=15)
    assert b"DTSTART;TZID=America/New_York:20260308T090000\r\n" in feed().content
    (zone,) = Calendar.from_ical(feed().content).walk("VTIMEZONE")
    assert zone["tzid"] == "America/New_York"


def test_the_zone_lists_its_clock_changes_as_rfc_5545_defines_them(user, plan, feed):
    """RFC 5545, section 3.6.5: by the local time before the change."""
    WorkProfile.objects.create(user=user, time_zone="America/New_York")
    plan.edit(next_call_date=datetime(2026, 3, 8, 7, 30, tzinfo=UTC))
    (zone,) = Calendar.from_ical(feed().content).walk("VTIMEZONE")
    listed = [
        (
            each.name,
            str(each["dtstart"].dt),
            each["tzoffsetfrom"].to_ical(),
            each["tzoffsetto"].to_ical(),
            each["tzname"],
        )
        for each in zone.subcomponents
    ]
    assert listed == [
        ("STANDARD", "2025-12-30 19:00:00", "-0500", "-0500", "EST"),
        ("DAYLIGHT", "2026-03-08 02:00:00", "-0500", "-0400", "EDT"),
        ("STANDARD", "2026-11-01 02:00:00", "-0400", "-0500", "EST"),
    ]


@pytest.mark.parametrize("hour", [5, 6])
def test_a_call_at_a_local_time_that_comes_twice_is_in_utc(user, plan, event, hour):
    WorkProfile.objects.create(user=user, time_zone="America/New_York")
    plan.edit(next_call_date=datetime(2026, 11, 1, hour, 30, tzinfo=UTC))
    assert event()["dtstart"].to_ical() == f"20261101T0{hour}3000Z".encode()
    assert event()["dtend"].to_ical() == f"20261101T0{hour}4500Z".encode()


def test_a_call_ends_a_quarter_of_an_hour_later_whatever_the_clocks_do(user, plan, event):
    WorkProfile.objects.create(user=user, time_zone="America/New_York")
    plan.edit(next_call_date=datetime(2026, 3, 8, 6, 50, tzinfo=UTC))
    assert event()["dtend"].dt.astimezone(UTC) == datetime(2026, 3, 8, 7, 5, tzinfo=UTC)


def test_a_call_at_local_midnight_is_for_the_day(user, plan, event):
    assert event()["dtstart"].dt == date(2026, 1, 20)
    assert event()["dtend"].dt == date(2026, 1, 21)
    WorkProfile.objects.create(user=user, time_zone="Asia/Kolkata")
    assert event()["dtstart"].dt == date(2026, 1, 20)  # recomputed: midnight there


def test_each_event_has_a_reminder(plan, event):
    (alarm,) = event().walk("VALARM")
    assert (alarm["action"], alarm["trigger"].dt) == ("DISPLAY", timedelta(hours=9))
    plan.edit(next_call_date=datetime(2026, 1, 20, 10, tzinfo=UTC))
    (alarm,) = event().walk("VALARM")
    assert (alarm["trigger"].dt, alarm["description"]) == (timedelta(minutes=-10), "Call Bistro Anna")


def test_it_says_whom_to_call_and_how(plan, event):
    plan.edit(notes="Ask for the chef; mornings, not noon.\nBack door.")
    assert event()["summary"] == "Call Bistro Anna"
    assert event()["location"] == "Pune"
    assert event()["url"] == "tel:1234567890"
    assert event()["description"].split("\n") == [
        "Daily call",
        "Asha Rao, Manager",
        "123-456-7890",
        "Ask for the chef; mornings, not noon.",
        "Back door.",
    ]


def test_the_contact_is_the_person_last_spoken_to(kam, lead, plan, event):
    ben = Contact.objects.create(restaurant=lead, name="Ben Iyer", phone="+91 (5) 555-4729")
    kam.post("/track/interactions/", {"lead": lead.pk, "interaction_type": "CALL", "contact": ben.pk})
    assert event()["url"] == "tel:+9155554729"
    assert "Ben Iyer\n+91 (5) 555-4729" in event()["description"]


def test_without_a_contact_the_leads_own_phone_is_called(kam, lead, plan, events):
    uid = f"call-plan-{plan.pk}@kam-crm"
    assert "url" not in events()[uid]
    lead.edit(phone="(5) 555-4729")
    assert events()[uid]["url"] == "tel:55554729"


def test_names_and_notes_of_any_kind_come_through(lead, plan, event):
    lead.edit(name="Café “Über”; Söhne, Köln\\Deutz 🍜" * 4)
    plan.edit(notes="BEGIN:VEVENT\r\nSUMMARY:x\n" + "ä" * 500)
    assert event()["summary"] == f"Call {lead.name}"
    assert event()["description"].endswith("ä" * 500)
    assert len(event().walk("VEVENT")) == 1


# --- Keeping up with it ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "move",
    [
        lambda kam, path: kam.post(f"{path}record_call/"),
        lambda kam, path: kam.post(f"{path}snooze/", {"days": 3}),
        lambda kam, path: kam.post(f"{path}skip/"),
        lambda kam, path: kam.patch(path, {"next_call_date": "2026-02-02T10:00:00Z"}),
        lambda kam, path: kam.patch(f"{path}set_frequency/", {"frequency": "WEEKLY"}),
        lambda kam, path: kam.patch("/call/me/", {"working_days": [5]}),
    ],
    ids=["called", "snoozed", "skipped", "patched", "new frequency", "new profile"],
)
def test_every_move_leaves_the_uid_and_raises_the_sequence(now, kam, plan, event, move):
    before = event()
    now.move_to("2026-01-19T10:00:00Z")
    move(kam, f"/call/{plan.pk}/")
    after = event()
    assert after["uid"] == before["uid"]
    assert after["dtstart"].dt != before["dtstart"].dt
    assert after["sequence"] == before["sequence"] + 1
    assert after["dtstamp"].dt > before["dtstamp"].dt


def test_a_touch_raises_the_sequence_and_its_deletion_again(now, kam, lead, event):
    sequences = [event()["sequence"]]
    answer = kam.post("/track/interactions/", {"lead": lead.pk, "interaction_type": "CALL"})
    sequences.append(event()["sequence"])
    kam.delete(f"/track/interactions/{answer.json()['id']}/")
    sequences.append(event()["sequence"])
    assert sequences == [0, 1, 2]


def test_what_is_no_move_leaves_the_sequence(kam, plan, event):
    kam.patch(f"/call/{plan.pk}/", {"last_called": "2026-01-02T10:00:00Z"})
    kam.post(f"/call/{plan.pk}/record_call/", {"outcome": "NO_ANSWER"})
    assert event()["sequence"] == 0


def test_a_paused_plan_is_absent_until_it_is_resumed(kam, plan, events):
    kam.post(f"/call/{plan.pk}/pause/")
    assert events() == {}
    kam.post(f"/call/{plan.pk}/resume/")
    assert list(events()) == [f"call-plan-{plan.pk}@kam-crm"]


def test_what_a_program_has_already_is_not_sent_again(kam, feed, plan):
    first = feed()
    again = feed(**{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    kam.post(f"/call/{plan.pk}/skip/")
    assert feed(**{"If-None-Match": first["ETag"]}).status_code == 200


def test_reading_it_later_gives_the_same_bytes(now, feed, plan):
    first = feed().content
    now.move_to("2026-01-25T09:00:00Z")
    assert feed().content == first


@pytest.mark.parametrize("plans", [3, 30])
def test_it_costs_the_same_queries_however_many_plans_there_are(kam, lead, address, plans, django_assert_num_queries):
    for _ in range(plans):
        CallPlan.objects.create(lead=lead, frequency="DAILY")
    Contact.objects.create(restaurant=lead, name="Asha Rao")
    with django_assert_num_queries(5):
        content = Client().get(address).content
    assert content.count(b"BEGIN:VEVENT") == plans


# --- Who may read it ------------------------------------------------------------------------------


def test_the_address_is_made_and_opens_without_a_token(kam, user, plan):
    answer = kam.post("/call/feed/")
    assert (answer.status_code, list(answer.json())) == (201, ["url"])
    url = answer.json()["url"]
    assert url.startswith("http://testserver/call/feed/")
    assert url.endswith(".ics")
    assert Client().get(url).status_code == 200
    assert Client().head(url).status_code == 200


@pytest.mark.parametrize("accept", ["text/calendar", "text/html", "application/xml;q=0.9", "*/*", "nonsense"])
def test_programs_may_accept_whatever_they_like(feed, accept):
    assert feed(Accept=accept).status_code == 200


def test_a_bad_token_does_not_close_the_address(feed):
    assert feed(Authorization="Bearer nonsense").status_code == 200


def test_a_new_address_replaces_the_former(kam, address):
    new = kam.post("/call/feed/").json()["url"]
    assert new != address
    assert (Client().get(address).status_code, Client().get(new).status_code) == (404, 200)
    assert FeedAddress.objects.count() == 1


def test_the_address_is_taken_back(kam, address):
    assert kam.delete("/call/feed/").status_code == 204
    assert Client().get(address).status_code == 404
    assert kam.delete("/call/feed/").status_code == 204


def test_an_address_of_a_user_who_has_left_is_closed(user, address):
    user.is_active = False
    user.save()
    assert Client().get(address).status_code == 404


def test_each_address_shows_its_own_users_plans(reader, plan, address):
    mine = FeedAddress.renew(reader)
    assert Client().get(f"/call/feed/{mine}.ics").content.count(b"BEGIN:VEVENT") == 0


def test_a_revoked_address_answers_as_a_wrong_one_does_for_equal_work(kam, address, django_assert_num_queries):
    kam.delete("/call/feed/")
    answers = []
    for path in (address, WRONG, "/call/feed/x.ics"):
        with django_assert_num_queries(1):
            answers.append(Client().get(path))
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (404, b'{"detail":"There is no feed at this address."}')
    }


@pytest.mark.parametrize("secret", ["x", "a" * 5000, "%00", "%ED%A0%80", "%F0%9F%8D%9C", ".."])
def test_an_address_that_is_none_is_not_found(db, secret):
    assert Client().get(f"/call/feed/{secret}.ics").status_code == 404


def test_the_secret_is_stored_nowhere(kam, address):
    secret = address.rpartition("/")[2].removesuffix(".ics")
    assert len(secret) == 43  # 32 random bytes
    assert secret not in str(FeedAddress.objects.values_list())
    assert FeedAddress.objects.get().digest == FeedAddress.digest_of(secret)


def test_the_response_with_the_secret_is_not_stored_for_retries(kam):
    first, again = (kam.post("/call/feed/", headers={"Idempotency-Key": "k"}).json()["url"] for _ in range(2))
    assert first != again
    assert not IdempotencyKey.objects.exists()


def test_the_answer_with_the_secret_is_not_to_be_stored(kam):
    answer = kam.post("/call/feed/")
    assert "no-store" in answer["Cache-Control"]
    assert "ETag" not in answer


def test_a_reader_makes_no_address(now, reader):
    assert client_of(reader).post("/call/feed/").status_code == 403


@pytest.mark.parametrize("log", ["json", "text"], indirect=True)
def test_the_secret_is_in_no_log(kam, log, monkeypatch):
    address = kam.post("/call/feed/").json()["url"]
    secret = address.rpartition("/")[2].removesuffix(".ics")
    Client().get(address)
    monkeypatch.setattr("call.feed.feed", lambda user: 1 / 0)
    Client(raise_request_exception=False).get(address)
    kam.delete("/call/feed/")
    Client().get(address)
    path = f"/call/feed/{secret}.ics"
    logging.getLogger("django.server").warning('"%s" %s %s', f"GET {path} HTTP/1.1", "200", "17")
    logging.getLogger("gunicorn.error").warning("Error handling request %s", path)
    assert "ZeroDivisionError" in log.getvalue()
    assert secret not in log.getvalue()


@pytest.mark.parametrize("log", ["json"], indirect=True)
def test_the_access_log_has_the_route(address, log):
    Client().get(address)
    line = [json.loads(line) for line in log.getvalue().splitlines() if "ics" in line][-1]
    assert (line["route"], line["status"], line["id"]) == ("/call/feed/<str:secret>.ics", 200, None)
