"""The history of a lead's status and of its owner."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext

from crm.db.models import TimestampedModel
from lead.models.access import OfLeadQuerySet
from lead.models.status import LeadStatus, LostReason


class StatusChange(TimestampedModel):
    """One move in the pipeline: at `created_at`, by `created_by`. `reason` says why a lead was lost."""

    lead = models.ForeignKey("lead.Restaurant", models.CASCADE, related_name="status_changes", db_index=False)
    old_status = models.CharField(max_length=20, choices=LeadStatus)
    new_status = models.CharField(max_length=20, choices=LeadStatus)
    note = models.TextField(max_length=20_000, blank=True)
    reason = models.CharField(max_length=20, choices=LostReason, blank=True)

    owner_path = "lead__assigned_to"
    objects = OfLeadQuerySet.as_manager()

    class Meta(TimestampedModel.Meta):
        indexes = [
            models.Index(fields=["lead", "id"], name="status_change_by_lead"),
            models.Index(fields=["lead", "created_at", "id"], name="status_change_by_lead_and_time"),
            models.Index(fields=["created_at"], name="status_change_by_time"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(old_status__in=LeadStatus.values, new_status__in=LeadStatus.values),
                name="status_change_statuses_known",
            ),
            models.CheckConstraint(
                condition=~models.Q(old_status=models.F("new_status")), name="status_change_changes"
            ),
            models.CheckConstraint(
                condition=models.Q(reason="") | models.Q(reason__in=LostReason.values, new_status=LeadStatus.LOST),
                name="status_change_reason_of_lost",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_old_status_display()} → {self.get_new_status_display()}"


class OwnerChange(TimestampedModel):
    """A change of a lead's owner, None for unowned: at `created_at`, by `created_by`. It outlives its users."""

    lead = models.ForeignKey("lead.Restaurant", models.CASCADE, related_name="owner_changes", db_index=False)
    old_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    new_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    note = models.TextField(max_length=20_000, blank=True)

    # The username of a deleted user, in place of the reference, which is null then.
    old_owner_name = models.CharField(max_length=254, blank=True, editable=False)
    new_owner_name = models.CharField(max_length=254, blank=True, editable=False)

    owner_path = "lead__assigned_to"
    objects = OfLeadQuerySet.as_manager()

    class Meta(TimestampedModel.Meta):
        indexes = [
            models.Index(fields=["lead", "id"], name="owner_change_by_lead"),
            models.Index(fields=["lead", "created_at", "id"], name="owner_change_by_lead_and_time"),
        ]
        constraints = [
            models.CheckConstraint(condition=~models.Q(old_owner=models.F("new_owner")), name="owner_change_changes"),
        ]

    def __str__(self) -> str:
        old, new = self.old_owner or self.old_owner_name, self.new_owner or self.new_owner_name
        unowned = gettext("unowned")
        return f"{old or unowned} → {new or unowned}"
