"""What every table has: who made a row and when, when it last changed, and how a change is saved."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, Self

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.transaction import TransactionManagementError

from crm import dates
from crm.prepared import PreparedWrites
from crm.search import SearchField


class StampedQuerySet(models.QuerySet):
    def visible_to(self, user: int) -> Self:
        """The rows that the user with this id may see: every active user sees everything."""
        return self

    def locked(self) -> Self:
        """The rows, locked until the transaction ends, so that what is read now still holds when it is written.

        Rows that refer to them may be added meanwhile: their keys are checked at the commit, where waiting for us
        could mean waiting for each other.
        """
        return self.select_for_update(of=("self",), no_key=True)

    def locked_with_keys(self) -> Self:
        """As `locked`, and no row that refers to them can be added: they are about to be deleted."""
        return self.select_for_update(of=("self",))

    def for_writing(self) -> models.QuerySet:
        """The rows, once they are locked, as tuples for `Stamped.from_locked_row`."""
        return self.values_list(*attnames(self.model))


@cache
def attnames(model: type[models.Model]) -> list[str]:
    """The model's columns, by the names of their attributes."""
    return [field.attname for field in model._meta.concrete_fields]


@cache
def attname_of(model: type[models.Model], name: str) -> str:
    return getattr(model._meta.get_field(name), "attname", name)


@lru_cache(maxsize=1_000)
def kept_with(model: type[models.Model], changed: tuple[str, ...]) -> list[str]:
    """The columns that are written where these are: with them those that hold them too, and the stamp."""
    search = [field for field in model._meta.concrete_fields if isinstance(field, SearchField)]
    return [*changed, *(field.name for field in search if not set(field.sources).isdisjoint(changed)), "updated_at"]


def transaction_block() -> tuple | None:
    """What stands for the open transaction and the locks that it has; None where none is open.

    A savepoint that is undone gives back the locks since; all count as given back. (SQLite has the one lock.)
    """
    database = connections[DEFAULT_DB_ALIAS]
    blocks = database.atomic_blocks
    return (blocks[0], getattr(database, "savepoints_undone", 0)) if blocks else None


class Stamped(PreparedWrites):
    """A row with its stamps. All instants are UTC."""

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

    objects = StampedQuerySet.as_manager()

    class Meta(PreparedWrites.Meta):
        abstract = True
        ordering = ["id"]

    @classmethod
    def from_locked_row(cls, row: Sequence) -> Self:
        """The instance of a row that `for_writing()` has just read, under its lock."""
        instance = cls.from_db(DEFAULT_DB_ALIAS, attnames(cls), row)
        instance.note_lock()
        return instance

    def lock(self) -> None:
        """Lock the row until the transaction ends and read it anew, unless this transaction has done so already.

        Raises DoesNotExist for a row that is gone.
        """
        if not self.is_locked:
            fresh = type(self).objects.locked().get(pk=self.pk)
            self.__dict__.clear()
            self.__dict__.update(fresh.__dict__)
            self.note_lock()

    @property
    def is_locked(self) -> bool:  # type: ignore[override]
        """Whether the row was read under a lock in the transaction that is open."""
        locked_in = vars(self).get("_locked_in")
        return locked_in is not None and locked_in == transaction_block()

    def note_lock(self) -> None:
        """The row was read by `locked()` in the transaction that is open. Raises where none is."""
        block = transaction_block()
        if block is None:
            raise TransactionManagementError("A lock needs a transaction to hold it.")
        self._locked_in = block

    def edit(self, *, by=None, **changes: Any) -> list[str]:
        """Set the given fields and save only those that differ, so that nobody's neighbouring change is undone.

        `by` is the user who does it, for tables that keep a history. Returns the names of the saved fields.
        """
        changes = {
            attname_of(type(self), name): value.pk if isinstance(value, models.Model) else value
            for name, value in changes.items()
        }
        changed = [name for name, value in changes.items() if getattr(self, name) != value]
        for name in changed:
            setattr(self, name, changes[name])
        if changed:
            self.updated_at = dates.now()
            self.update_columns(kept_with(type(self), tuple(changed)))
        return changed


class EndedToken(models.Model):
    """A session (its `sid`) or a single refresh token (its `jti`) that is taken back until it would have expired."""

    name = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.name

    @classmethod
    def end(cls, name: str, expires_at: datetime) -> bool:
        """Take it back. False where it was already: of racing callers one gets True."""
        return cls.objects.get_or_create(name=name, defaults={"expires_at": expires_at})[1]


class SignInAttempts(models.Model):
    """The moments of the latest attempts to sign in that count against a limit; see crm.signin."""

    who = models.CharField(max_length=64, unique=True, help_text="digest of what the limit counts by")
    times = models.JSONField(default=list, help_text="seconds since 1970")
    updated_at = models.DateTimeField(default=dates.now, db_index=True)

    class Meta:
        verbose_name_plural = "sign-in attempts"

    def __str__(self) -> str:
        return self.who


class IdempotencyKey(models.Model):
    """An answered POST, kept so that a retry gets the same answer; see crm.idempotency."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    request = models.CharField(max_length=64, help_text="digest of method, path and body")
    status = models.PositiveSmallIntegerField(null=True)
    content = models.BinaryField(default=bytes)
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=dates.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once_per_user")]

    def __str__(self) -> str:
        return self.key
