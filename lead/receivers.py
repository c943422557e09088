"""What leads do when other tables change; connected in lead.apps."""

from typing import Any

from lead.models import Restaurant


def on_user_deleted(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    """Receiver of Django's `pre_delete` of a user: their leads become unowned, with a note in each history."""
    leads = Restaurant.objects.using(using).filter(assigned_to=instance.pk)
    leads.release(note=f"The owner {instance.get_username()} was deleted.")
