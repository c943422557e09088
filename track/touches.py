"""Touches: the interactions that count as contact with an account, and the hook that tells of them.

`changed` tells a subscriber `(interaction, before, after, by)`: the touch that the interaction was and the one that it
is now, either None; `by` is the user. It is told inside the verb's transaction, before a deletion and after anything
else.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from crm.hooks import Hook

changed = Hook()


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
