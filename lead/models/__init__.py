"""Leads, the history of their status and of their owner, their ids in other systems."""

from lead.models.external_id import ExternalId
from lead.models.history import OwnerChange, StatusChange
from lead.models.restaurant import BATCH, Restaurant, RestaurantQuerySet
from lead.models.status import PIPELINE, LeadStatus

__all__ = [
    "BATCH",
    "PIPELINE",
    "ExternalId",
    "LeadStatus",
    "OwnerChange",
    "Restaurant",
    "RestaurantQuerySet",
    "StatusChange",
]
