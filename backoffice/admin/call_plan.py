"""The list of call plans, and the page of one: its dates, the verbs that move them, and the log."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.actions import RecordCalls
from backoffice.admin.base import ReadOnlyMixin, TimestampedAdmin
from backoffice.admin.changeform import AUDIT_FIELDSET, ChangeFormMixin
from backoffice.admin.changelist import day_of, due_of, link_to, phone_link
from backoffice.admin.filters import CallPlanFilters, FilterSetListFilter
from backoffice.admin.lead_inlines import NewestFormSet
from backoffice.admin.own_first import OwnFirstMixin
from backoffice.admin.verb_forms import Pause, RecordCall, Resume, SetFrequency, Skip, Snooze
from backoffice.exchange.import_pages import ImportMixin
from backoffice.exchange.kinds import PlanSheet
from call.models import CallEvent, CallPlan


class NewestEvents(NewestFormSet):
    max_rows = 50


class CallEventInline(ReadOnlyMixin, admin.TabularInline):
    model = CallEvent
    formset: Any = NewestEvents
    template = "backoffice/log_inline.html"
    fields: Any = ["happened_at", "kind", "planned_for", "outcome", "reason", "interaction", "creator"]
    readonly_fields = fields
    extra = 0
    ordering = ["-id"]
    verbose_name_plural = gettext_lazy("history")

    def get_queryset(self, request: HttpRequest):
        return super().get_queryset(request).select_related("created_by", "interaction")

    @admin.display(description=gettext_lazy("by"))
    def creator(self, event: CallEvent) -> Any:
        """Without a link, as in ChangeFormMixin."""
        return event.created_by


@admin.register(CallPlan)
class CallPlanAdmin(ImportMixin, OwnFirstMixin, ChangeFormMixin, TimestampedAdmin):
    sheet = PlanSheet
    search_fields = ["lead__search"]
    search_help_text = gettext_lazy("Name, phone, e-mail, city of the lead")
    list_display: Any = ["plan", "account", "city", "phone", "owner", "due", "called"]
    list_filter = [FilterSetListFilter.of(CallPlanFilters)]
    list_select_related = ["lead__assigned_to"]
    ordering = ["next_call_date", "id"]
    actions = [RecordCalls()]

    change_form_template = "backoffice/plan_page.html"
    autocomplete_fields = ["lead"]
    inlines = [CallEventInline]
    verbs = [RecordCall, Snooze, Skip, Pause, Resume, SetFrequency]

    # --- The list -----------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("plan"), ordering="frequency")
    def plan(self, plan: CallPlan):
        return plan.get_frequency_display()

    @admin.display(description=gettext_lazy("lead"), ordering="lead__name_fold")
    def account(self, plan: CallPlan):
        return link_to(plan.lead)

    @admin.display(description=gettext_lazy("city"), ordering="lead__city")
    def city(self, plan: CallPlan):
        return plan.lead.city

    @admin.display(description=gettext_lazy("phone"))
    def phone(self, plan: CallPlan):
        return phone_link(plan.lead.phone)

    @admin.display(description=gettext_lazy("owner"), ordering="lead__assigned_to__username")
    def owner(self, plan: CallPlan):
        return plan.lead.assigned_to

    @admin.display(description=gettext_lazy("next call"), ordering="next_call_date")
    def due(self, plan: Any):
        return _("Paused") if plan.paused else due_of(plan.next_call_date, plan.zone)

    @admin.display(description=gettext_lazy("last called"), ordering="last_called")
    def called(self, plan: Any):
        return day_of(plan.last_called, plan.zone)

    def describe(self, plan: Any) -> str:
        return f"{plan.lead}: {plan}"

    def has_record_call_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["call.change_callplan", "track.add_interaction"])

    # --- The page -----------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: CallPlan | None = None):
        if obj is None:
            return [(None, {"fields": ["lead", ("frequency", "next_call_date"), "notes"]})]
        fields = ["lead", ("frequency", "paused"), ("last_called", "next_call_date"), "notes"]
        return [(None, {"fields": fields}), AUDIT_FIELDSET]

    def get_readonly_fields(self, request: HttpRequest, obj: CallPlan | None = None):
        """A new plan has no calls yet."""
        return [*super().get_readonly_fields(request, obj), "paused", *([] if obj else ["last_called"])]

    def get_form(self, request: HttpRequest, obj: CallPlan | None = None, **kwargs: Any):
        form = super().get_form(request, obj, **kwargs)
        if obj is None and "next_call_date" in form.base_fields:
            form.base_fields["next_call_date"].required = False
            form.base_fields["next_call_date"].help_text = gettext_lazy("Left blank: today plus one interval.")
        return form

    def get_inlines(self, request: HttpRequest, obj: CallPlan | None):
        return self.inlines if obj else []

    def render_change_form(self, request: HttpRequest, context, add=False, change=False, form_url="", obj: Any = None):
        """With the verbs beside the form; a form with errors is shown alone."""
        if obj and not context["errors"] and not context["is_popup"]:
            context["verbs"] = self.available_verbs(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)
