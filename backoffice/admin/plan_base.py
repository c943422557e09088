from django.contrib import admin

from backoffice.admin.base import STAMPS, TimestampedAdmin, WrittenByVerbs
from call.models import CallEvent, WorkProfile


class CallEventInline(WrittenByVerbs, admin.TabularInline):
    """The log of the plan."""

    model = CallEvent
    fields = readonly_fields = ["happened_at", "kind", "planned", "outcome", "reason", "interaction", "created_by"]
    extra = 0
    ordering = ["-id"]
    verbose_name_plural = "history"

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("created_by", "interaction")


class CallPlanAdmin(TimestampedAdmin):
    search_fields = ["lead__search"]
    autocomplete_fields = ["lead"]

    def get_readonly_fields(self, request, obj=None):
        """A new plan has not been called yet."""
        return ["paused", *STAMPS] if obj else ["last_called", "paused", *STAMPS]

    def get_form(self, request, obj=None, **kwargs):
        form = super().get_form(request, obj, **kwargs)
        if obj is None and "next_call_date" in form.base_fields:
            form.base_fields["next_call_date"].required = False
            form.base_fields["next_call_date"].help_text = "Left blank: today plus one interval."
        return form


@admin.register(WorkProfile)
class WorkProfileAdmin(TimestampedAdmin):
    """When and where people work. The computed dates of their plans follow every change."""

    list_display = ["user", "time_zone", "working_days", "country", "region"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    autocomplete_fields = ["user"]
    fields = ["user", "time_zone", "working_days", "country", "region", "leave", *STAMPS]

    def get_readonly_fields(self, request, obj=None):
        return ["user", *STAMPS] if obj else STAMPS

    def get_search_results(self, request, queryset, search_term):
        """The table has no search column; it is as small as the team."""
        return admin.ModelAdmin.get_search_results(self, request, queryset, search_term)
