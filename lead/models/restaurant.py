"""Restaurants, which are leads and accounts."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models, transaction
from django.utils.translation import gettext, gettext_lazy

from crm import dates
from crm.db.batches import batched
from crm.db.folding import ByteOrderedCharField, FoldedField
from crm.db.merging import Journal
from crm.db.models import ParentModel, TimestampedQuerySet
from crm.db.phones import E164Field, PhoneTailField
from crm.db.search import SearchField
from lead.models import stale
from lead.models.access import OfLeadQuerySet
from lead.models.external_id import ExternalId
from lead.models.history import OwnerChange
from lead.models.merge import merge_leads, unmerge_leads
from lead.models.not_duplicate import NameKeyField, NotDuplicate
from lead.models.status import LeadStatus
from lead.signals import owner_changed

BATCH = 1_000  # rows that one statement writes
NAMED = 100  # ids in a message
OwnerMove = tuple[int, int | None, int | None]  # a lead, its old and its new owner
CHOOSE_ANOTHER = gettext_lazy("Choose another, active user.")
OWNER = {"assigned_to", "assigned_to_id"}  # the names of the owner's field
EXTERNAL_ID_TAKEN = gettext_lazy("Choose another value: this external id is taken.")  # by whom may be hidden
REASON_OF_LOST = gettext_lazy("Only a lead that is LOST has a reason.")


class RestaurantQuerySet(OfLeadQuerySet):
    def stale_at(self, moment: datetime, zone: ZoneInfo, is_stale: bool = True) -> Self:
        """The leads that are stale at `moment`, on the local day in `zone`; or those that are not."""
        today = dates.start_of_day(dates.day_of(moment, zone), zone)
        condition = stale.is_stale(today)
        return self.alias(quiet_since=stale.quiet_since(moment)).filter(condition if is_stale else ~condition)

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

    def unattended(self) -> Self:
        """The leads that nobody owns, or an inactive user. Both kinds are found by the owner's index."""
        rows = Restaurant.objects.using(self.db).order_by()
        unowned, orphaned = rows.filter(assigned_to=None), rows.filter(assigned_to__is_active=False)
        return self.filter(pk__in=unowned.values("pk").union(orphaned.values("pk"), all=True))

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
            owners = {owner for _, *both in changes for owner in both}
            owner_changed.send(Restaurant, leads=[pk for pk, _, _ in changes], owners=owners, using=self.db)

    def hand_over(
        self, from_: int | None, to: int | None, *, leads: Iterable[int] | None = None, by=None, note: str = ""
    ) -> list[int]:
        """Give the leads of the user `from_` (None: the unowned ones) to the user `to` (None: to nobody); all, or the
        named ones.

        Returns their ids. Raises ValidationError, which names `to` or `leads`, and then nothing has changed: `to` must
        be another, active user or nobody, and every named lead must exist and be `from_`'s, also once it is locked.
        """
        database = self.locked().db  # where routers have these rows written, unless `using` says
        users = get_user_model().objects.using(database)
        if to == from_ or (to is not None and not users.filter(pk=to, is_active=True).exists()):
            raise ValidationError({"to": [CHOOSE_ANOTHER]})
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
            listed = ", ".join(map(str, foreign_ids[:NAMED])) + (", …" if len(foreign_ids) > NAMED else "")
            text = (
                gettext("Not leads of user %(user)s: %(leads)s.")
                if owner
                else gettext("Not leads without an owner: %(leads)s.")
            )
            raise ValidationError({"leads": [text % {"user": owner, "leads": listed}]})
        return wanted


