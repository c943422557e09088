"""What happened with an account: interactions, and the orders that were placed in them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, router, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Coalesce
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contact.models import Contact
from crm import dates
from crm.db.external_ids import ExternalIdModel
from crm.db.merging import survivor_of
from crm.db.models import TimestampedModel, TimestampedQuerySet
from crm.db.search import SearchField
from crm.fast.compiled import CompiledQuery
from crm.formats import day_inside
from lead.models import OfLeadQuerySet, Restaurant
from track.signals import touch_changed
from track.touches import Touch, attempts, touch_of

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
DATE_BOUNDS = [MinValueValidator(EARLIEST), MaxValueValidator(LATEST)]
MAX_QUANTITY = 2**31 - 1
DETAILS_EXIST = _("This interaction has order details. Delete them first: DELETE …/order_details/.")


class InteractionType(models.TextChoices):
    CALL = "CALL", _("Call")
    EMAIL = "EMAIL", _("Email")
    VISIT = "VISIT", _("Visit")
    MEETING = "MEETING", _("Meeting")
    MESSAGE = "MESSAGE", _("Message")
    ORDER = "ORDER", _("Order")
    OTHER = "OTHER", _("Other")


@partial(CompiledQuery, placeholders={"lead": 2**62})
def existing_lead(lead):
    return Restaurant.objects.filter(pk=lead).order_by().values_list("pk")


@partial(CompiledQuery, placeholders={"lead": 2**62, "contact": 2**61})
def contact_of_lead(lead, contact):
    return Contact.objects.filter(pk=contact, restaurant=lead).order_by().values_list("pk")


def check_parties(lead: int, contact: int | None, using: str | None = None) -> None:
    """Raises ValidationError where there is no such lead, or the contact does not belong to it."""
    if contact_of_lead(lead=lead, contact=contact, using=using) if contact else existing_lead(lead=lead, using=using):
        return
    for name, model, pk in (("lead", Restaurant, lead), ("contact", Contact, contact)):
        if pk and not model.objects.using(using).filter(pk=pk).exists():
            survivor = survivor_of(model.objects.using(using), pk)
            where = f": it was merged into {survivor}" if survivor else ""
            raise ValidationError({name: f'Invalid pk "{pk}" - object does not exist{where}.'})
    text = gettext("Contact %(contact)s does not belong to lead %(lead)s.")
    raise ValidationError({"contact": text % {"contact": contact, "lead": lead}})


class InteractionQuerySet(OfLeadQuerySet):
    def touches(self) -> Self:
        """The interactions that are contact with the account, without attempts that reached no one."""
        reached_no_one = [~models.Q(is_attempt()) for is_attempt in attempts]
        return self.filter(*reached_no_one, interaction_type__in=settings.TOUCH_TYPES)

    def with_orders(self) -> Self:
        """The interactions in which an order was placed."""
        return self.filter(order_placed=True)

    def dated_orders(self) -> Self:
        """As `with_orders`, each with `ordered_at`: the date of its order details, else that of the interaction."""
        return self.with_orders().annotate(ordered_at=Coalesce("order__order_date", "date"))

    def ordered_between(self, start: datetime | None = None, end: datetime | None = None) -> Self:
        """The dated orders in [start, end), each bound optional. Both kinds of order are found by their index."""
        bounds = {"gte": start, "lt": end}
        dated = {f"order_date__{name}": bound for name, bound in bounds.items() if bound}
        undated = {f"date__{name}": bound for name, bound in bounds.items() if bound}
        with_details = OrderDetails.objects.using(self.db).filter(**dated).order_by().values("interaction")
        without = Interaction.objects.using(self.db).with_orders().filter(order=None, **undated).order_by().values("pk")
        return self.dated_orders().filter(pk__in=with_details.union(without, all=True))


class Interaction(TimestampedModel):
    """A call, visit, message or order of a lead, with the person it was with, at `date` (an instant, UTC)."""

    lead = models.ForeignKey(Restaurant, models.CASCADE, related_name="interactions", db_index=False)
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="interactions", db_index=False
    )
    interaction_type = models.CharField(max_length=20, choices=InteractionType)
    details = models.TextField(max_length=20_000, blank=True)
    order_placed = models.BooleanField(default=False)
    date = models.DateTimeField(default=dates.now, validators=DATE_BOUNDS)

    search = SearchField(sources=["details"], db_default="")

    owner_path = "lead__assigned_to"
    objects = InteractionQuerySet.as_manager()

    class Meta(TimestampedModel.Meta):
        permissions = [("import_interaction", "Can import interactions and orders")]
        indexes = [
            models.Index(fields=["lead", "id"], name="interaction_by_lead"),
            models.Index(fields=["lead", "date", "id"], name="interaction_by_lead_and_date"),
            models.Index(fields=["lead", "order_placed", "date", "id"], name="interaction_by_lead_and_kind"),
            models.Index(fields=["contact", "id"], name="interaction_by_contact"),
            models.Index(fields=["date", "id"], name="interaction_by_date"),
            models.Index(
                fields=["lead", "id"],
                condition=models.Q(order_placed=True),
                name="interaction_orders_by_lead",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(interaction_type__in=InteractionType.values), name="interaction_type_known"
            ),
            models.CheckConstraint(
                condition=models.Q(date__gte=EARLIEST, date__lte=LATEST), name="interaction_date_in_bounds"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_interaction_type_display().upper()} {day_inside(dates.day_shown(self.date))}"

    @classmethod
    def log(
        cls, *, order: dict[str, Any] | None = None, is_touch: bool = True, using: str | None = None, **fields: Any
    ) -> Self:
        """Record what happened, with the details of its `order` if one was placed (the keys of `write_order`).

        Sends `touch_changed` for a touch, unless `is_touch` says that the caller updates what depends on it.
        Raises ValidationError, and records nothing, where there is no such lead or the contact does not belong to it.
        """
        fields.setdefault("order_placed", fields["interaction_type"] == InteractionType.ORDER)
        if order:
            fields["order_placed"] = True
        interaction: Any = cls(**fields)
        touch = touch_of(interaction) if is_touch else None
        using = using or router.db_for_write(cls)
        with transaction.atomic(using=using, savepoint=False):
            check_parties(interaction.lead_id, interaction.contact_id, using)
            interaction.save(using=using, force_insert=True)
            if order:
                interaction._create_order(created_by_id=interaction.created_by_id, **order)
            if touch:
                interaction._send_touch_changed(None, touch, interaction.created_by)
        return interaction

    def edit(self, *, by=None, order: dict[str, Any] | None = None, **changes: Any) -> list[str]:
        """As `TimestampedModel.edit`; an `order` is written with it. An order date that was left out moves with `date`.

        Raises ValidationError where `order_placed` is to be false although there are order details.
        """
        with self.atomic():
            self.lock()
            before = touch_of(self)
            if order:
                changes["order_placed"] = True
            elif changes.get("order_placed") is False and self.order_placed and self.has_order_details():
                raise ValidationError({"order_placed": DETAILS_EXIST})
            changed = self.save_changes(**changes)
            if order:
                self._replace_order(by=by, **order)
            elif "date" in changed and self.order_placed:
                self._move_order()
            if (after := touch_of(self)) != before:
                self._send_touch_changed(before, after, by)
        return changed

    def delete(self, using: str | None = None, keep_parents: bool = False, *, by=None) -> tuple[int, dict[str, int]]:
        using = using or self.database
        with transaction.atomic(using=using, savepoint=False):
            if before := touch_of(self):
                self._send_touch_changed(before, None, by)
            return super().delete(using, keep_parents)

    def _send_touch_changed(self, before: Touch | None, after: Touch | None, by: Any) -> None:
        touch_changed.send(Interaction, interaction=self, before=before, after=after, by=by)

    @property
    def _order(self) -> "TimestampedQuerySet[OrderDetails]":
        """The order's details: one row or none."""
        return OrderDetails.objects.using(self.database).filter(interaction=self)

    def has_order_details(self) -> bool:
        return self._order.exists()

    def write_order(
        self,
        *,
        product_details: str,
        quantity: int,
        total_price: Decimal,
        order_date: datetime | None = None,
        by=None,
    ) -> bool:
        """Create or replace the order's details and mark the interaction. True where they were created.

        `order_date` left out is the interaction's date.
        """
        with self.atomic():
            self.lock()
            self.save_changes(order_placed=True)
            return self._replace_order(
                product_details=product_details,
                quantity=quantity,
                total_price=total_price,
                order_date=order_date,
                by=by,
            )

    def _replace_order(self, *, by=None, **details: Any) -> bool:
        """The interaction's row must be locked: it guards the one order that there may be."""
        existing = self._order.locked().first()
        if existing is None:
            self._create_order(created_by=by, **details)
        else:
            existing.save_changes(**self._dated(**details))
        return existing is None

    def _create_order(self, **details: Any) -> None:
        self._order.create(interaction=self, **self._dated(**details))

    def _dated(self, *, order_date: datetime | None = None, **details: Any) -> dict[str, Any]:
        """With the date of the order: its own, or the interaction's, which it follows then."""
        return {**details, "order_date": order_date or self.date, "follows_interaction_date": order_date is None}

    def _move_order(self) -> None:
        for order in self._order.locked().filter(follows_interaction_date=True):
            order.save_changes(order_date=self.date)


