from django.apps import AppConfig


class CallConfig(AppConfig):
    name = "call"
    verbose_name = "Calls"

    def ready(self) -> None:
        from django.contrib.auth import get_user_model
        from django.db.models.signals import pre_delete

        from call import following, profiles
        from crm.api.authentication import user_facts
        from lead.models import owner_changed
        from track import touches

        touches.changed.subscribe(following.on_touch_changed)
        owner_changed.subscribe(following.on_owner_changed)
        profiles.profile_changed.subscribe(following.on_profile_changed)
        pre_delete.connect(following.on_user_deleted, get_user_model())
        user_facts["time_zone"] = profiles.time_zone_of_user()
