"""How long a lead has been in each status: pure, no database, no clock.

A lead is in its first status from its creation, and in each further one from the change that led there. A stay ends
with the change that left it, so that each change says in which status the lead was until then. Changes before its
creation are those of a lead that was merged into it: of these, none was its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

from lead.models import LeadStatus

DAY = timedelta(days=1)
DECIMALS = 2  # of days: a quarter of an hour


class Change(NamedTuple):
    """A move at the instant `at` (UTC) from `old` to another status."""

    at: datetime
    old: str


@dataclass
class Duration:
    """The time in one status: `since` is the start of the present stay, None where the lead is elsewhere."""

    status: str
    time: timedelta = timedelta(0)
    entered: int = 0
    since: datetime | None = None

    def body(self) -> dict[str, Any]:
        return {"status": self.status, "days": days(self.time), "entered": self.entered, "since": self.since}


def days(time: timedelta) -> float:
    """Days of 24 hours."""
    return round(time / DAY, DECIMALS)


def durations(created_at: datetime, changes: Iterable[Change], status: str, now: datetime) -> list[Duration]:
    """One of each status, in the order of LeadStatus. `changes` are oldest first; `status` is the one at `now`."""
    found = {each: Duration(each) for each in LeadStatus.values}
    start = created_at
    own = (change for change in changes if change.at >= created_at)
    for change in chain(own, [Change(now, status)]):
        stay = found[change.old]
        stay.time += change.at - start
        stay.entered += 1
        stay.since, start = start, change.at
    for each in found.values():
        if each.status != status:
            each.since = None
    return list(found.values())
