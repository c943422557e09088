"""Leads, the history of their status and of their owner, their ids in other systems."""

from lead.models.access import ALL, OfLeadQuerySet, Policy
from lead.models.external_id import ExternalId
from lead.models.history import OwnerChange, StatusChange
from lead.models.merge import LeadMerge
from lead.models.not_duplicate import NotDuplicate, NotDuplicateModel
from lead.models.restaurant import BATCH, CHOOSE_ANOTHER, Restaurant, RestaurantQuerySet
from lead.models.status import PIPELINE, LeadStatus, LostReason
from lead.models.team import Team

__all__ = [
    "ALL",
    "BATCH",
    "CHOOSE_ANOTHER",
    "PIPELINE",
    "ExternalId",
    "LeadMerge",
    "LeadStatus",
    "LostReason",
    "NotDuplicate",
    "NotDuplicateModel",
    "OfLeadQuerySet",
    "OwnerChange",
    "Policy",
    "Restaurant",
    "RestaurantQuerySet",
    "StatusChange",
    "Team",
]
