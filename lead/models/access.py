"""Whose leads a user may see, by `settings.ACCESS`: the one policy, which `visible_to` of every queryset applies.

`all`: everybody sees everything. `own`: the leads that one owns, and those of the members at or below the teams that
one manages. `team`: the same, and those of the members of one's own teams. Users with `lead.view_all` see all. Leads
that nobody owns are seen by those and by the managers of any team. What a user may do is another matter
(crm.api.permissions, backoffice.accounts.roles).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db.models import IntegerField, Q, QuerySet, Value

from crm.db import lookups  # noqa: F401 (registers `among`)
from crm.db.models import TimestampedQuerySet
from crm.fast.compiled import CompiledQuery
from lead.models.team import Team

ALL, TEAM, OWN = "all", "team", "own"
VIEW_ALL = "view_all"

# What the policy query found, by user, for the rest of a request.
_found: ContextVar[dict[int, "Policy"] | None] = ContextVar("found policies", default=None)


@dataclass(frozen=True)
class Policy:
    """What a user may see: the leads of `owners`, and the unowned ones where `sees_unowned`; or everything."""

    owners: frozenset[int] = frozenset()
    managed: frozenset[int] = frozenset()  # of the owners: members at or below a team that the user manages
    sees_unowned: bool = False
    sees_everything: bool = False

    @classmethod
    def of(cls, user) -> "Policy":
        """By one query, and within a request by none the second time; without one for ACCESS=all and superusers."""
        if settings.ACCESS == ALL or (user.is_active and user.is_superuser):
            return cls(sees_unowned=True, sees_everything=True)
        if not user.is_active:  # as `has_perm` has it; an anonymous user is none either
            return cls()
        found = _found.get()
        if found is None:
            return cls._query(user)
        if user.pk not in found:
            found[user.pk] = cls._query(user)
        return found[user.pk]

    @classmethod
    def _query(cls, user) -> "Policy":
        found = grounds(user=user.pk)
        kinds = {kind for kind, _ in found}
        managed = frozenset(pk for kind, pk in found if kind == "managed")
        teammates = {pk for kind, pk in found if kind == "teammate" and settings.ACCESS == TEAM}
        return cls(
            owners=managed | teammates | {user.pk},
            managed=managed,
            sees_unowned=not kinds.isdisjoint({"manages", "everything"}),
            sees_everything="everything" in kinds,
        )

    def condition(self, owner: str) -> Q:
        """The rows that may be seen; `owner` is the lookup path of their lead's owner."""
        is_seen = Q(**{f"{owner}__among": sorted(self.owners)})
        return is_seen | Q(**{f"{owner}__isnull": True}) if self.sees_unowned else is_seen

    def sees_leads_of(self, owner: int | None) -> bool:
        """Whether the owner's leads (None: the unowned ones) may be seen."""
        return self.sees_everything or (self.sees_unowned if owner is None else owner in self.owners)

    def recipients(self, users: QuerySet) -> QuerySet:
        """Of the users those to whom leads may be given: with ACCESS=all all, else active ones whose leads one sees."""
        if settings.ACCESS == ALL:
            return users
        active = users.filter(is_active=True)
        return active if self.sees_everything else active.filter(pk__in=sorted(self.owners))

    def may_hand_over_to(self, user: int) -> bool:
        """Whether the user exists and is one of the `recipients`. One query."""
        return self.recipients(get_user_model().objects.filter(pk=user)).exists()


@partial(CompiledQuery, placeholders={"user": 2**31 - 3})
def grounds(user: int) -> QuerySet:
    """Why a user sees the leads of others: rows (kind, id of another user), without duplicates."""
    membership = Team.members.through.objects
    below = Team.objects.at_or_below(Team.objects.filter(managers=user))
    own_teams = membership.filter(user=user).values("team")
    everything = Permission.objects.filter(content_type__app_label="lead", codename=VIEW_ALL)
    return labelled(membership.filter(team__in=below.values("pk")), "managed", "user_id").union(
        labelled(membership.filter(team__in=own_teams), "teammate", "user_id"),
        labelled(Team.managers.through.objects.filter(user=user), "manages", "user_id"),
        labelled(everything.filter(Q(user=user) | Q(group__user=user)), "everything"),
    )


def labelled(rows: Any, kind: str, user: str = "") -> Any:
    """Rows (`kind`, id of a user) for the union."""
    label, pk = Value(kind), user or Value(0, IntegerField())
    return rows.order_by().annotate(kind=label).values_list("kind", pk)


@contextmanager
def policies_queried_once() -> Iterator[None]:
    """Within the block the policy of each user is queried at most once."""
    token = _found.set({})
    try:
        yield
    finally:
        _found.reset(token)


class OfLeadQuerySet(TimestampedQuerySet):
    """Rows of a lead, or leads: seen by users who may see the lead. Their model names the `owner_path`."""

    def visible_to(self, user) -> Self:
        rows, policy = super().visible_to(user), Policy.of(user)
        return rows if policy.sees_everything else rows.filter(policy.condition(self.model.owner_path))  # type: ignore[attr-defined]

    def check_of_owner(self, user) -> Callable[[int | None], bool] | None:
        """Whether `visible_to(user)` has rows of a lead of the owner with this id; None where more than that decides.

        One's own are seen without a query. Another `visible_to`, be it a subclass's or a patched one, decides itself.
        """
        if settings.ACCESS == ALL or (user.is_active and user.is_superuser):
            return None
        if type(self).visible_to is not OWN_RULE or super().visible_to(user) is not self:
            return None
        return lambda owner: (user.is_active and owner == user.pk) or Policy.of(user).sees_leads_of(owner)


OWN_RULE = OfLeadQuerySet.visible_to
