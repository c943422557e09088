"""What every table has: who made a row and when, when it last changed, and how a change is saved."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, Self

from django.conf import settings
from django.db import models, router, transaction

from crm import dates
from crm.fast.compiled import locked_rows
from crm.fast.writes import FastWrites
from crm.search import SearchField


class StampedQuerySet(models.QuerySet):
    def visible_to(self, user) -> Self:
        """The rows that the user may see: every active user sees everything."""
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


class Stamped(FastWrites, models.Model):
    """A row with its stamps. All instants are UTC.

    A verb, a method that changes the row, locks it first and reads it anew, in a transaction that it opens or joins.
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

    objects = StampedQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["id"]

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """As Django's; what is searched by is saved with the fields that it is made of."""
        if update_fields is not None:
            update_fields = kept_with(type(self), tuple(update_fields))
        super().save(*args, update_fields=update_fields, **kwargs)

    @property
    def database(self) -> str:
        """The alias of the database that the row is written to: where it was read, unless a router knows better."""
        return router.db_for_write(type(self), instance=self)

    def atomic(self) -> transaction.Atomic:
        """The transaction of a verb, on the row's database; one that is open there already is joined."""
        return transaction.atomic(using=self.database, savepoint=False)

    def lock(self) -> None:
        """Lock the row until the transaction ends, and read it anew. Raises DoesNotExist for a row that is gone."""
        self.refresh_from_db(from_queryset=locked_rows(type(self), self.database))

    def edit(self, *, by=None, **changes: Any) -> list[str]:
        """Set the given fields and save only those that differ, so that nobody's neighbouring change is undone.

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
            self.updated_at = dates.now()
            self.save(update_fields=[*changed, "updated_at"])
        return changed


@lru_cache(maxsize=1_000)
def attname_of(model: type[models.Model], name: str) -> str:
    return getattr(model._meta.get_field(name), "attname", name)


@lru_cache(maxsize=1_000)
def kept_with(model: type[models.Model], names: tuple[str, ...]) -> list[str]:
    """The fields with these names, and those that hold them too."""
    search = [field for field in model._meta.concrete_fields if isinstance(field, SearchField)]
    return [*names, *(field.name for field in search if not set(field.sources).isdisjoint(names))]


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
