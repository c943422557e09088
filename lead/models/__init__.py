"""Leads, the history of their status and of their owner."""

from lead.models.access import ALL, OfLeadQuerySet, Policy
from lead.models.history import OwnerChange, StatusChange
from lead.models.restaurant import BATCH, CHOOSE_ANOTHER, Restaurant, RestaurantQuerySet
from lead.models.status import PIPELINE, LeadStatus, LostReason
from lead.models.team import Team

__all__ = [
    "ALL",
    "BATCH",
    "CHOOSE_ANOTHER",
    "PIPELINE",
    "LeadStatus",
    "LostReason",
    "OfLeadQuerySet",
    "OwnerChange",
    "Policy",
    "Restaurant",
    "RestaurantQuerySet",
    "StatusChange",
    "Team",
]
