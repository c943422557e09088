"""Adherence: how well planned calls were made, by owner, computed from the plans' logs.

An occurrence is a local date on which a plan's call was planned: each is in the log, as the date that was planned
before an event, or is the plan's next call now. It belongs to the lead's owner at the planned instant; its date is in
the zone that it was computed in (a deleted user's is known no more: the server's). It is on time when the plan was
touched by that date, late when it was first touched after it, skipped when a user skipped it, and missed when it was
not touched by the end of the period or today, whichever is earlier.
"""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q

from call.models import CallEvent, CallPlan, WorkProfile
from call.models.plan import EARLIEST
from crm import dates
from crm.db.batches import batched
from lead.owners import Owner, Owners

UTC = ZoneInfo("UTC")
BATCH = 1_000  # plans, with their logs, in memory
MOVES = {CallEvent.Kind.SNOOZED, CallEvent.Kind.RESCHEDULED}


@dataclass
class Tally:
    """What became of an owner's occurrences."""

    planned: int = 0
    on_time: int = 0
    late: int = 0
    missed: int = 0
    skipped: int = 0
    snoozed: int = 0
    days_late: list[int] = field(default_factory=list)

    def row(self, owner: Owner) -> dict[str, Any]:
        average = round(sum(self.days_late) / len(self.days_late), 1) if self.days_late else None
        return {
            "owner": owner.id,
            "planned": self.planned,
            "on_time": self.on_time,
            "late": self.late,
            "missed": self.missed,
            "skipped": self.skipped,
            "snoozed": self.snoozed,
            "average_days_late": average,
            **owner.former(),
        }


def adherence(first: date, last: date) -> list[dict[str, Any]]:
    """A row per owner of an occurrence in [first, last], local dates: by id, then deleted users by name, then unowned.

    A deleted user's row has the username as `former_owner`.
    """
    profiles = WorkProfile.objects.values_list("user", "time_zone")
    zones: dict[int | None, ZoneInfo] = {user: ZoneInfo(zone) for user, zone in profiles}
    tallies: dict[Owner, Tally] = defaultdict(Tally)
    for batch in batched(plans_between(first, last).iterator(BATCH), BATCH):
        logs, owners = logs_of(batch), Owners.of(plan.lead for plan in batch)
        for plan in batch:
            count(plan, logs[plan.pk], first, last, zones, owners, tallies)
    found = {owner: tally for owner, tally in tallies.items() if tally.planned}
    return [found[owner].row(owner) for owner in sorted(found, key=Owner.place)]


def plans_between(first: date, last: date):
    """The plans that may have an occurrence in the period, a day around it for the zones."""
    start = dates.start_of_day(first - timedelta(days=1), UTC)
    end = dates.start_of_day(last + timedelta(days=2), UTC)
    logged = CallEvent.objects.in_effect().filter(plan=OuterRef("pk"), planned_for__gte=start, planned_for__lt=end)
    due = Q(next_call_date__gte=start, next_call_date__lt=end)
    plans = CallPlan.objects.filter(Exists(logged) | due)
    return plans.values_list("pk", "lead", "paused", "next_call_date", named=True)


def logs_of(plans: list) -> dict[int, list]:
    """The logs of the plans, oldest first, without withdrawn lines."""
    logs: dict[int, list] = defaultdict(list)
    events = CallEvent.objects.in_effect().filter(plan__in=[plan.pk for plan in plans]).order_by("id")
    columns = ("pk", "plan", "kind", "planned_for", "new_due", "happened_at", "created_at")
    for event in events.values_list(*columns, named=True):
        logs[event.plan].append(event)
    return logs


@dataclass(frozen=True)
class Occurrence:
    """A local date on which a call was planned, in the zone of the calendar that it was computed on."""

    owner: Owner
    day: date
    zone: ZoneInfo

    def local(self, moment: datetime) -> date:
        return dates.day_of(moment, self.zone)


def count(
    plan,
    events: list,
    first: date,
    last: date,
    zones: dict[int | None, ZoneInfo],
    owners: Owners,
    tallies: dict[Owner, Tally],
) -> None:
    """Add what became of the plan's occurrences in [first, last] to the tallies of their owners."""

    def occurrence(planned_for: datetime, computed_at: datetime, *line: tuple[str, int]) -> Occurrence:
        """Planned in a line of the log, which may have come with the plan of another lead, or without one."""
        rows = (*line, (CallPlan._meta.label, plan.pk))
        zone = zones.get(owners.at(plan.lead, computed_at, *rows).id) or dates.server_zone()
        return Occurrence(owners.at(plan.lead, planned_for, *rows), dates.day_of(planned_for, zone), zone)

    touches = sorted(event.happened_at for event in events if event.kind == CallEvent.Kind.CALLED)
    occurrences: dict[date, Occurrence] = {}
    earlier: dict[date, int] = {}  # the number of touches before the date was first planned
    skipped: set[date] = set()
    moved: set[date] = set()
    latest = EARLIEST

    def add(planned: Occurrence) -> None:
        """A date that an owner in another zone takes over is another instant, and no second occurrence."""
        occurrences[planned.day] = planned
        earlier.setdefault(planned.day, bisect_right(touches, latest))

    for event in events:
        planned = occurrence(event.planned_for, event.created_at, (CallEvent._meta.label, event.pk))
        add(planned)
        if event.kind == CallEvent.Kind.CALLED:
            latest = max(latest, event.happened_at)
        elif event.kind == CallEvent.Kind.SKIPPED:
            skipped.add(planned.day)
        elif event.kind == CallEvent.Kind.PAUSED and planned.local(event.happened_at) <= planned.day:
            del occurrences[planned.day], earlier[planned.day]  # no call was due any more
        elif event.kind in MOVES and event.new_due != event.planned_for:
            moved.add(planned.day)
    if not plan.paused:
        add(occurrence(plan.next_call_date, dates.now()))
    for planned in filter(lambda each: first <= each.day <= last, occurrences.values()):
        limit = min(last, dates.today(planned.zone))
        touch = next(map(planned.local, touches[earlier[planned.day] :]), None)
        tally = tallies[planned.owner]
        if planned.day in skipped:
            tally.skipped += 1
        elif touch and touch <= planned.day:
            tally.on_time += 1
        elif touch and touch <= limit:
            tally.late += 1
            tally.days_late.append((touch - planned.day).days)
        elif planned.day <= limit:
            tally.missed += 1
        else:
            continue  # still to come
        tally.planned += 1
        tally.snoozed += planned.day in moved
