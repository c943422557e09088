"""A user's plans as a calendar that phones and desktops subscribe to (RFC 5545)."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard, vDuration

from call.agenda import LeadDetails
from call.models import CallPlan
from call.models.work_profile import calendar_of
from call.recurrence import time_of_day

DAY = timedelta(days=1)
LENGTH = timedelta(minutes=15)
REMINDER = timedelta(minutes=-10)
REFRESH = timedelta(hours=1)
MORNING = timedelta(hours=9)  # the reminder of a call that has no time of day


def feed(user_id: int) -> bytes:
    """The calendar of all plans of the user's leads; paused ones and those of lost leads are absent."""
    zone = calendar_of(user_id).zone
    plans = list(
        CallPlan.objects.unpaused()
        .of_open_leads()
        .filter(lead__assigned_to=user_id)
        .select_related("lead")
        .order_by("id")
    )
    details = LeadDetails.of(plan.lead_id for plan in plans)
    calendar = Calendar()
    calendar.add("prodid", "-//KAM CRM//Call plans//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("name", "Call plans")
    calendar.add("x-wr-calname", "Call plans")
    # How often to come back (RFC 7986, section 5.7); Outlook reads the older X-PUBLISHED-TTL.
    calendar.add("refresh-interval", vDuration(REFRESH), {"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(REFRESH))
    if plans and zone.key != "UTC":
        dues = [plan.next_call_date.astimezone(zone).year for plan in plans]
        calendar.add_component(timezone_of(zone, min(dues), max(dues)))
    for plan in plans:
        calendar.add_component(event_of(plan, details.contacts.get(plan.lead_id), zone))
    return calendar.to_ical()


@lru_cache(maxsize=256)
def timezone_of(zone: ZoneInfo, first_year: int, last_year: int) -> Timezone:
    """The zone's clock in these years (RFC 5545, section 3.6.5).

    An observance starts at the local time that its predecessor's clock shows. icalendar's own generator gives the new
    clock's, an hour too late in spring.
    """
    component = Timezone()
    component.add("tzid", zone.key)
    moment = datetime(first_year, 1, 1, tzinfo=UTC) - DAY
    add_observance(component, zone, moment, moment)
    while moment.year <= last_year:
        before, moment = moment, moment + DAY
        if offset_at(moment, zone) != offset_at(before, zone):
            seconds = bisect_left(range(86_400), True, key=lambda second: changed_by(before, second, zone))
            change = before + timedelta(seconds=seconds)
            add_observance(component, zone, change - timedelta(seconds=1), change)
    return component


def changed_by(moment: datetime, seconds: int, zone: ZoneInfo) -> bool:
    return offset_at(moment + timedelta(seconds=seconds), zone) != offset_at(moment, zone)


def offset_at(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def add_observance(component: Timezone, zone: ZoneInfo, before: datetime, change: datetime) -> None:
    local = change.astimezone(zone)
    observance = TimezoneDaylight() if local.dst() else TimezoneStandard()
    observance.add("dtstart", (change + offset_at(before, zone)).replace(tzinfo=None))
    observance.add("tzoffsetfrom", offset_at(before, zone))
    observance.add("tzoffsetto", offset_at(change, zone))
    observance.add("tzname", local.tzname())
    component.add_component(observance)


def event_of(plan: CallPlan, contact, zone) -> Event:
    local = plan.next_call_date.astimezone(zone)
    event = Event()
    event.add("uid", f"call-plan-{plan.pk}@kam-crm")
    event.add("sequence", plan.sequence)
    event.add("dtstamp", plan.updated_at.astimezone(UTC))
    event.add("last-modified", plan.updated_at.astimezone(UTC))
    event.add("summary", f"Call {plan.lead.name}")
    phone = (contact and contact.phone) or plan.lead.phone
    text = [f"{plan.get_frequency_display()} call", contact and f"{contact.name}, {contact.role}".rstrip(", ")]
    event.add("description", "\n".join(filter(None, [*text, phone, plan.notes])))
    if dial := "".join(char for char in phone if char.isdigit() or char == "+"):
        event.add("url", f"tel:{dial}")
    if plan.lead.city:
        event.add("location", plan.lead.city)
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", f"Call {plan.lead.name}")
    if time_of_day(plan.next_call_date, zone) is None:  # as of a plan that was never called
        event.add("dtstart", local.date())
        event.add("dtend", local.date() + timedelta(days=1))
        alarm.add("trigger", MORNING)
    else:
        if local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset():
            local = local.astimezone(UTC)  # the local time comes twice that day and is ambiguous
        event.add("dtstart", local)
        event.add("dtend", (plan.next_call_date + LENGTH).astimezone(local.tzinfo))
        alarm.add("trigger", REMINDER)
    event.add_component(alarm)
    return event
