"""Who owned a lead at an instant, by its present owner and the history: figures stay with the user who earned them."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple, Self

from crm.db.batches import batched
from lead.models import OwnerChange, Policy, Restaurant

BATCH = 10_000  # ids in one statement; SQLite takes some 30,000 values


class Owner(NamedTuple):
    """A user's id; of a deleted user None and the username; of an unowned lead None and an empty name."""

    id: int | None = None
    name: str = ""

    def place(self) -> tuple[bool, int, bool, str]:
        """In a report: by id, then deleted users by name, then the unowned."""
        return self.id is None, self.id or 0, not self.name, self.name

    def former(self) -> dict[str, str]:
        """What a deleted user's row has beside the others."""
        return {"former_owner": self.name} if self.name else {}


class Owners:
    """The owners of some leads, at all times. A lead without history has always had its present owner."""

    def __init__(self, present: dict[int, Owner], changes: dict[int, list[tuple[datetime, Owner, Owner]]]) -> None:
        self.present = present
        self.changes = changes  # by lead, the oldest first: the instant, the old and the new owner

    @classmethod
    def of(cls, leads: Iterable[int], using: str | None = None) -> Self:
        """Two queries for each BATCH of leads."""
        present: dict[int, Owner] = {}
        changes: dict[int, list[tuple[datetime, Owner, Owner]]] = {}
        for batch in batched(sorted(set(leads)), BATCH):
            rows = Restaurant.objects.using(using).filter(pk__in=batch).order_by().values_list("pk", "assigned_to")
            present |= {lead: Owner(owner) for lead, owner in rows}
            history = OwnerChange.objects.using(using).filter(lead__in=batch).order_by("created_at", "id")
            names = ("old_owner", "old_owner_name", "new_owner", "new_owner_name")
            for lead, moment, *owners in history.values_list("lead", "created_at", *names):
                changes.setdefault(lead, []).append((moment, owner_of(*owners[:2]), owner_of(*owners[2:])))
        return cls(present, changes)

    def at(self, lead: int, moment: datetime) -> Owner:
        """The owner at the instant (UTC); a change counts from its own instant on."""
        changes = self.changes.get(lead)
        if not changes:
            return self.present.get(lead, Owner())
        past = bisect_right(changes, moment, key=lambda change: change[0])
        return changes[past - 1][2] if past else changes[0][1]


def owner_of(pk: int | None, name: str) -> Owner:
    return Owner(pk) if pk else Owner(None, name)


def sees_row_of(owner: int | None, user) -> bool:
    """Whether in reports the user sees the row of this owner: the own one, and those of whom the user manages."""
    return bool(visible_rows([{"owner": owner}], user))


def visible_rows(rows: list[dict[str, Any]], user) -> list[dict[str, Any]]:
    """Of a report by owner, the rows that the user may see: all, or the own one and those of whom the user manages."""
    policy = Policy.of(user)
    return rows if policy.sees_everything else [row for row in rows if row["owner"] in policy.managed | {user.pk}]
