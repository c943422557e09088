"""Teams, a tree of users, on which depends whose leads a user may see (lead.access)."""

from collections.abc import Iterable
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy

from crm.db.models import ParentModel, TimestampedQuerySet

# The teams of a first SELECT and those below them. UNION drops what was found before, so that a ring would end too.
TREE = """WITH RECURSIVE tree(id) AS (
    {start} UNION SELECT team.id FROM lead_team team JOIN tree ON team.parent_id = tree.id
) SELECT id FROM tree"""
BELOW_ITSELF = gettext_lazy("A team cannot be below itself.")


class TeamQuerySet(TimestampedQuerySet):
    def visible_to(self, user) -> Self:
        """All, for users who see every lead or may write teams; else the user's own teams and those below them."""
        if any(map(user.has_perm, ["lead.view_all", "lead.add_team", "lead.change_team", "lead.delete_team"])):
            return self
        own = models.Q(members=user.pk) | models.Q(managers=user.pk)
        return self.at_or_below(Team.objects.using(self.db).filter(own))

    def at_or_below(self, teams: models.QuerySet) -> Self:
        """These rows, as far as they are among `teams` or below one of them; two places in the tree, one query."""
        start, params = teams.order_by().values("pk").query.sql_with_params()
        return self.filter(pk__in=RawSQL(TREE.format(start=start), params))  # the tables' names and no values: see TREE


class Team(ParentModel):
    """Users who work together. Members own leads; managers see the leads of all members at or below their team."""

    name = models.CharField(max_length=254)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="teams_below")
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="teams")
    managers = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="managed_teams")

    objects = TeamQuerySet.as_manager()

    class Meta(ParentModel.Meta):
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="team_has_name"),
            models.CheckConstraint(condition=~models.Q(parent=models.F("id")), name="team_not_its_own_parent"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """For forms: raises ValidationError, naming `parent`, for the team itself or one below it."""
        teams = Team.objects.using(self.database)
        below = teams.at_or_below(teams.filter(pk=self.pk))
        if self.pk and self.parent_id and below.filter(pk=self.parent_id).exists():
            raise ValidationError({"parent": [BELOW_ITSELF]})

    @classmethod
    def establish(cls, *, members: Iterable[int] = (), managers: Iterable[int] = (), **fields: Any) -> Self:
        """Create a team with its members and managers (ids of users)."""
        team = cls(**fields)
        with team.atomic():
            team.save(force_insert=True)
            team.members.set(members)
            team.managers.set(managers)
        return team

    def edit(
        self, *, by=None, members: Iterable[int] | None = None, managers: Iterable[int] | None = None, **changes: Any
    ) -> list[str]:
        """As `TimestampedModel.edit`. Raises ValidationError, naming `parent`, for the team itself or one below it."""
        with self.atomic():
            if {"parent", "parent_id"} & changes.keys():  # the tree stays as it is until this transaction ends
                list(Team.objects.using(self.database).locked().order_by("pk").values_list("pk"))
                self._check_parent(changes.get("parent_id", changes.get("parent")))
            self.lock()
            changed = self.save_changes(**changes)
            for name, users in {"members": members, "managers": managers}.items():
                if users is not None and set(users) != set(getattr(self, name).values_list("pk", flat=True)):
                    getattr(self, name).set(users)
                    changed.append(name)
            if changed and {"members", "managers"}.issuperset(changed):
                self.save(update_fields=["updated_at"])
        return changed

    def _check_parent(self, parent: Any) -> None:
        """Raises ValidationError for the team itself and those below it; `parent` is a team, its id or None."""
        teams = Team.objects.using(self.database)
        pk = getattr(parent, "pk", parent)
        if pk and teams.at_or_below(teams.filter(pk=self.pk)).filter(pk=pk).exists():
            raise ValidationError({"parent": [BELOW_ITSELF]})
