"""The base model: author and timestamps of a row, and how a change is saved."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Self

from django.conf import settings
from django.db import models, router, transaction

from crm import dates
from crm.db.batches import batched
from crm.db.derived import BATCH, attname_of, derive_again, derived_from, prepare
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
        """As Django's; `updated_at` moves too, unless it is given, and derived columns follow.

        The deletion of a referenced row updates by this.
        """
        if not changes:
            return super().update()
        changes = {"updated_at": dates.now(), **changes}
        names = [field.name for field in derived_from(self.model, tuple(changes))]
        if not names or self.query.is_sliced:
            return super().update(**changes)
        database = self.locked().db
        rows: models.QuerySet = self.using(database)
        if rows.query.distinct or rows.query.group_by:  # which PostgreSQL does not lock
            rows = self.model._base_manager.using(database).filter(pk__in=rows.order_by().values("pk"))
        with transaction.atomic(using=database, savepoint=False):
            keys = list(rows.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk", flat=True))
            count = super().update(**changes)
            for batch in batched(keys, BATCH):
                derive_again(models.QuerySet(self.model, using=database).filter(pk__in=batch), names)
        return count

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[Any], *args: Any, **options: Any) -> list[Any]:
        """As Django's; rows that it updates (`update_conflicts`) get a new `updated_at` and derived columns."""
        objs = list(objs)
        prepare(objs, self.locked().db)
        if options.get("update_fields"):
            options["update_fields"] = with_dependent_fields(self.model, tuple(options["update_fields"]))
            for obj in objs:
                obj.updated_at = dates.now()
        return super().bulk_create(objs, *args, **options)


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
        """As Django's; `updated_at` and derived columns are saved with the fields that they depend on."""
        if update_fields is not None:
            update_fields = with_dependent_fields(type(self), tuple(update_fields))
        prepare([self], kwargs.get("using") or self.database, update_fields)
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

    def lock_with_keys(self) -> None:
        """As `lock`, and no row that refers to this one can be added until the transaction ends."""
        self.refresh_from_db(from_queryset=type(self).objects.using(self.database).locked_with_keys())

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """As Django's, under a lock that keeps rows that refer to this one from being added meanwhile."""
        using = using or self.database
        with transaction.atomic(using=using, savepoint=False):
            type(self).objects.using(using).locked_with_keys().filter(pk=self.pk).values_list("pk").first()
            return super().delete(using, keep_parents)


@lru_cache(maxsize=1_000)
def with_dependent_fields(model: type[models.Model], names: tuple[str, ...]) -> list[str]:
    """The fields with these names, the derived columns that contain them, and `updated_at`; for no names, none."""
    derived = [field.name for field in derived_from(model, names)]
    return [*dict.fromkeys([*names, *derived, "updated_at"])] if names else []
