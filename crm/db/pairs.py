"""Pairs of rows of one table: each once, the row with the smaller id first."""

from typing import Any, ClassVar

from django.db import models

from crm.db.models import TimestampedModel


class PairModel(TimestampedModel):
    """What is true of two rows, whichever is named first. A subclass has the foreign keys `first` and `second`.

    When one of the two is merged into a third row, that row takes its place (crm.db.merging).
    """

    first: Any
    second: Any
    first_id: int
    second_id: int

    class Meta(TimestampedModel.Meta):
        abstract = True
        constraints: ClassVar[list] = [
            models.UniqueConstraint(fields=["first", "second"], name="%(class)s_unique"),
            models.CheckConstraint(condition=models.Q(first__lt=models.F("second")), name="%(class)s_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.first} ≠ {self.second}"

    @classmethod
    def of(cls, pk: int, using: str) -> Any:
        """The pairs of the row with the id `pk`."""
        return cls._base_manager.using(using).filter(models.Q(first=pk) | models.Q(second=pk))

    @staticmethod
    def ordered(one: int, other: int) -> dict[str, int]:
        """The columns of the pair with these ids."""
        return {"first_id": min(one, other), "second_id": max(one, other)}

    def other_than(self, pk: int) -> int:
        return self.second_id if self.first_id == pk else self.first_id
