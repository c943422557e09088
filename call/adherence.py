"""Adherence: how well planned calls were made, by owner, computed from the plans' logs.

An occurrence is a local date on which a plan's call was planned: each is in the log, as the date that was planned
before an event, or is the plan's next call now. It is on time when the plan was touched by that date, late when it was
first touched after it, skipped when a user skipped it, and missed when it was not touched by the end of the period or
today, whichever is earlier.
"""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, F, OuterRef, Q

from call.models import CallEvent, CallPlan, WorkProfile
from call.models.plan import EARLIEST
from crm import dates
from crm.db.batches import batched

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

    def row(self, owner: int | None) -> dict[str, Any]:
        average = round(sum(self.days_late) / len(self.days_late), 1) if self.days_late else None
        return {
            "owner": owner,
            "planned": self.planned,
            "on_time": self.on_time,
            "late": self.late,
            "missed": self.missed,
            "skipped": self.skipped,
            "snoozed": self.snoozed,
            "average_days_late": average,
        }


def adherence(first: date, last: date) -> list[dict[str, Any]]:
    """A row per owner of the plans with an occurrence in [first, last], local dates, by owner id."""
    zones = {user: ZoneInfo(zone) for user, zone in WorkProfile.objects.values_list("user", "time_zone")}
    tallies: dict[int | None, Tally] = defaultdict(Tally)
    for batch in batched(plans_between(first, last).iterator(BATCH), BATCH):
        logs = logs_of(batch)
        for plan in batch:
            zone = zones.get(plan.owner) or dates.server_zone()
            count(plan, logs[plan.pk], first, last, zone, tallies[plan.owner])
    rows = [tally.row(owner) for owner, tally in tallies.items() if tally.planned]
    return sorted(rows, key=lambda row: (row["owner"] is None, row["owner"]))


def plans_between(first: date, last: date):
    """The plans that may have an occurrence in the period, a day around it for the zones."""
    start = dates.start_of_day(first - timedelta(days=1), UTC)
    end = dates.start_of_day(last + timedelta(days=2), UTC)
    logged = CallEvent.objects.in_effect().filter(plan=OuterRef("pk"), planned_for__gte=start, planned_for__lt=end)
    due = Q(next_call_date__gte=start, next_call_date__lt=end)
    plans = CallPlan.objects.filter(Exists(logged) | due).annotate(owner=F("lead__assigned_to"))
    return plans.values_list("pk", "owner", "paused", "next_call_date", named=True)


def logs_of(plans: list) -> dict[int, list]:
    """The logs of the plans, oldest first, without withdrawn lines."""
    logs: dict[int, list] = defaultdict(list)
    events = CallEvent.objects.in_effect().filter(plan__in=[plan.pk for plan in plans]).order_by("id")
    for event in events.values_list("plan", "kind", "planned_for", "new_due", "happened_at", named=True):
        logs[event.plan].append(event)
    return logs


def count(plan, events: list, first: date, last: date, zone: ZoneInfo, tally: Tally) -> None:
    """Add what became of the plan's occurrences in [first, last]."""

    def local(moment: datetime) -> date:
        return dates.day_of(moment, zone)

    touches = sorted(event.happened_at for event in events if event.kind == CallEvent.Kind.CALLED)
    occurrences: dict[date, int] = {}  # each with the number of touches before it was planned
    skipped: set[date] = set()
    moved: set[date] = set()
    latest = EARLIEST
    for event in events:
        day = local(event.planned_for)
        occurrences.setdefault(day, bisect_right(touches, latest))
        if event.kind == CallEvent.Kind.CALLED:
            latest = max(latest, event.happened_at)
        elif event.kind == CallEvent.Kind.SKIPPED:
            skipped.add(day)
        elif event.kind == CallEvent.Kind.PAUSED and local(event.happened_at) <= day:
            del occurrences[day]  # no call was due any more
        elif event.kind in MOVES and event.new_due != event.planned_for:
            moved.add(day)
    if not plan.paused:
        occurrences.setdefault(local(plan.next_call_date), bisect_right(touches, latest))
    limit = min(last, dates.today(zone))
    for day in filter(lambda day: first <= day <= last, occurrences):
        touch = next(map(local, touches[occurrences[day] :]), None)
        if day in skipped:
            tally.skipped += 1
        elif touch and touch <= day:
            tally.on_time += 1
        elif touch and touch <= limit:
            tally.late += 1
            tally.days_late.append((touch - day).days)
        elif day <= limit:
            tally.missed += 1
        else:
            continue  # still to come
        tally.planned += 1
        tally.snoozed += day in moved
