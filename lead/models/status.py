"""The statuses of a lead."""

from django.db import models


class LeadStatus(models.TextChoices):
    """A lead's stage in the pipeline; every move between two of them is allowed."""

    NEW = "NEW"
    CONTACTED = "CONTACTED"
    MEETING_SCHEDULED = "MEETING_SCHEDULED"
    NEGOTIATING = "NEGOTIATING"
    CONVERTED = "CONVERTED"
    LOST = "LOST"


class LostReason(models.TextChoices):
    """Why a lead was lost."""

    PRICE = "PRICE"
    COMPETITOR = "COMPETITOR"
    CLOSED_DOWN = "CLOSED_DOWN"
    NO_NEED = "NO_NEED"
    NO_ANSWER = "NO_ANSWER"
    OTHER = "OTHER"


# The statuses of an open lead, in the usual order.
PIPELINE = [LeadStatus.NEW, LeadStatus.CONTACTED, LeadStatus.MEETING_SCHEDULED, LeadStatus.NEGOTIATING]
