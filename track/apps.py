from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy


class TrackConfig(AppConfig):
    name = "track"
    verbose_name = gettext_lazy("Tracking")

    def ready(self) -> None:
        from lead.models.stale import activities
        from lead.signals import leads_merging
        from lead.timeline import subscribe
        from track.activity import is_touched
        from track.models import InteractionType
        from track.receivers import on_leads_merging
        from track.timeline import INTERACTION, NOTE, ORDER

        activities.append(is_touched)
        subscribe(INTERACTION)
        subscribe(ORDER)
        subscribe(NOTE)
        leads_merging.connect(on_leads_merging)
        if unknown := set(settings.TOUCH_TYPES) - set(InteractionType.values):
            raise ImproperlyConfigured(f"TOUCH_TYPES names no interaction types: {', '.join(sorted(unknown))}.")