class Restaurant(ParentModel):
    """A lead: a restaurant to win, and once won, an account. Phones are stored as typed."""

    name = ByteOrderedCharField(max_length=254)
    address = models.TextField(max_length=20_000, blank=True)
    city = ByteOrderedCharField(max_length=254, blank=True)
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

    owner_path = "assigned_to"

    # Of the verb that saves, for the history: the user, a note, and the owner that the locked row had.
    _by, _note, _owner_before = None, "", None

    search = SearchField(sources=["name", "contact_person", "phone", "email", "city"], phones=["phone"])
    name_fold = FoldedField("name")
    city_fold = FoldedField("city")
    state_fold = FoldedField("state")
    restaurant_type_fold = FoldedField("restaurant_type")
    cuisine_type_fold = FoldedField("cuisine_type")
    email_fold = FoldedField("email")
    name_key = NameKeyField(sources=["name", "city"])

    phone_e164 = E164Field(source="phone", owner="assigned_to")
    phone_tail = PhoneTailField(source="phone")

    objects = RestaurantQuerySet.as_manager()

    class Meta(ParentModel.Meta):
        verbose_name = gettext_lazy("lead")
        permissions = [
            ("view_all", "Can see all leads"),
            ("hand_over_restaurant", "Can hand over leads"),
            ("import_restaurant", "Can import leads"),
            ("export_restaurant", "Can export leads"),
        ]
        indexes = [
            models.Index(fields=["assigned_to", "id"], name="lead_by_owner"),
            models.Index(fields=["lead_status", "id"], name="lead_by_status"),
            models.Index(fields=["city_fold", "id"], name="lead_by_city"),
            models.Index(fields=["name_fold", "name", "id"], name="lead_in_order_of_name"),
            models.Index(fields=["city_fold", "city", "id"], name="lead_in_order_of_city"),
            models.Index(fields=["phone_e164", "id"], name="lead_by_e164"),
            models.Index(fields=["phone_tail", "id"], name="lead_by_phone_tail"),
            models.Index(fields=["email_fold", "id"], name="lead_by_email"),
            models.Index(fields=["name_key", "city_fold", "id"], name="lead_by_name_key"),
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

    def edit(self, *, by=None, note: str = "", reason: str = "", **changes: Any) -> list[str]:
        """As the base class's; another status or owner leaves its row in the history, with `by` and `note`.

        `reason` is that of a change of status.
        """
        with self.atomic():
            self.lock()
            old_status = self.lead_status
            self._by, self._note, self._owner_before = by, note, (self.assigned_to_id,)
            try:
                changed = self.save_changes(**changes)
            finally:
                del self._by, self._note, self._owner_before
            if "lead_status" in changed:
                stamps = {"created_by": by, "created_at": self.updated_at, "updated_at": self.updated_at}
                row = {"old_status": old_status, "new_status": self.lead_status, "note": note, "reason": reason}
                self.status_changes.create(**row, **stamps)
        return changed

    def change_status(self, status: str, *, by=None, note: str = "", reason: str = "") -> bool:
        """Move the lead in the pipeline and write the history, in which racing changes leave no gap.

        False where it had the status already. Raises ValidationError for a `reason`, a LostReason, with another status
        than LOST.
        """
        if reason and status != LeadStatus.LOST:
            raise ValidationError({"reason": [REASON_OF_LOST]})
        return bool(self.edit(lead_status=status, by=by, note=note, reason=reason))

    def merge(self, other: int, *, take: dict[str, str] | None = None, by=None) -> Journal:
        """Make the lead with the id `other` part of this one: fields, all that refers to it, and its address.

        `take` says by field whose value stays: `ours`, `other`, or `both` for long texts; left out, ours unless empty.
        Returns what was done. Raises ValidationError, naming `other`, for this lead itself and one that is gone.
        """
        with self.atomic():
            return merge_leads(self, other, take or {}, by)

    def unmerge(self, other: int) -> None:
        """Take a lead that was merged into this one out again, as it was; what has happened since stays here.

        Raises ValidationError, naming `other`, where it was not merged into this one or cannot be restored.
        """
        with self.atomic():
            unmerge_leads(self, other)

    def say_not_duplicate(self, other: int, *, by=None) -> bool:
        """Remember that the lead with the id `other` is another restaurant. False where that is known already."""
        return NotDuplicate.say(self, other, by=by)

    def take_back_not_duplicate(self, other: int) -> bool:
        """Forget it again. False where nobody had said so."""
        return NotDuplicate.take_back(self, other)

    def add_external_id(self, source: str, value: str, *, by=None) -> bool:
        """Give the lead the id that it has in another system. False where it has it already.

        Raises ValidationError, which names `value`, where that id is taken.
        """
        with self.atomic():
            self.lock()
            existing = ExternalId.objects.using(self.database).filter(source=source, value=value).first()
            if existing and existing.lead_id != self.pk:
                raise ValidationError({"value": [EXTERNAL_ID_TAKEN]})
            if existing is None:
                self.external_ids.create(source=source, value=value, created_by=by)
            return existing is None