class OrderDetails(TimestampedModel):
    """What was ordered in an interaction; at most one per interaction, whose `order_placed` is true.

    `order_date` is an instant (UTC). Where none was given it is the interaction's date, and moves with it.
    """

    interaction = models.OneToOneField(Interaction, models.CASCADE, related_name="order")
    product_details = models.TextField(max_length=20_000)
    quantity = models.PositiveIntegerField(validators=[MinValueValidator(1), MaxValueValidator(MAX_QUANTITY)])
    total_price = models.DecimalField(max_digits=14, decimal_places=2, validators=[MinValueValidator(Decimal(0))])
    order_date = models.DateTimeField(validators=DATE_BOUNDS)
    follows_interaction_date = models.BooleanField(default=False, editable=False)

    owner_path = "interaction__lead__assigned_to"
    objects = OfLeadQuerySet.as_manager()

    class Meta(TimestampedModel.Meta):
        verbose_name_plural = _("order details")
        indexes = [models.Index(fields=["order_date"], name="order_by_date")]
        constraints = [
            models.CheckConstraint(condition=models.Q(quantity__gte=1), name="order_quantity_positive"),
            models.CheckConstraint(condition=models.Q(total_price__gte=0), name="order_price_not_negative"),
            models.CheckConstraint(
                condition=models.Q(order_date__gte=EARLIEST, order_date__lte=LATEST),
                name="order_date_in_bounds",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product_details[:40]}"

    def edit(self, *, by=None, **changes: Any) -> list[str]:
        """As `TimestampedModel.edit`. An `order_date` of None is the interaction's date, and moves with it."""
        with self.atomic():
            if "order_date" in changes:
                changes["follows_interaction_date"] = changes["order_date"] is None
                if changes["order_date"] is None:
                    self.interaction.lock()  # before the order's row, as in the interaction's own verbs
                    changes["order_date"] = self.interaction.date
            return super().edit(by=by, **changes)


class QuietMarkQuerySet(OfLeadQuerySet):
    def last_of_each_lead(self) -> Self:
        """Of each lead the last mark, the only one that counts."""
        later = QuietMark.objects.using(self.db).filter(lead=OuterRef("lead"), pk__gt=OuterRef("pk"))
        return self.filter(~Exists(later))

    def covering(self, day: date) -> Self:
        """The latest marks that last from the local day on which they were set until `day` or longer."""
        _start, end = dates.bounds_of_day(day, dates.server_zone())
        return self.last_of_each_lead().filter(until__gte=day, created_at__lt=end)


class QuietMark(TimestampedModel):
    """An agreed silence of an account, set at `created_at` by `created_by`, with `until` as its last day.

    Rows are the log: the latest one of a lead counts; one without `until` takes the one before it back. A mark ends by
    itself, and nothing is written then: with its last day, or with an order that is dated after it was set.
    """

    lead = models.ForeignKey(Restaurant, models.CASCADE, related_name="quiet_marks", db_index=False)
    until = models.DateField(null=True, blank=True)
    reason = models.TextField(max_length=20_000, blank=True)

    owner_path = "lead__assigned_to"
    objects = QuietMarkQuerySet.as_manager()

    class Meta(TimestampedModel.Meta):
        indexes = [
            models.Index(fields=["lead", "id"], name="quiet_mark_by_lead"),
            models.Index(fields=["lead", "created_at", "id"], name="quiet_mark_by_lead_and_time"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(until__gte=EARLIEST.date(), until__lte=LATEST.date()), name="quiet_until_in_bounds"
            )
        ]

    def __str__(self) -> str:
        said = f"Quiet until {self.until}" if self.until else "No longer quiet"
        return f"{said}: {self.reason}" if self.reason else said

    @classmethod
    def set(cls, lead: Restaurant, until: date | None, *, reason: str = "", by=None) -> bool:
        """Agree that the lead is quiet until the day `until`, inclusive; None takes the mark back.

        False, and no row, where that is what the latest mark says. Raises ValidationError for a day before today.
        """
        if until and until < dates.today(dates.server_zone()):
            raise ValidationError({"quiet_until": gettext("Choose today or a later day.")})
        with lead.atomic():
            lead.lock()
            rows = cls.objects.using(lead.database).filter(lead=lead)
            latest = rows.order_by("-id").values_list("until", "reason").first() or (None, "")
            if latest == (until, reason) or (until is None and latest[0] is None):
                return False
            rows.create(lead=lead, until=until, reason=reason, created_by=by)
        return True


class InteractionExternalId(ExternalIdModel):
    """An interaction's id in another system, such as the order number of an ERP. Imports find the interaction by it."""

    interaction = models.ForeignKey(Interaction, models.CASCADE, related_name="external_ids")

    owner_path = "interaction__lead__assigned_to"
    objects = OfLeadQuerySet.as_manager()

    class Meta(ExternalIdModel.Meta):
        verbose_name = _("external id of an interaction")
        verbose_name_plural = _("external ids of interactions")
