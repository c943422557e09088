from django.apps import AppConfig


class TrackConfig(AppConfig):
    name = "track"
    verbose_name = "Tracking"
