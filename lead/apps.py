from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy


class LeadConfig(AppConfig):
    name = "lead"
    verbose_name = gettext_lazy("Leads")

    def ready(self) -> None:
        from django.contrib.auth import get_user_model
        from django.db.models.signals import pre_delete

        from lead import timeline
        from lead.models import PIPELINE
        from lead.receivers import on_user_deleted

        if unknown := set(settings.STALE_DAYS) - set(PIPELINE):
            raise ImproperlyConfigured(f"STALE_DAYS names no status of an open lead: {', '.join(sorted(unknown))}.")
        timeline.subscribe(timeline.STATUS)
        timeline.subscribe(timeline.OWNER)
        pre_delete.connect(on_user_deleted, get_user_model())
