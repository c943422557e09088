from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class CallConfig(AppConfig):
    name = "call"
    verbose_name = gettext_lazy("Calls")

    def ready(self) -> None:
        from django.contrib.auth import get_user_model
        from django.db.models.signals import pre_delete

        from call import activity, receivers, timeline
        from call.models.plan import next_call_of_lead
        from call.models.work_profile import country_of_user, time_zone_of_user
        from call.signals import work_profile_changed
        from crm.api.authentication import user_annotations
        from crm.db.phones import user_regions
        from lead.models.stale import activities
        from lead.signals import leads_merging, owner_changed
        from lead.timeline import subscribe
        from track.accounts import account_annotations
        from track.signals import touch_changed
        from track.timeline import annotations
        from track.touches import attempts

        touch_changed.connect(receivers.on_touch_changed)
        leads_merging.connect(receivers.on_leads_merging)
        owner_changed.connect(receivers.on_owner_changed)
        work_profile_changed.connect(receivers.on_profile_changed)
        pre_delete.connect(receivers.on_user_deleted, get_user_model())
        annotations["outcome"] = timeline.outcome_of
        subscribe(timeline.CALL)
        activities += [activity.is_called, activity.is_planned]
        attempts.append(activity.reached_no_one)
        user_annotations["time_zone"] = time_zone_of_user()
        user_regions.append(country_of_user)
        account_annotations["next_call_date"] = next_call_of_lead()
