"""The base model: author and timestamps of a row, and how a change is saved."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Self

from django.conf import settings
from django.db import models, router, transaction

from crm import dates
from crm.db.folding import DerivedField, fold_key, folded_fields
from crm.fast.compiled import locked_rows


class TimestampedQuerySet(models.QuerySet):
    def visible_to(self, user) -> Self:
        """The rows that the user may see: every active user sees everything."""
        return self

    def locked(self) -> Self:
        """The rows, locked until the transaction ends, so that what is read now still holds when it is written.

        NO KEY: rows that refer to these can still be added; otherwise two transactions could deadlock.
        """
        return self.select_for_update(of=("self",), no_key=True)

    def locked_with_keys(self) -> Self:
        """As `locked`, and no row that refers to them can be added: they are about to be deleted."""
        return self.select_for_update(of=("self",))

    def update(self, **changes: Any) -> int:
        """As Django's; `updated_at` moves too, unless it is given. The deletion of a referenced row updates by this."""
        for name, folded in folded_fields(self.model).items():
            if isinstance(changes.get(name), str):
                changes[folded] = fold_key(changes[name])
        return super().update(**{"updated_at": dates.now(), **changes}) if changes else super().update()

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[Any], *args: Any, **options: Any) -> list[Any]:
        """As Django's; rows that it updates (`update_conflicts`) get a new `updated_at` and new derived columns."""
        objs = list(objs)
        if options.get("update_fields"):
            options["update_fields"] = with_dependent_fields(self.model, tuple(options["update_fields"]))
            for obj in objs:
                obj.updated_at = dates.now()
        return super().bulk_create(objs, *args, **options)

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None) -> int:
        """As Django's; the derived columns of the fields are computed and updated with them."""
        objs, fields = list(objs), list(fields)
        derived = [field for field in derived_fields(self.model, tuple(fields)) if field.name not in fields]
        for obj in objs:
            for field in derived:
                field.pre_save(obj, add=False)
        return super().bulk_update(objs, [*fields, *(field.name for field in derived)], batch_size)

    bulk_update.alters_data = True  # type: ignore[attr-defined]


class TimestampedModel(models.Model):
    """Base model with author and timestamps. All instants are UTC.

    `updated_at` moves with every change of the row: by `save`, `update`, bulk writes, and where the deletion of another
    row sets a reference to null (through `base_manager_name`). A verb, a method that changes the row, locks it first
    and reads it again, in a transaction that it opens or joins.
    """

    created_at = models.DateTimeField(default=dates.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        db_index=False,
    )
    updated_at = models.DateTimeField(default=dates.now, editable=False, db_index=True)

    objects = TimestampedQuerySet.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "objects"
        ordering = ["id"]

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """As Django's; `updated_at` and the derived columns are saved with the fields that they depend on."""
        if update_fields is not None:
            update_fields = with_dependent_fields(type(self), tuple(update_fields))
        if not self._state.adding and update_fields != []:
            self.updated_at = dates.now()
        super().save(*args, update_fields=update_fields, **kwargs)

    @property
    def database(self) -> str:
        """The alias of the database that the row is written to: where it was read, unless a router knows better."""
        return router.db_for_write(type(self), instance=self)

    def atomic(self) -> transaction.Atomic:
        """The transaction of a verb, on the row's database; one that is open there already is joined."""
        return transaction.atomic(using=self.database, savepoint=False)

    def lock(self) -> None:
        """Lock the row until the transaction ends, and read it again. Raises DoesNotExist for a row that is gone."""
        self.refresh_from_db(from_queryset=locked_rows(type(self), self.database))

    def edit(self, *, by=None, **changes: Any) -> list[str]:
        """Set the given fields and save only those that differ: a concurrent change of another field is not undone.

        `by` is the user who does it, for tables that keep a history. Returns the names of the saved fields' attributes.
        Raises DoesNotExist for a row that is gone.
        """
        with self.atomic():
            self.lock()
            return self.save_changes(**changes)

    def save_changes(self, **changes: Any) -> list[str]:
        """As `edit`, of a row that the verb has locked."""
        changes = {
            attname_of(type(self), name): value.pk if isinstance(value, models.Model) else value
            for name, value in changes.items()
        }
        changed = [name for name, value in changes.items() if getattr(self, name) != value]
        for name in changed:
            setattr(self, name, changes[name])
        if changed:
            self.save(update_fields=changed)
        return changed


class ParentModel(TimestampedModel):
    """A row that is deleted with the rows that refer to it, or taken out of them."""

    class Meta(TimestampedModel.Meta):
        abstract = True

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """As Django's, under a lock that keeps rows that refer to this one from being added meanwhile."""
        using = using or self.database
        with transaction.atomic(using=using, savepoint=False):
            type(self).objects.using(using).locked_with_keys().filter(pk=self.pk).values_list("pk").first()
            return super().delete(using, keep_parents)


@lru_cache(maxsize=1_000)
def attname_of(model: type[models.Model], name: str) -> str:
    return getattr(model._meta.get_field(name), "attname", name)


@lru_cache(maxsize=1_000)
def derived_fields(model: type[models.Model], names: tuple[str, ...]) -> list[DerivedField]:
    """The fields that are computed from fields with these names."""
    derived = [field for field in model._meta.concrete_fields if isinstance(field, DerivedField)]
    return [field for field in derived if not set(field.sources).isdisjoint(names)]


@lru_cache(maxsize=1_000)
def with_dependent_fields(model: type[models.Model], names: tuple[str, ...]) -> list[str]:
    """The fields with these names, the columns that are derived from them, and `updated_at`; for no names, none."""
    derived = [field.name for field in derived_fields(model, names)]
    return [*dict.fromkeys([*names, *derived, "updated_at"])] if names else []
