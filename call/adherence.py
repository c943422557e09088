"""How well the planned calls were kept, by owner, reckoned from the plans' logs.

An occurrence is a local date on which a plan's call was planned: each is in the log, as the date that the next event
found, or is the plan's next call now. It is on time when the plan was touched by that date, late when it was first
touched after it, skipped when somebody let it go, and missed when it was not touched by the end of the period or today,
whichever is earlier.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q

from call.models import CallEvent, CallPlan, WorkProfile
from crm import dates

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
    for plan in plans_between(first, last).iterator(1000):
        owner = plan.lead.assigned_to_id
        count(plan, first, last, zones.get(owner) or dates.server_zone(), tallies[owner])
    rows = [tally.row(owner) for owner, tally in tallies.items() if tally.planned]
    return sorted(rows, key=lambda row: (row["owner"] is None, row["owner"]))


def plans_between(first: date, last: date):
    """The plans that may have an occurrence in the period, a day around it for the zones."""
    start = dates.start_of_day(first - timedelta(days=1), dates.server_zone())
    end = dates.start_of_day(last + timedelta(days=2), dates.server_zone())
    logged = CallEvent.objects.filter(plan=OuterRef("pk"), planned__gte=start, planned__lt=end)
    due = Q(next_call_date__gte=start, next_call_date__lt=end)
    return CallPlan.objects.filter(Exists(logged) | due).select_related("lead").prefetch_related("events")


def count(plan: CallPlan, first: date, last: date, zone: ZoneInfo, tally: Tally) -> None:
    """Add what became of the plan's occurrences in [first, last]."""
    limit = min(last, dates.today(zone))
    touched: dict[date, date] = {}
    skipped: set[date] = set()
    moved: set[date] = set()
    waiting: set[date] = set()
    for event in sorted(plan.events.all(), key=lambda event: (event.happened_at, event.pk)):
        planned = event.planned.astimezone(zone).date()
        if planned not in touched and planned not in skipped:
            waiting.add(planned)
        if event.kind == CallEvent.Kind.CALLED:
            day = event.happened_at.astimezone(zone).date()
            touched.update(dict.fromkeys(waiting, day))
            waiting.clear()
        elif event.kind == CallEvent.Kind.SKIPPED:
            skipped.add(planned)
            waiting.discard(planned)
        elif event.kind in MOVES and event.due != event.planned:
            moved.add(planned)
    if not plan.paused:
        waiting.add(plan.next_call_date.astimezone(zone).date())
    for day in occurrences({*touched, *skipped, *waiting}, first, last):
        if day in skipped:
            tally.skipped += 1
        elif day in touched and touched[day] <= day:
            tally.on_time += 1
        elif day in touched and touched[day] <= limit:
            tally.late += 1
            tally.days_late.append((touched[day] - day).days)
        elif day <= limit:
            tally.missed += 1
        else:
            continue  # still to come
        tally.planned += 1
        tally.snoozed += day in moved


def occurrences(days: Iterable[date], first: date, last: date) -> list[date]:
    return sorted(day for day in days if first <= day <= last)
