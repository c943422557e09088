"""The statuses of a lead."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class LeadStatus(models.TextChoices):
    """A lead's stage in the pipeline; every move between two of them is allowed."""

    NEW = "NEW", _("New")
    CONTACTED = "CONTACTED", _("Contacted")
    MEETING_SCHEDULED = "MEETING_SCHEDULED", _("Meeting Scheduled")
    NEGOTIATING = "NEGOTIATING", _("Negotiating")
    CONVERTED = "CONVERTED", _("Converted")
    LOST = "LOST", _("Lost")


class LostReason(models.TextChoices):
    """Why a lead was lost."""

    PRICE = "PRICE", _("Price")
    COMPETITOR = "COMPETITOR", _("Competitor")
    CLOSED_DOWN = "CLOSED_DOWN", _("Closed Down")
    NO_NEED = "NO_NEED", _("No Need")
    NO_ANSWER = "NO_ANSWER", _("No Answer")
    OTHER = "OTHER", _("Other")


# The statuses of an open lead, in the usual order.
PIPELINE = [LeadStatus.NEW, LeadStatus.CONTACTED, LeadStatus.MEETING_SCHEDULED, LeadStatus.NEGOTIATING]
