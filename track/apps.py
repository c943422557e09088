from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class TrackConfig(AppConfig):
    name = "track"
    verbose_name = "Tracking"

    def ready(self) -> None:
        from lead.models.stale import activities
        from lead.timeline import subscribe
        from track.activity import is_touched
        from track.models import InteractionType
        from track.timeline import INTERACTION, ORDER

        activities.append(is_touched)
        subscribe(INTERACTION)
        subscribe(ORDER)
        if unknown := set(settings.TOUCH_TYPES) - set(InteractionType.values):
            raise ImproperlyConfigured(f"TOUCH_TYPES names no interaction types: {', '.join(sorted(unknown))}.")
