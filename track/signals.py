"""Signals of tracking, sent inside the transaction of the verb: an exception of a receiver undoes the verb."""

from django.dispatch import Signal

# sender: Interaction. One came, changed or goes that is or was a touch; sent after a change and before a deletion.
#   interaction: Interaction
#   before: Touch | None   the touch that it was (see track.touches)
#   after: Touch | None    the touch that it is now
#   by: User | None        the user who changed it
touch_changed = Signal()
