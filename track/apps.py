from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class TrackConfig(AppConfig):
    name = "track"
    verbose_name = "Tracking"

    def ready(self) -> None:
        from track.models import InteractionType

        if unknown := set(settings.TOUCH_TYPES) - set(InteractionType.values):
            raise ImproperlyConfigured(f"TOUCH_TYPES names no interaction types: {', '.join(sorted(unknown))}.")
