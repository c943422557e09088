"""What was said about leads that look like duplicates; and the column by which such leads are found."""

from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext, gettext_lazy

from crm.db.folding import FoldedField
from crm.db.models import TimestampedQuerySet
from crm.db.pairs import PairModel
from lead.duplicates import name_key
from lead.models.access import Policy


class NameKeyField(FoldedField):
    """How the name, without the city, begins (lead.duplicates.name_key): leads of one key in one city are compared."""

    def derive(self, instance: models.Model) -> str:
        return name_key(*(getattr(instance, source) or "" for source in self.sources))


class NotDuplicateQuerySet(TimestampedQuerySet):
    """Pairs of which a user sees those whose rows are both visible; their model names the `owner_paths` of both."""

    def visible_to(self, user) -> Self:
        rows, policy = super().visible_to(user), Policy.of(user)
        if policy.sees_everything:
            return rows
        first, second = self.model.owner_paths  # type: ignore[attr-defined]
        return rows.filter(policy.condition(first), policy.condition(second))


class NotDuplicateModel(PairModel):
    """Two rows that look alike and are not the same: said at `created_at` by `created_by`."""

    owner_paths: tuple[str, str]
    objects = NotDuplicateQuerySet.as_manager()

    class Meta(PairModel.Meta):
        abstract = True

    @classmethod
    def say(cls, row: Any, other: int, *, by: Any) -> bool:
        """That the row and the one with the id `other` are two. False where that had been said already.

        Raises ValidationError, naming `other`, for the row itself.
        """
        if other == row.pk:
            raise ValidationError({"other": [gettext("Choose another %(row)s.") % {"row": row._meta.verbose_name}]})
        with row.atomic():
            row.lock()
            rows = cls.objects.using(row.database)
            return rows.get_or_create(**cls.ordered(row.pk, other), defaults={"created_by": by})[1]

    @classmethod
    def take_back(cls, row: Any, other: int) -> bool:
        """False where it had not been said."""
        with row.atomic():
            row.lock()
            return bool(cls.objects.using(row.database).filter(**cls.ordered(row.pk, other)).delete()[0])


class NotDuplicate(NotDuplicateModel):
    """Two leads that are not the same restaurant."""

    first = models.ForeignKey("lead.Restaurant", models.CASCADE, related_name="+", db_index=False)
    second = models.ForeignKey("lead.Restaurant", models.CASCADE, related_name="+")

    owner_paths = ("first__assigned_to", "second__assigned_to")

    class Meta(NotDuplicateModel.Meta):
        verbose_name = gettext_lazy("pair of different leads")
        verbose_name_plural = gettext_lazy("pairs of different leads")
