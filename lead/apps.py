from django.apps import AppConfig


class LeadConfig(AppConfig):
    name = "lead"
    verbose_name = "Leads"

    def ready(self) -> None:
        from django.contrib.auth import get_user_model
        from django.db.models.signals import pre_delete

        from lead.receivers import on_user_deleted

        pre_delete.connect(on_user_deleted, get_user_model())
