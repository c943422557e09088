"""Signals of leads, sent inside the transaction of the verb: an exception of a receiver undoes the verb."""

from django.dispatch import Signal

# sender: Restaurant. The owner of leads changed, also from or to none; sent after the change.
#   leads: Sequence[int]   their ids
#   owners: set[int|None]  the ids of all former and new owners; None for unowned
#   using: str             the alias of the database that they are in
owner_changed = Signal()
