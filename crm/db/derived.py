"""Columns that follow from other columns of their row: computed by `pre_save`, and again by every way of writing."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from django.db import models, transaction

BATCH = 1_000  # rows in memory, and locked at a time


class DerivedField(models.Field):
    """Base of a column that is computed whenever one of its `sources`, names of fields, is written."""

    sources: list[str]

    @property
    def reads(self) -> list[str]:
        """The names of all fields that `derive` and `prepare` look at."""
        return self.sources

    def derive(self, instance: models.Model) -> str:
        """What the column holds for the row."""
        raise NotImplementedError

    def prepare(self, instances: Iterable[models.Model], using: str) -> None:
        """Called before `derive` with all rows that one statement writes: to look up for them what it needs."""

    def pre_save(self, instance: models.Model, add: bool) -> str:
        value = self.derive(instance)
        setattr(instance, self.attname, value)
        return value


@lru_cache(maxsize=1_000)
def attname_of(model: Any, name: str) -> str:
    return getattr(model._meta.get_field(name), "attname", name)


@lru_cache(maxsize=1_000)
def derived_fields(model: Any) -> list[DerivedField]:
    return [field for field in model._meta.concrete_fields if isinstance(field, DerivedField)]


@lru_cache(maxsize=1_000)
def derived_from(model: Any, names: tuple[str, ...]) -> list[DerivedField]:
    """The derived columns that contain one of these fields, by name or attribute name."""
    written = set(names)
    return [
        field
        for field in derived_fields(model)
        if any({name, attname_of(model, name)} & written for name in field.sources)
    ]


def prepare(instances: list[Any], using: str, names: Iterable[str] | None = None) -> None:
    """Before rows of one model are written: see `DerivedField.prepare`. Without `names`, all fields are written."""
    model: Any = type(instances[0]) if instances else None
    for field in derived_fields(model) if instances else []:
        if names is None or field.name in names:
            field.prepare(instances, using)


def derive(instance: models.Model, using: str) -> None:
    """Set the derived columns of a row that is not written, as writing it to the database `using` would."""
    prepare([instance], using)
    for field in derived_fields(type(instance)):
        field.pre_save(instance, add=True)


def derive_again(
    rows: models.QuerySet, names: Iterable[str], advance: Callable[[int], None] = lambda count: None
) -> int:
    """Compute these columns of the rows again, where they differ; `updated_at` stays. Returns how many rows differed.

    Batches are locked and written in transactions of their own, unless one is open. `advance` is called after each
    batch with the number of its rows.
    """
    names = list(names)
    fields: list[Any] = [rows.model._meta.get_field(name) for name in names]
    loaded = {"pk", *names, *(name for field in fields for name in field.reads)}
    locked = rows.select_for_update(of=("self",), no_key=True).order_by("pk").only(*loaded)
    using, last, count = locked.db, None, 0
    while True:
        with transaction.atomic(using=using, savepoint=False):
            batch = list((locked if last is None else locked.filter(pk__gt=last))[:BATCH])
            if not batch:
                return count
            prepare(batch, using, names)
            changed = [row for row in batch if sum([differs(row, field) for field in fields])]
            models.QuerySet(rows.model, using=using).bulk_update(changed, names)
        last, count = batch[-1].pk, count + len(changed)
        advance(len(batch))


def differs(row: models.Model, field: DerivedField) -> bool:
    """Set the row's column. False where it had this value."""
    before = getattr(row, field.attname)
    return field.pre_save(row, add=False) != before
