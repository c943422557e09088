from django.apps import AppConfig


class BackofficeConfig(AppConfig):
    name = "crm.backoffice"
    verbose_name = "Back office"
