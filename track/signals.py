"""Signals of tracking, sent inside the transaction of the verb: an exception of a receiver undoes the verb."""

from django.dispatch import Signal

# sender: Interaction. An interaction that is or was a touch was created or changed, or is about to be deleted.
#   interaction: Interaction
#   before: Touch | None   the touch that it was (see track.touches)
#   after: Touch | None    the touch that it is now
#   by: User | None        the user who changed it
touch_changed = Signal()
