"""Receivers, connected in call.apps.

Plans follow their lead's touches and owner, and the owner's work profile; phone numbers without a country code follow
the owner's country.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet

from call import recurrence
from call.models import CallEvent, CallPlan, WorkProfile
from call.models.work_profile import countries_of
from contact.models import Contact
from crm.db.batches import batched
from crm.db.derived import derive_again
from crm.db.merging import Journal
from crm.db.phones import region_or_default
from lead.models import Restaurant
from track.models import Interaction
from track.touches import Touch

LEADS = 10_000  # ids in one statement; SQLite takes some 30,000 values


def on_touch_changed(
    sender: Any, interaction: Interaction, before: Touch | None, after: Touch | None, by: Any, **kwargs: Any
) -> None:
    """The lead's unpaused plans move with a touch, and back with its correction."""
    leads = {touch.lead_id for touch in (before, after) if touch}
    database = interaction.database
    events = CallEvent.objects.using(database).in_effect().filter(interaction=interaction).select_related("plan")
    known = {event.plan_id: event for event in events}
    is_attempt = any(event.kind == CallEvent.Kind.ATTEMPTED for event in known.values())
    plans = CallPlan.objects.using(database).filter(Q(lead__in=leads) | Q(pk__in=known))
    for plan in plans.lock_with_calendars():
        event = known.get(plan.pk)
        if is_attempt:  # it reached no one, however its interaction is corrected
            if event and after:
                event.save_changes(happened_at=after.moment)
        elif event is None:
            if after and plan.is_moved_by(after):
                plan.log(CallEvent.Kind.CALLED, by=by, happened_at=after.moment, interaction=interaction)
                plan.apply(recurrence.Touched(after.moment, recorded_on_plan=False))
        elif after and after.lead_id == plan.lead_id and event.still_counts(after.moment):
            event.save_changes(happened_at=after.moment)
            plan.replay()
        else:
            plan.withdraw(event, by=by)


def on_owner_changed(
    sender: Any, leads: Iterable[int], owners: Iterable[int | None], using: str, **kwargs: Any
) -> None:
    """Another owner, another calendar; and another country's numbers, unless all owners' is the same."""
    regions = {region_or_default(country) for country in countries_of(owners, using)}
    for batch in batched(leads, LEADS):
        CallPlan.objects.using(using).filter(lead__in=batch).recompute()
        if len(regions) > 1:
            read_phones_again(Restaurant.objects.using(using).filter(pk__in=batch))


def on_profile_changed(sender: Any, user_id: int, fields: Iterable[str], using: str, **kwargs: Any) -> None:
    CallPlan.objects.using(using).filter(lead__assigned_to=user_id).recompute()
    if "country" in fields:
        read_phones_again(Restaurant.objects.using(using).filter(assigned_to=user_id))


def read_phones_again(leads: QuerySet[Restaurant]) -> None:
    """The numbers of these leads and of their contacts that have no country code of their own."""
    contacts = Contact.objects.using(leads.db).filter(restaurant__in=leads.values("pk"))
    for rows in (leads, contacts):
        derive_again(rows.exclude(phone="").exclude(phone__startswith="+"), ["phone_e164"])


def on_user_deleted(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    """Receiver of Django's `pre_delete`: leads of a deleted user are unowned and follow the default calendar."""
    for profile in WorkProfile.objects.using(using).filter(user=instance):
        profile.delete()


def on_leads_merging(
    sender: Any, survivor: Restaurant, dropped: Restaurant, journal: Journal, by: Any, **kwargs: Any
) -> None:
    """Of two plans with one frequency one is left, with both logs. A line of it says that the earlier date stays."""
    rows = CallPlan.objects.using(journal.using)
    rows.filter(lead__in=[survivor, dropped]).lock()
    ours = {plan.frequency: plan for plan in rows.filter(lead=survivor).order_by("paused", "-id")[::-1]}
    for plan in rows.filter(lead=dropped).order_by("id"):
        if (same := ours.get(plan.frequency)) is None or same.paused != plan.paused:
            continue
        journal.move_references(plan, same)
        due = min(same.next_call_date, plan.next_call_date)
        with journal.change(same):
            merged = same.log(CallEvent.Kind.RESCHEDULED, by=by, new_due=due, reason=f"Merged with {dropped}.")
            same.save_changes(notes="\n\n".join(dict.fromkeys(filter(None, [same.notes, plan.notes]))))
            same.replay()
        journal.created(merged)
        journal.delete(plan)
