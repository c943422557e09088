"""The list of call plans: whom to call next."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from backoffice.admin.actions import RecordCalls
from backoffice.admin.changelist import LargeChangeListMixin, day_of, due_of, link_to, phone_link
from backoffice.admin.filters import FormFilter, PlanForm
from backoffice.admin.plan_base import CallPlanAdmin
from backoffice.admin.plan_page import PlanPage
from call.models import CallPlan


@admin.register(CallPlan)
class PlanList(LargeChangeListMixin, PlanPage, CallPlanAdmin):
    list_display = ["plan", "account", "city", "phone", "owner", "due", "called"]
    list_filter = [FormFilter.of(PlanForm)]
    list_select_related = ["lead__assigned_to"]
    search_help_text = "Name, phone, e-mail, city of the lead"
    ordering = ["next_call_date", "id"]
    actions = [RecordCalls()]

    @admin.display(ordering="frequency")
    def plan(self, plan: CallPlan):
        return plan.get_frequency_display()

    @admin.display(description="lead", ordering="lead__name")
    def account(self, plan: CallPlan):
        return link_to(plan.lead)

    @admin.display(ordering="lead__city")
    def city(self, plan: CallPlan):
        return plan.lead.city

    def phone(self, plan: CallPlan):
        return phone_link(plan.lead.phone)

    @admin.display(ordering="lead__assigned_to__username")
    def owner(self, plan: CallPlan):
        return plan.lead.assigned_to

    @admin.display(description="next call", ordering="next_call_date")
    def due(self, plan: Any):
        return "Paused" if plan.paused else due_of(plan.next_call_date, plan.zone)

    @admin.display(description="last called", ordering="last_called")
    def called(self, plan: Any):
        return day_of(plan.last_called, plan.zone)

    def has_record_call_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["call.change_callplan", "track.add_interaction"])

    def describe(self, plan: Any) -> str:
        return f"{plan.lead}: {plan}"
