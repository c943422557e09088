"""The list of leads: whom to turn to next."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import F, Max, Min, OuterRef, Subquery
from django.http import HttpRequest

from backoffice.admin.actions import ChangeStatuses, HandOver, LogCalls
from backoffice.admin.changelist import LargeChangeListMixin, day_of, due_of, money, phone_link, status_badge
from backoffice.admin.filters import FormFilter, LeadForm
from backoffice.admin.lead_base import RestaurantAdmin
from backoffice.exchange.pages import Exchange
from backoffice.exchange.sheets import LeadSheet
from call.models import CallPlan
from crm import dates
from lead.models import Restaurant
from track.models import Interaction

FACTS = ["last_touch", "last_order", "next_call"]


class LeadList(Exchange, LargeChangeListMixin, RestaurantAdmin):
    """`LeadPage` is registered with it."""

    sheet = LeadSheet
    list_display = ["name", "status", "city", "owner", "phone_number", "revenue", *FACTS]
    list_filter = [FormFilter.of(LeadForm)]
    search_help_text = "Name, phone, e-mail, city"
    sums: ClassVar[dict[str, str]] = {"Potential revenue": "potential_revenue"}
    actions = [ChangeStatuses(), HandOver(), LogCalls()]

    @admin.display(ordering="lead_status")
    def status(self, lead: Restaurant):
        return status_badge(lead.lead_status)

    @admin.display(ordering="assigned_to__username")
    def owner(self, lead: Restaurant):
        return lead.assigned_to

    @admin.display(description="phone")
    def phone_number(self, lead: Restaurant):
        return phone_link(lead.phone)

    @admin.display(description="potential revenue", ordering=F("potential_revenue").asc(nulls_first=True))
    def revenue(self, lead: Restaurant):
        return money(lead.potential_revenue)

    @admin.display(description="last interaction")
    def last_touch(self, lead: Any):
        return day_of(lead.facts["touched"], lead.zone)

    def last_order(self, lead: Any):
        return day_of(lead.facts["ordered"], lead.zone)

    def next_call(self, lead: Any):
        return due_of(lead.facts["due"], lead.zone)

    def has_hand_over_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("lead.hand_over_restaurant")

    def has_log_call_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("track.add_interaction")

    def describe(self, lead: Any) -> str:
        place = f" ({lead.city})" if lead.city else ""
        return f"{lead}{place}: {lead.get_lead_status_display()}, {lead.assigned_to or 'without an owner'}"

    def annotate_page(self, request: HttpRequest, rows: list[Any]) -> None:
        facts = {lead["pk"]: lead for lead in facts_of([lead.pk for lead in rows])}
        for lead in rows:
            lead.facts = facts.get(lead.pk) or {"touched": None, "ordered": None, "due": None}


def facts_of(leads: list[int]) -> Any:
    """Of each lead: the last touch, the last order, the next call; what is dated ahead has not happened."""
    happened = Interaction.objects.filter(lead=OuterRef("pk"), date__lte=dates.now()).order_by()
    plans = CallPlan.objects.unpaused().filter(lead=OuterRef("pk")).order_by()
    return (
        Restaurant.objects.filter(pk__in=leads)
        .order_by()
        .values("pk")
        .annotate(
            touched=Subquery(happened.values("lead").annotate(last=Max("date")).values("last")),
            ordered=Subquery(happened.with_orders().values("lead").annotate(last=Max("date")).values("last")),
            due=Subquery(plans.values("lead").annotate(next=Min("next_call_date")).values("next")),
        )
    )
