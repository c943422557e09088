"""Signals of call planning, sent inside the transaction of the verb: an exception of a receiver undoes the verb."""

from django.dispatch import Signal

# sender: WorkProfile. A user's working days or time zone have changed.
#   user_id: int     the user's id
#   fields: set[str] the names of the fields that have
#   using: str       the alias of the database that the profile is in
work_profile_changed = Signal()
