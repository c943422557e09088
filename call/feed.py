"""A user's plans as a calendar that phones and desktops subscribe to (RFC 5545)."""

from datetime import UTC, time, timedelta

from icalendar import Alarm, Calendar, Event

from call.agenda import Facts
from call.models import CallPlan
from call.profiles import calendar_of

LENGTH = timedelta(minutes=15)
REMINDER = timedelta(minutes=-10)
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
    facts = Facts.of(plan.lead_id for plan in plans)
    calendar = Calendar()
    calendar.add("prodid", "-//KAM CRM//Call plans//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("name", "Call plans")
    calendar.add("x-wr-calname", "Call plans")
    for plan in plans:
        calendar.add_component(event_of(plan, facts.contacts.get(plan.lead_id), zone))
    calendar.add_missing_timezones()
    return calendar.to_ical()


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
    if local.time() == time.min:  # a plan that was never called has no time of day
        event.add("dtstart", local.date())
        event.add("dtend", local.date() + timedelta(days=1))
        alarm.add("trigger", MORNING)
    else:
        event.add("dtstart", local)
        event.add("dtend", local + LENGTH)
        alarm.add("trigger", REMINDER)
    event.add_component(alarm)
    return event
