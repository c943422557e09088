"""Restaurants, which are leads and accounts."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models, transaction

from crm import dates
from crm.db.batches import batched
from crm.db.models import ParentModel, TimestampedQuerySet
from crm.db.search import SearchField
from lead.models.external_id import ExternalId
from lead.models.history import OwnerChange
from lead.models.status import LeadStatus
from lead.signals import owner_changed

BATCH = 1_000  # rows that one statement writes
NAMED = 100  # ids in a message
OwnerMove = tuple[int, int | None, int | None]  # a lead, its old and its new owner
OWNER = {"assigned_to", "assigned_to_id"}  # the names of the owner's field


class RestaurantQuerySet(TimestampedQuerySet):
    def update(self, **changes: Any) -> int:
        """As Django's; another owner leaves its row in each history, also for bulk updates."""
        if not OWNER & changes.keys() or self.query.is_sliced:
            return super().update(**changes)
        return self._update_owners(changes)

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[Any], *args: Any, **options: Any) -> list[Any]:
        """As the base class's; rows whose owner it updates get their row in the history."""
        objs = list(objs)
        if OWNER.isdisjoint(options.get("update_fields") or ()):
            return super().bulk_create(objs, *args, **options)
        with self._recording_owners(Restaurant.objects.using(self.locked().db).filter(pk__in=[obj.pk for obj in objs])):
            return super().bulk_create(objs, *args, **options)

    def release(self, *, by=None, note: str = "") -> int:
        """Leave the leads unowned. Returns how many they are."""
        return self._update_owners({"assigned_to": None}, by=by, note=note)

    def _update_owners(self, changes: dict[str, Any], *, by=None, note: str = "") -> int:
        """Only rows that are locked are updated: another transaction may give further ones to the same owner."""
        rows = self.using(self.locked().db)
        with self._recording_owners(rows, by=by, note=note) as owners:
            if not owners:
                return TimestampedQuerySet.update(rows, **changes)
            batches = batched(owners, BATCH)
            return sum(TimestampedQuerySet.update(rows.filter(pk__in=batch), **changes) for batch in batches)

    @contextmanager
    def _recording_owners(self, rows: Any, *, by=None, note: str = "") -> Iterator[dict[int, int | None]]:
        """Lock the rows, and write the histories of those that have another owner at the end of the block."""
        database = rows.db
        if rows.query.distinct or rows.query.group_by:  # which PostgreSQL does not lock
            rows = Restaurant.objects.using(database).filter(pk__in=rows.order_by().values("pk"))
        with transaction.atomic(using=database, savepoint=False):
            owners = dict(rows.locked().order_by("pk").values_list("pk", "assigned_to"))
            yield owners
            everything = Restaurant.objects.using(database)
            moved: list[OwnerMove] = []
            for batch in batched(owners, BATCH):
                now = everything.filter(pk__in=batch).order_by("pk").values_list("pk", "assigned_to")
                moved += [(pk, owners[pk], owner) for pk, owner in now if owner != owners[pk]]
            everything._record_owner_changes(moved, by=by, note=note)

    def _record_owner_changes(self, changes: list[OwnerMove], *, by=None, note: str = "") -> None:
        """Write the histories of leads, each with its old and its new owner, and send `owner_changed`."""
        moment = dates.now()
        stamps = {"note": note, "created_by": by, "created_at": moment, "updated_at": moment}
        for batch in batched(changes, BATCH):
            OwnerChange.objects.using(self.db).bulk_create(
                OwnerChange(lead_id=pk, old_owner_id=old, new_owner_id=new, **stamps) for pk, old, new in batch
            )
        if changes:
            owner_changed.send(Restaurant, leads=[pk for pk, _, _ in changes], using=self.db)

    def hand_over(
        self, from_: int | None, to: int, *, leads: Iterable[int] | None = None, by=None, note: str = ""
    ) -> list[int]:
        """Give the leads of the user `from_` (None: the unowned ones) to the user `to`; all, or the named ones.

        Returns their ids. Raises ValidationError, which names `to` or `leads`, and then nothing has changed: `to` must
        be another, active user, and every named lead must exist and be `from_`'s, also once it is locked.
        """
        database = self.locked().db  # where routers have these rows written, unless `using` says
        if to == from_ or not get_user_model().objects.using(database).filter(pk=to, is_active=True).exists():
            raise ValidationError({"to": ["Choose another, active user."]})
        with transaction.atomic(using=database, savepoint=False):
            ids = self.using(database)._lock_leads_of(from_, leads)
            for batch in batched(ids, BATCH):
                TimestampedQuerySet.update(Restaurant.objects.using(database).filter(pk__in=batch), assigned_to=to)
            self.using(database)._record_owner_changes([(pk, from_, to) for pk in ids], by=by, note=note)
        return ids

    def _lock_leads_of(self, owner: int | None, named: Iterable[int] | None) -> list[int]:
        """The ids, in whose order the rows are locked. Raises ValidationError for named ones of other owners."""
        rows = self.locked().order_by("id")
        if named is None:
            return list(rows.filter(assigned_to=owner).values_list("pk", flat=True))
        wanted = sorted(set(named))
        owners: dict[int, int | None] = {}
        for batch in batched(wanted, BATCH):
            owners |= rows.filter(pk__in=batch).values_list("pk", "assigned_to")
        if foreign_ids := [pk for pk in wanted if pk not in owners or owners[pk] != owner]:
            whose = f"of user {owner}" if owner else "without an owner"
            listed = ", ".join(map(str, foreign_ids[:NAMED])) + (", …" if len(foreign_ids) > NAMED else "")
            raise ValidationError({"leads": [f"Not leads {whose}: {listed}."]})
        return wanted


