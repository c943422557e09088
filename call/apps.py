from django.apps import AppConfig


class CallConfig(AppConfig):
    name = "call"
    verbose_name = "Calls"

    def ready(self) -> None:
        from django.contrib.auth import get_user_model
        from django.db.models.signals import pre_delete

        from call import receivers
        from call.models.work_profile import time_zone_of_user
        from call.signals import work_profile_changed
        from crm.api.authentication import user_annotations
        from lead.signals import leads_merging, owner_changed
        from track.signals import touch_changed

        touch_changed.connect(receivers.on_touch_changed)
        leads_merging.connect(receivers.on_leads_merging)
        owner_changed.connect(receivers.on_owner_changed)
        work_profile_changed.connect(receivers.on_profile_changed)
        pre_delete.connect(receivers.on_user_deleted, get_user_model())
        user_annotations["time_zone"] = time_zone_of_user()
