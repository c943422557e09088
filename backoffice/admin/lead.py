"""The page of a lead: everything about the account in one place."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse

from backoffice.admin.account_summary import Account
from backoffice.admin.changeform import RECORD, Page
from backoffice.admin.changelist import phone_link
from backoffice.admin.lead_inlines import ContactInline, PlanInline
from backoffice.admin.lead_list import LeadList
from backoffice.admin.timeline import Place, Timeline, may_view
from backoffice.admin.verb_forms import ChangeStatus, RecordCallOnLead
from call.models import CallPlan
from contact.models import Contact
from lead.models import OwnerChange, Restaurant, StatusChange
from track.models import Interaction

LATEST = 12  # entries of the timeline on the lead's page
HISTORY = 10  # moves
ADDED = [  # what, by whom it may be, and what its form knows already
    ("contact", Contact, [], "restaurant={}"),
    ("interaction", Interaction, [], "lead={}"),
    ("order", Interaction, ["track.add_orderdetails"], "lead={}&interaction_type=ORDER"),
    ("call plan", CallPlan, [], "lead={}"),
]


@admin.register(Restaurant)
class LeadPage(Page, LeadList):
    change_form_template = "backoffice/lead_page.html"
    inlines = [ContactInline, PlanInline]
    verbs = [ChangeStatus, RecordCallOnLead]
    place = (
        "Who and where",
        {"fields": [("contact_person", "phone", "email"), "address", ("city", "state", "pincode")]},
    )
    kind = ("Kind", {"fields": [("restaurant_type", "cuisine_type")]})

    def get_fieldsets(self, request: HttpRequest, obj: Restaurant | None = None):
        """The owner of a lead is there to read for those who may not hand it over."""
        owner = "owner" if "assigned_to" in self.get_readonly_fields(request, obj) else "assigned_to"
        account = ("Account", {"fields": [("name", owner), ("lead_status", "potential_revenue"), "notes"]})
        return [account, self.place, self.kind, *([RECORD] if obj else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Restaurant | None = None):
        return [*super().get_readonly_fields(request, obj), "owner"]

    # --- Everything about it ------------------------------------------------------------------

    def get_urls(self):
        view = self.admin_site.admin_view(partial(self.in_zone_of_viewer, view=self.timeline_view))
        return [path("<path:object_id>/timeline/", view, name="lead_restaurant_timeline"), *super().get_urls()]

    def lead_of(self, obj: Restaurant) -> int:
        return obj.pk

    def save_formset(self, request, form, formset, change) -> None:
        formset.save(commit=False)  # tells the admin's log what happened
        formset.write(by=request.user)

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        """Around the form the rest of the account. A form that has mistakes stands alone."""
        if obj and not context["errors"] and not context["is_popup"]:
            context |= self.overview(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def overview(self, request: HttpRequest, lead: Restaurant) -> dict[str, Any]:
        user = request.user
        account = Account(lead, user)
        entries, older = Timeline(lead.pk, user).page(size=LATEST)
        verbs = {verb["form"].name: verb for verb in self.offered(request, lead)}
        return {
            "title": lead.name,
            "subtitle": None,
            "account": account,
            "phone": lead.phone and phone_link(lead.phone),
            "verbs": verbs,
            "additions": self.additions(request, lead),
            "entries": entries,
            "older": older,
            "status_changes": self.latest(StatusChange, lead, user),
            "owner_changes": self.latest(OwnerChange, lead, user, "old_owner", "new_owner"),
        }

    def latest(self, history: Any, lead: Restaurant, user: Any, *related: str) -> list[Any]:
        if not may_view(user, history):
            return []
        return list(history.objects.filter(lead=lead).select_related("created_by", *related).order_by("-id")[:HISTORY])

    def additions(self, request: HttpRequest, lead: Restaurant) -> list[dict[str, str]]:
        """The forms for what may be added to the account; each leads back here."""
        links = []
        for name, model, permissions, known in ADDED:
            meta = model._meta
            if request.user.has_perms([f"{meta.app_label}.add_{meta.model_name}", *permissions]):
                address = reverse(f"admin:{meta.app_label}_{meta.model_name}_add")
                links.append({"name": name, "href": f"{address}?{known.format(lead.pk)}&back=lead"})
        return links

    def timeline_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The whole timeline, page by page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            lead = self.get_object(request, unquote(object_id))
        except Restaurant.DoesNotExist:
            return self.gone(request, object_id)
        before = Place.parse(request.GET.get("before", ""))
        entries, older = Timeline(lead.pk, request.user).page(before)
        context = {
            **self.admin_site.each_context(request),
            "title": "Timeline",
            "subtitle": lead.name,
            "opts": self.opts,
            "original": lead,
            "entries": entries,
            "before": before,
            "older": older,
            "media": self.media,
        }
        return TemplateResponse(request, "backoffice/timeline_page.html", context)
