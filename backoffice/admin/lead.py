"""The list of leads, and the page of one lead with everything about the account."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import F, Max, Min, OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.account_summary import AccountSummary
from backoffice.admin.actions import ChangeStatuses, HandOver, LogCalls
from backoffice.admin.base import TimestampedAdmin
from backoffice.admin.changeform import AUDIT_FIELDSET, ChangeFormMixin
from backoffice.admin.changelist import day_of, due_of, phone_link, status_badge
from backoffice.admin.duplicates import DuplicateWarningMixin
from backoffice.admin.filters import FilterSetListFilter, LeadFilters
from backoffice.admin.lead_inlines import ContactInline, PlanInline
from backoffice.admin.merging import MergeMixin, MergeSelected
from backoffice.admin.own_first import OwnFirstMixin
from backoffice.admin.pairs import PairsMixin
from backoffice.admin.timeline import may_view, timeline_page
from backoffice.admin.verb_forms import ChangeStatus, RecordCallOnLead
from backoffice.exchange.export_pages import ExportMixin
from backoffice.exchange.import_pages import ImportMixin
from backoffice.exchange.kinds import LeadSheet
from call.models import CallPlan
from contact.models import Contact
from crm import dates
from crm.formats import money
from lead.candidates import candidates_of
from lead.models import OwnerChange, Policy, Restaurant, StatusChange
from lead.serializers import LeadMergeSerializer
from lead.timeline import Cursor
from track.models import Interaction

LATEST = 12  # entries of the timeline on the lead's page
HISTORY = 10  # status changes, and owner changes
ACTIVITY = ["last_touch", "last_order", "next_call"]  # columns of the list that come from other tables
ADDITIONS = [  # label, model, further permissions, initial values of the form
    (gettext_lazy("contact"), Contact, [], "restaurant={}"),
    (gettext_lazy("interaction"), Interaction, [], "lead={}"),
    (gettext_lazy("order"), Interaction, ["track.add_orderdetails"], "lead={}&interaction_type=ORDER"),
    (gettext_lazy("call plan"), CallPlan, [], "lead={}"),
]


@admin.register(Restaurant)
class RestaurantAdmin(
    PairsMixin,
    MergeMixin,
    ImportMixin,
    ExportMixin,
    OwnFirstMixin,
    DuplicateWarningMixin,
    ChangeFormMixin,
    TimestampedAdmin,
):
    sheet = LeadSheet
    search_fields = ["search"]
    search_help_text = gettext_lazy("Name, phone, e-mail, city")
    list_display = ["name", "status", "city", "owner", "phone_number", "revenue", *ACTIVITY]
    list_filter = [FilterSetListFilter.of(LeadFilters)]
    list_select_related = ["assigned_to"]
    sums: ClassVar[dict[Any, str]] = {gettext_lazy("Potential revenue"): "potential_revenue"}
    actions = [ChangeStatuses(), HandOver(), LogCalls(), MergeSelected()]

    change_form_template = "backoffice/lead_page.html"
    autocomplete_fields = ["assigned_to"]
    inlines = [ContactInline, PlanInline]
    verbs = [ChangeStatus, RecordCallOnLead]
    merge_serializer = LeadMergeSerializer
    merge_search = "name"

    # --- The list -----------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("status"), ordering="lead_status")
    def status(self, lead: Restaurant):
        return status_badge(lead.lead_status)

    @admin.display(description=gettext_lazy("owner"), ordering="assigned_to__username")
    def owner(self, lead: Restaurant):
        return lead.assigned_to

    @admin.display(description=gettext_lazy("phone"))
    def phone_number(self, lead: Restaurant):
        return phone_link(lead.phone)

    @admin.display(description=gettext_lazy("potential revenue"), ordering=F("potential_revenue").asc(nulls_first=True))
    def revenue(self, lead: Restaurant):
        return money(lead.potential_revenue)

    @admin.display(description=gettext_lazy("last interaction"))
    def last_touch(self, lead: Any):
        return day_of(lead.activity["touched"], lead.zone)

    @admin.display(description=gettext_lazy("last order"))
    def last_order(self, lead: Any):
        return day_of(lead.activity["ordered"], lead.zone)

    @admin.display(description=gettext_lazy("next call"))
    def next_call(self, lead: Any):
        return due_of(lead.activity["due"], lead.zone)

    def annotate_page(self, request: HttpRequest, rows: list[Any]) -> None:
        activity = {lead["pk"]: lead for lead in activity_of([lead.pk for lead in rows])}
        for lead in rows:
            lead.activity = activity.get(lead.pk) or {"touched": None, "ordered": None, "due": None}

    def describe(self, lead: Any) -> str:
        place = f" ({lead.city})" if lead.city else ""
        owner = lead.assigned_to or _("without an owner")
        return f"{lead}{place}: {lead.get_lead_status_display()}, {owner}"

    def has_hand_over_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("lead.hand_over_restaurant")

    def has_log_call_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("track.add_interaction")

    # --- The form -----------------------------------------------------------------------------

    def may_set_owner(self, request: HttpRequest, obj: Restaurant | None) -> bool:
        """A change of owner is a hand-over, which takes its own permission."""
        return obj is None or self.has_hand_over_permission(request)

    def fixed_fields(self, request: HttpRequest) -> set[str]:
        return set() if self.has_hand_over_permission(request) else {"assigned_to_id"}

    def get_readonly_fields(self, request: HttpRequest, obj: Restaurant | None = None):
        locked = [] if self.may_set_owner(request, obj) else ["assigned_to"]
        return [*super().get_readonly_fields(request, obj), *locked, "owner", "revenue"]

    def get_fieldsets(self, request: HttpRequest, obj: Restaurant | None = None):
        owner = "assigned_to" if self.may_set_owner(request, obj) else "owner"
        is_form = obj is None or self.has_change_permission(request, obj)
        revenue = "potential_revenue" if is_form else "revenue"
        return [
            (gettext_lazy("Account"), {"fields": [("name", owner), ("lead_status", revenue), "notes"]}),
            (
                gettext_lazy("Who and where"),
                {"fields": [("contact_person", "phone", "email"), "address", ("city", "state", "pincode")]},
            ),
            (gettext_lazy("Kind"), {"fields": [("restaurant_type", "cuisine_type")]}),
            *([AUDIT_FIELDSET] if obj else []),
        ]

    def get_form(self, request: HttpRequest, obj: Restaurant | None = None, change: bool = False, **kwargs: Any):
        """The owner is chosen from those to whom the user may hand over; the present one may stay."""
        form = super().get_form(request, obj, change, **kwargs)
        field: Any = form.base_fields.get("assigned_to")
        if field:
            users = get_user_model().objects.all()
            present = users.filter(pk=obj.assigned_to_id) if obj else users.none()
            field.queryset = Policy.of(request.user).recipients(users) | present
        return form

    def candidates_of(self, row: Restaurant, user: Any):
        return candidates_of(row, user)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The user who creates a lead owns it, unless the address names another owner."""
        owner = {} if "assigned_to" in request.GET else {"assigned_to": request.user.pk}
        return {**owner, **super().get_changeform_initial_data(request)}

    def save_formset(self, request, form, formset, change) -> None:
        formset.save(commit=False)  # fills in what the admin's log says
        formset.write(by=request.user)

    # --- The page -----------------------------------------------------------------------------

    def get_urls(self):
        view = self.admin_site.admin_view(self.timeline_view)
        return [path("<path:object_id>/timeline/", view, name="lead_restaurant_timeline"), *super().get_urls()]

    def get_lead_id(self, obj: Restaurant) -> int:
        return obj.pk

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        """With the rest of the account around the form; a form with errors is shown alone."""
        if obj and not context["errors"] and not context["is_popup"]:
            context |= self.account_context(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def account_context(self, request: HttpRequest, lead: Restaurant) -> dict[str, Any]:
        user = request.user
        account = AccountSummary(lead, user)
        entries, older = timeline_page(lead.pk, user, size=LATEST)
        verbs = {verb["form"].name: verb for verb in self.available_verbs(request, lead)}
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

    def additions(self, request: HttpRequest, lead: Restaurant) -> list[dict[str, Any]]:
        """Links to the forms that add something to the account and lead back to it."""
        links = []
        for name, model, permissions, initial in ADDITIONS:
            meta = model._meta
            if request.user.has_perms([f"{meta.app_label}.add_{meta.model_name}", *permissions]):
                address = reverse(f"admin:{meta.app_label}_{meta.model_name}_add")
                links.append({"name": name, "href": f"{address}?{initial.format(lead.pk)}&back=lead"})
        return links

    def timeline_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The whole timeline, page by page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            lead = self.get_object(request, unquote(object_id))
        except Restaurant.DoesNotExist:
            return self.redirect_missing(request, object_id)
        before = Cursor.parse(request.GET.get("before", ""))
        entries, older = timeline_page(lead.pk, request.user, before)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Timeline"),
            "subtitle": lead.name,
            "opts": self.opts,
            "original": lead,
            "entries": entries,
            "before": before,
            "older": older,
            "media": self.media,
        }
        return TemplateResponse(request, "backoffice/timeline_page.html", context)


def activity_of(leads: list[int]) -> Any:
    """Of each lead: the last touch, the last order, the next call. Future interactions do not count."""
    now = dates.now()
    touches = Interaction.objects.filter(lead=OuterRef("pk"), date__lte=now).order_by()
    orders = Interaction.objects.dated_orders().filter(lead=OuterRef("pk"), ordered_at__lte=now).order_by()
    plans = CallPlan.objects.unpaused().filter(lead=OuterRef("pk")).order_by()
    return (
        Restaurant.objects.filter(pk__in=leads)
        .order_by()
        .values("pk")
        .annotate(
            touched=Subquery(touches.values("lead").annotate(last=Max("date")).values("last")),
            ordered=Subquery(orders.values("lead").annotate(last=Max("ordered_at")).values("last")),
            due=Subquery(plans.values("lead").annotate(next=Min("next_call_date")).values("next")),
        )
    )
