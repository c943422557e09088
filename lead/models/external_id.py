"""The ids that a lead has in other systems."""

from django.db import models
from django.utils.translation import gettext_lazy

from crm.db.external_ids import ExternalIdModel
from lead.models.access import OfLeadQuerySet


class ExternalId(ExternalIdModel):
    """A lead's id in another system, for example its customer number in an ERP."""

    lead = models.ForeignKey("lead.Restaurant", models.CASCADE, related_name="external_ids")

    owner_path = "lead__assigned_to"
    objects = OfLeadQuerySet.as_manager()

    class Meta(ExternalIdModel.Meta):
        verbose_name = gettext_lazy("external id")
