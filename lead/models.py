"""Restaurants, the leads and accounts of the book, and the history of their status."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models, transaction

from crm.hooks import Hook
from crm.models import Stamped
from crm.search import SearchField

owner_changed = Hook()  # tells subscribers the ids of leads whose owner is another one now


class LeadStatus(models.TextChoices):
    """Where a lead stands in the pipeline; every move between two of them is allowed."""

    NEW = "NEW"
    CONTACTED = "CONTACTED"
    MEETING_SCHEDULED = "MEETING_SCHEDULED"
    NEGOTIATING = "NEGOTIATING"
    CONVERTED = "CONVERTED"
    LOST = "LOST"


class Restaurant(Stamped):
    """A lead: a restaurant to win, and once won, an account. Phones are kept as typed."""

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

    search = SearchField(sources=["name", "contact_person", "phone", "email", "city"], phones=["phone"])

    class Meta(Stamped.Meta):
        verbose_name = "lead"
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

    def edit(self, *, by=None, note: str = "", **changes: Any) -> list[str]:
        """As `Stamped.edit`; a change of `lead_status` leaves its row in the history, `by` whom and with a `note`."""
        with transaction.atomic(savepoint=False):
            old_status = self.lead_status
            changed = super().edit(by=by, **changes)
            if "lead_status" in changed:
                self.status_changes.create(
                    old_status=old_status,
                    new_status=self.lead_status,
                    note=note,
                    created_by=by,
                    created_at=self.updated_at,
                    updated_at=self.updated_at,
                )
            if "assigned_to_id" in changed:
                owner_changed.tell([self.pk])
        return changed

    def change_status(self, status: str, *, by=None, note: str = "") -> bool:
        """Move the lead in the pipeline and write the history. False where it had the status already.

        The row is locked and read anew first, so that the history of racing changes has no gap.
        """
        with transaction.atomic(savepoint=False):
            self.lock()
            return bool(self.edit(lead_status=status, by=by, note=note))

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Takes contacts, interactions, orders, plans and history along. The lock keeps new ones from slipping in."""
        with transaction.atomic(savepoint=False):
            Restaurant.objects.locked_with_keys().filter(pk=self.pk).values_list("pk").first()
            return super().delete(*args, **kwargs)


class StatusChange(Stamped):
    """One move in the pipeline: at `created_at`, by `created_by`."""

    lead = models.ForeignKey(Restaurant, models.CASCADE, related_name="status_changes", db_index=False)
    old_status = models.CharField(max_length=20, choices=LeadStatus)
    new_status = models.CharField(max_length=20, choices=LeadStatus)
    note = models.TextField(max_length=20_000, blank=True)

    class Meta(Stamped.Meta):
        indexes = [models.Index(fields=["lead", "id"], name="status_change_by_lead")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(old_status__in=LeadStatus.values, new_status__in=LeadStatus.values),
                name="status_change_statuses_known",
            ),
            models.CheckConstraint(
                condition=~models.Q(old_status=models.F("new_status")), name="status_change_changes"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.old_status} → {self.new_status}"