class Restaurant(ParentModel):
    """A lead: a restaurant to win, and once won, an account. Phones are stored as typed."""

    name = models.CharField(max_length=254)
    address = models.TextField(max_length=20_000, blank=True)
    city = models.CharField(max_length=254, blank=True)
    state = models.CharField(max_length=254, blank=True)
    pincode = models.CharField(max_length=50, blank=True)
    contact_person = models.CharField(max_length=254, blank=True)
    phone = models.CharField(max_length=50, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    lead_status = models.CharField(max_length=20, choices=LeadStatus, default=LeadStatus.NEW)
    potential_revenue = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(Decimal(0))]
    )
    notes = models.TextField(max_length=20_000, blank=True)
    restaurant_type = models.CharField(max_length=254, blank=True)
    cuisine_type = models.CharField(max_length=254, blank=True)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    # Of the verb that saves, for the history: the user, a note, and the owner that the locked row had.
    _by, _note, _owner_before = None, "", None

    search = SearchField(sources=["name", "contact_person", "phone", "email", "city"], phones=["phone"])

    objects = RestaurantQuerySet.as_manager()

    class Meta(ParentModel.Meta):
        verbose_name = "lead"
        permissions = [
            ("hand_over_restaurant", "Can hand over leads"),
            ("import_restaurant", "Can import leads"),
            ("export_restaurant", "Can export leads"),
        ]
        indexes = [
            models.Index(fields=["assigned_to", "id"], name="lead_by_owner"),
            models.Index(fields=["lead_status", "id"], name="lead_by_status"),
            models.Index(fields=["city", "id"], name="lead_by_city"),
        ]
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="lead_has_name"),
            models.CheckConstraint(condition=models.Q(lead_status__in=LeadStatus.values), name="lead_status_known"),
            models.CheckConstraint(condition=models.Q(potential_revenue__gte=0), name="lead_revenue_not_negative"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, using: str | None = None, **options: Any):
        """As the base class's; another owner leaves its row in the history."""
        update_fields = None if update_fields is None else [*update_fields]
        writes_owner = update_fields is None or not OWNER.isdisjoint(update_fields)
        if self._state.adding or not writes_owner:
            return super().save(*args, update_fields=update_fields, using=using, **options)
        rows = Restaurant.objects.using(using or self.database)
        with transaction.atomic(using=rows.db, savepoint=False):
            old = self._owner_before or rows.filter(pk=self.pk).locked().values_list("assigned_to").first()
            super().save(*args, update_fields=update_fields, using=using, **options)
            if old and old[0] != self.assigned_to_id:
                change = (self.pk, old[0], self.assigned_to_id)
                rows._record_owner_changes([change], by=self._by, note=self._note)

    def edit(self, *, by=None, note: str = "", **changes: Any) -> list[str]:
        """As the base class's; another status or owner leaves its row in the history, with `by` and `note`."""
        with self.atomic():
            self.lock()
            old_status = self.lead_status
            self._by, self._note, self._owner_before = by, note, (self.assigned_to_id,)
            try:
                changed = self.save_changes(**changes)
            finally:
                del self._by, self._note, self._owner_before
            if "lead_status" in changed:
                row = {"note": note, "created_by": by, "created_at": self.updated_at, "updated_at": self.updated_at}
                self.status_changes.create(old_status=old_status, new_status=self.lead_status, **row)
        return changed

    def change_status(self, status: str, *, by=None, note: str = "") -> bool:
        """Move the lead in the pipeline and write the history, in which racing changes leave no gap.

        False where it had the status already.
        """
        return bool(self.edit(lead_status=status, by=by, note=note))

    def add_external_id(self, source: str, value: str, *, by=None) -> bool:
        """Give the lead the id that it has in another system. False where it has it already.

        Raises ValidationError, which names `value`, where another lead has that id.
        """
        with self.atomic():
            self.lock()
            existing = ExternalId.objects.using(self.database).filter(source=source, value=value).first()
            if existing and existing.lead_id != self.pk:
                raise ValidationError({"value": ["Another lead has this external id."]})
            if existing is None:
                self.external_ids.create(source=source, value=value, created_by=by)
            return existing is None
