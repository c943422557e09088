from django.apps import AppConfig


class CallConfig(AppConfig):
    name = "call"
    verbose_name = "Calls"
