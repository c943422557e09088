"""Leads, the history of their status and of their owner."""

from lead.models.history import OwnerChange, StatusChange
from lead.models.restaurant import BATCH, Restaurant, RestaurantQuerySet
from lead.models.status import PIPELINE, LeadStatus, LostReason

__all__ = [
    "BATCH",
    "PIPELINE",
    "LeadStatus",
    "LostReason",
    "OwnerChange",
    "Restaurant",
    "RestaurantQuerySet",
    "StatusChange",
]
