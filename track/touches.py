"""Touches: the interactions that count as contact with an account."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Exists

# Which interactions are no touches although their type says so. Apps that know of some add their condition when they
# are ready: calls that reached no one.
not_touches: list[Exists] = []


@dataclass(frozen=True)
class Touch:
    """Contact with the lead at an instant (UTC)."""

    lead_id: int
    moment: datetime


def touch_of(interaction) -> Touch | None:
    """The touch that an interaction is; None where its type is none of TOUCH_TYPES."""
    if interaction.interaction_type not in settings.TOUCH_TYPES:
        return None
    return Touch(interaction.lead_id, interaction.date)
