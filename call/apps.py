from django.apps import AppConfig


class CallConfig(AppConfig):
    name = "call"
    verbose_name = "Calls"

    def ready(self) -> None:
        from django.contrib.auth import get_user_model
        from django.db.models.signals import pre_delete

        from call import following, profiles
        from crm.authentication import user_facts
        from lead.models import owner_changed
        from track import touches

        touches.changed.subscribe(following.follow_touch)
        owner_changed.subscribe(following.follow_owners)
        profiles.profile_changed.subscribe(following.follow_profile)
        pre_delete.connect(following.follow_departure, get_user_model())
        user_facts["time_zone"] = profiles.time_zone_of_user()
