"""Who owned a lead at an instant, by its present owner and the history: figures stay with the user who earned them."""

import json
from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple, Self

from django.apps import apps

from crm.db.batches import batched
from lead.models import LeadMerge, OwnerChange, Policy, Restaurant

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


class Merged(NamedTuple):
    """A lead is part of the lead `into` since the instant `at`."""

    into: int
    at: datetime


class Owners:
    """The owners of some leads, at all times. A lead without history has always had its present owner.

    Rows that came with a lead that was merged into another count for its own owners, until the merge.
    """

    def __init__(self) -> None:
        self.present: dict[int, Owner] = {}
        self.changes: dict[int, list[tuple[datetime, Owner, Owner]]] = {}  # oldest first: instant, old and new owner
        self.merged: dict[int, Merged] = {}
        self.former: dict[tuple[str, int], int] = {}  # by table and id of a row, the merged lead that it came with

    @classmethod
    def of(cls, leads: Iterable[int], using: str | None = None) -> Self:
        """Three queries for each BATCH of leads."""
        owners = cls()
        for batch in batched(sorted(set(leads)), BATCH):
            merges = LeadMerge.objects.using(using).filter(survivor__in=batch).exclude(journal="").order_by("id")
            for merge in merges.values_list("merged_id", "created_at", "journal"):
                owners.add_merge(*merge)
            rows = Restaurant.objects.using(using).filter(pk__in=batch).order_by().values_list("pk", "assigned_to")
            owners.present |= {lead: Owner(owner) for lead, owner in rows}
            history = OwnerChange.objects.using(using).filter(lead__in=batch).order_by("created_at", "id")
            names = ("old_owner", "old_owner_name", "new_owner", "new_owner_name")
            for pk, lead, moment, *both in history.values_list("pk", "lead", "created_at", *names):
                lead = owners.former.get((OwnerChange._meta.label, pk), lead)
                owners.changes.setdefault(lead, []).append((moment, owner_of(*both[:2]), owner_of(*both[2:])))
        return owners

    def add_merge(self, lead: int, at: datetime, journal: str) -> None:
        """Of several merges the first comes first: a later one moves the rows of an earlier one again."""
        for step in json.loads(journal):
            path = getattr(apps.get_model(step["model"]), "owner_path", "") if step["op"] == "move" else ""
            if not path.startswith(f"{step.get('field')}__"):
                continue  # does not follow its lead by this reference
            if path == f"{step['field']}__assigned_to":
                self.merged.setdefault(lead, Merged(step["to"], at))
            for pk in step["ids"]:
                self.former.setdefault((step["model"], pk), lead)

    def at(self, lead: int, moment: datetime, *rows: tuple[str, int]) -> Owner:
        """The owner at the instant (UTC); a change counts from its own instant on.

        Of one of `rows`, by table and id, that came with another lead, or belongs to one that did.
        """
        lead = next((self.former[row] for row in rows if row in self.former), lead)
        while lead in self.merged and moment >= self.merged[lead].at:
            lead = self.merged[lead].into
        changes = self.changes.get(lead)
        if not changes:
            return self.at(*self.merged[lead]) if lead in self.merged else self.present.get(lead, Owner())
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
