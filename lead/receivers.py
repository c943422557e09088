"""What leads do when other tables change; connected in lead.apps."""

from typing import Any

from lead.models import OwnerChange, Restaurant


def on_user_deleted(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    """Receiver of Django's `pre_delete` of a user: their leads become unowned; each history keeps the name."""
    leads = Restaurant.objects.using(using).filter(assigned_to=instance.pk)
    leads.release(note=f"The owner {instance.get_username()} was deleted.")
    changes = OwnerChange.objects.using(using)
    for end in ("old_owner", "new_owner"):
        changes.filter(**{end: instance.pk}).update(**{f"{end}_name": instance.get_username()})
