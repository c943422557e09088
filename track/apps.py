from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy


class TrackConfig(AppConfig):
    name = "track"
    verbose_name = gettext_lazy("Tracking")

    def ready(self) -> None:
        from lead.models.stale import activities
        from lead.timeline import subscribe
        from track.activity import is_touched
        from track.models import InteractionType
        from track.timeline import INTERACTION, NOTE, ORDER

        activities.append(is_touched)
        subscribe(INTERACTION)
        subscribe(ORDER)
        subscribe(NOTE)
        if unknown := set(settings.TOUCH_TYPES) - set(InteractionType.values):
            raise ImproperlyConfigured(f"TOUCH_TYPES names no interaction types: {', '.join(sorted(unknown))}.")
