from django.contrib import admin

from call.models import CallPlan
from crm.admin import STAMPS, StampedAdmin


@admin.register(CallPlan)
class CallPlanAdmin(StampedAdmin):
    list_display = ["lead", "frequency", "next_call_date", "last_called"]
    list_filter = ["frequency", "next_call_date"]
    list_select_related = ["lead"]
    search_fields = ["lead__search"]
    autocomplete_fields = ["lead"]
    fields = ["lead", "frequency", "last_called", "next_call_date", "notes", *STAMPS]

    def get_readonly_fields(self, request, obj=None):
        """A new plan has not been called yet."""
        return [*STAMPS] if obj else ["last_called", *STAMPS]

    def get_form(self, request, obj=None, **kwargs):
        form = super().get_form(request, obj, **kwargs)
        if obj is None and "next_call_date" in form.base_fields:
            form.base_fields["next_call_date"].required = False
            form.base_fields["next_call_date"].help_text = "Left blank: today plus one interval."
        return form
