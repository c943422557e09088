"""Who owned a lead at an instant, from the history of its owner."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from lead.models import OwnerChange, Restaurant


class Owner(NamedTuple):
    """A user's id; None with a `name` for a user that is deleted, None without one for unowned."""

    id: int | None
    name: str = ""


Change = tuple[datetime, int | None, int | None]  # when, the old and the new owner


class Owners:
    """The owners of some leads, at any time. A change counts from its instant on."""

    def __init__(self, current: dict[int, int | None], changes: dict[int, list[Change]]) -> None:
        self.current, self.changes = current, changes

    @classmethod
    def of(cls, leads: Iterable[int], using: str | None = None) -> "Owners":
        """Two queries."""
        ids = list(leads)
        current = Restaurant.objects.using(using).filter(pk__in=ids).order_by().values_list("pk", "assigned_to")
        rows = OwnerChange.objects.using(using).filter(lead__in=ids).order_by("lead", "created_at", "id")
        changes: dict[int, list[Change]] = defaultdict(list)
        for lead, moment, old, new in rows.values_list("lead", "created_at", "old_owner", "new_owner"):
            changes[lead].append((moment, old, new))
        return cls(dict(current), changes)

    def at(self, lead: int, moment: datetime) -> Owner:
        """Before its first change: that change's old owner; without any, its present owner."""
        changes = self.changes.get(lead)
        if not changes:
            return Owner(self.current.get(lead))
        place = bisect_right(changes, moment, key=lambda change: change[0])
        return Owner(changes[place - 1][2] if place else changes[0][1])
