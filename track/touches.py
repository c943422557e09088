"""Touches: the interactions that count as contact with an account."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Exists

# Conditions on interactions that reached no one, and so are no touch: apps to the left add theirs in their AppConfig.
attempts: list[Callable[[], Exists]] = []


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
