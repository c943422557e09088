"""The filters of the admin's lists, one FilterSet a list; its filters are the parameters of the list's address.

Leads `/admin/lead/restaurant/`
    status          a LeadStatus, or `open`: neither converted nor lost
    owner_id        the owner's id; for links
    owner           `me`: who opens the list; the owner's username, else part of a username or name
    unassigned      `1`: without an owner
    unattended      `1`: without an owner who is active, as `?assigned_to=none` of the API
    city, type      part of the city, of the restaurant's type
    revenue_from, revenue_to        potential revenue, both inclusive
    touched_within, quiet_for       days: an interaction, no interaction since the day so many days ago
    ordered_within, no_order_for    days: an order, no order since then
    stale           `1`: stale, as in the API
    verdict         a Verdict: how the account does by the rhythm of its own orders, today in the server's zone
    plans           `overdue`, `today`, `week`: has a call plan that is; `none`: has no plan
Contacts `/admin/contact/contact/`
    owner_id, owner, unassigned, city, role
Call plans `/admin/call/callplan/`
    due             `overdue`, `today`, `week`: as DUE says; neither paused nor of a lost lead
    frequency       a Frequency
    paused          `1`, `0`
    owner_id, owner, unassigned, city       of the lead
Interactions `/admin/track/interaction/`, orders `/admin/track/orderdetails/`
    kind            an InteractionType (interactions)
    order_placed    `1`, `0` (interactions)
    ordered_from, ordered_to        days of the order, both inclusive (interactions)
    price_from, price_to            the order's price, both inclusive (orders)
    date_from, date_to              days (2026-01-31), both inclusive
    owner_id, owner, unassigned, city       of the lead
Status changes `/admin/lead/statuschange/`, changes of owner `/admin/lead/ownerchange/`
    new_status      a LeadStatus (status changes)
    date_from, date_to, owner_id, owner, unassigned, city

An empty value filters nothing. An invalid one shows no rows and an error, so that a typing mistake never leads to an
action on the whole table. Days are local dates in the viewer's zone.
"""

from collections.abc import Iterator
from datetime import date
from functools import cached_property
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import django_filters
from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.accounts.user_field import find_users, zone_of_viewer
from backoffice.activity import DUE, happened_since, is_due, ordered_since
from backoffice.admin.periods import Periods
from call.models import CallPlan, Frequency
from contact.models import Contact
from crm import dates
from crm.api.filters import FoldedFilter, MoneyFilter, TextFilter
from crm.api.serializers import MAX_ID, id_of
from crm.db.folding import fold
from lead.models import LeadStatus, OwnerChange, Restaurant, StatusChange
from track.accounts import accounts_of, today
from track.health import Verdict
from track.models import Interaction, InteractionType, OrderDetails

OPEN = "open"
ME = "me"  # as an owner: the viewer
CLOSED = [LeadStatus.CONVERTED, LeadStatus.LOST]
MAX_DAYS = 36_500
MAX_CITIES = 1_000
YES_NO = [("1", gettext_lazy("Yes")), ("0", gettext_lazy("No"))]


def matching_cities(text: str, user: Any) -> list[str]:
    """The stored spellings of cities of leads that the user may see, at most MAX_CITIES.

    They contain `text`, regardless of case and accents.
    """
    words = fold(text).split()
    leads = Restaurant.objects.visible_to(user).order_by().exclude(city="")
    for word in words:
        leads = leads.filter(search__contains=word)
    cities = leads.values_list("city", flat=True).distinct()
    return [city for city in cities if fold(text.strip()) in fold(city)][:MAX_CITIES]


class FilterForm(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="filter-%s", label_suffix="", **kwargs)


class DayField(forms.DateField):
    widget = forms.DateInput({"type": "date"}, format="%Y-%m-%d")

    def clean(self, value: Any) -> date | None:
        day = super().clean(value)
        if day and not 1900 <= day.year <= 2200:
            raise forms.ValidationError(_("Give a year between 1900 and 2200."))
        return day


class ChoiceFilter(django_filters.ChoiceFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, empty_label=gettext_lazy("Any"), **kwargs)


class IntegerFilter(django_filters.Filter):
    field_class = forms.IntegerField

    def __init__(self, *args: Any, max_value: int = MAX_DAYS, **kwargs: Any) -> None:
        super().__init__(*args, min_value=1, max_value=max_value, **kwargs)


class DayFilter(django_filters.Filter):
    field_class = DayField


class CheckboxFilter(django_filters.Filter):
    field_class = forms.BooleanField


class ListFilterSet(django_filters.FilterSet):
    """`Meta.fields` names the filters that come first."""

    class Meta:
        form = FilterForm

    @property
    def zone(self) -> ZoneInfo:
        return zone_of_viewer(self.request)

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        """No rows at all where one of the values is invalid."""
        return super().filter_queryset(queryset) if self.is_valid() else queryset.none()

    def display_value(self, name: str) -> str:
        """A value of the query string, as its field shows it."""
        field: Any = self.form.fields[name]
        choices: Any = getattr(field, "choices", ())
        if choices:
            return str(dict(choices).get(self.data[name], self.data[name]))
        return "" if isinstance(field, forms.BooleanField) else self.data[name]


class LeadOwnerFilters(ListFilterSet):
    """The owner of the lead, and its city."""

    lead_path: ClassVar[str] = ""  # the look-up path from a row to its lead

    owner = TextFilter(label=gettext_lazy("Owner"), method="by_owner")
    owner_id = IntegerFilter(
        label=gettext_lazy("Owner"), method="by_owner_id", max_value=MAX_ID, widget=forms.HiddenInput
    )
    unassigned = CheckboxFilter(label=gettext_lazy("Without an owner"), method="by_unassigned")
    city = TextFilter(label=gettext_lazy("City"), method="by_city")

    def __init__(self, data: dict[str, str], *args: Any, **kwargs: Any) -> None:
        super().__init__(data, *args, **kwargs)
        if self.linked_owner and "owner" not in data:  # so that the form, submitted again, has the same filter
            self.data = {**data, "owner": self.linked_owner}

    @cached_property
    def linked_owner(self) -> str:
        """The username for `owner_id`."""
        value = self.data.get("owner_id", "")
        pk = id_of(value)
        if pk is None:
            return value
        names = get_user_model().objects.filter(pk=pk).values_list(get_user_model().USERNAME_FIELD, flat=True)
        return names.first() or value

    def display_value(self, name: str) -> str:
        return self.linked_owner if name == "owner_id" else super().display_value(name)

    def lead_condition(self, **lookups: Any) -> Q:
        return Q(**{f"{self.lead_path}{lookup}": value for lookup, value in lookups.items()})

    def by_owner(self, queryset: QuerySet, name: str, text: str) -> QuerySet:
        if self.data.get("owner_id"):
            return queryset
        if text == ME:
            return self.by_owner_id(queryset, name, self.request.user.pk)
        return queryset.filter(self.lead_condition(assigned_to__in=[user.pk for user in find_users(text)]))

    def by_owner_id(self, queryset: QuerySet, name: str, pk: int) -> QuerySet:
        return queryset.filter(self.lead_condition(assigned_to=pk))

    def by_unassigned(self, queryset: QuerySet, name: str, checked: bool) -> QuerySet:
        return queryset.filter(self.lead_condition(assigned_to=None)) if checked else queryset

    def by_city(self, queryset: QuerySet, name: str, text: str) -> QuerySet:
        return queryset.filter(self.lead_condition(city__in=matching_cities(text, self.request.user)))


class DateRangeFilters(ListFilterSet):
    """`date_field` is the row's. `has_periods` offers years, months and days; it takes an index on the field."""

    date_field: ClassVar[str]
    has_periods: ClassVar[bool] = False

    date_from = DayFilter(label=gettext_lazy("From"), method="by_date_from")
    date_to = DayFilter(label=gettext_lazy("To"), method="by_date_to")

    def by_date_from(self, queryset: QuerySet, name: str, day: date) -> QuerySet:
        return queryset.filter(**{f"{self.date_field}__gte": dates.start_of_day(day, self.zone)})

    def by_date_to(self, queryset: QuerySet, name: str, day: date) -> QuerySet:
        _start, end = dates.bounds_of_day(day, self.zone)
        return queryset.filter(**{f"{self.date_field}__lt": end})


class LeadFilters(LeadOwnerFilters):
    status = ChoiceFilter(
        label=gettext_lazy("Status"),
        method="by_status",
        choices=[*LeadStatus.choices, (OPEN, gettext_lazy("Open: neither converted nor lost"))],
    )
    verdict = ChoiceFilter(label=gettext_lazy("Verdict"), method="by_verdict", choices=Verdict.choices)
    type = FoldedFilter("restaurant_type_fold", "contains", label=gettext_lazy("Type"))
    revenue_from = MoneyFilter("potential_revenue", "gte", label=gettext_lazy("Potential revenue from"), min_value=0)
    revenue_to = MoneyFilter("potential_revenue", "lte", label=gettext_lazy("Potential revenue to"), min_value=0)
    touched_within = IntegerFilter(label=gettext_lazy("Touched in the last … days"), method="by_touched_within")
    quiet_for = IntegerFilter(label=gettext_lazy("Not touched for … days"), method="by_quiet_for")
    ordered_within = IntegerFilter(label=gettext_lazy("Ordered in the last … days"), method="by_ordered_within")
    no_order_for = IntegerFilter(label=gettext_lazy("No order for … days"), method="by_no_order_for")
    unattended = CheckboxFilter(label=gettext_lazy("Without an active owner"), method="by_unattended")
    plans = ChoiceFilter(
        label=gettext_lazy("Calls"), method="by_plans", choices=[*DUE.items(), ("none", gettext_lazy("No call plan"))]
    )
    stale = CheckboxFilter(label=gettext_lazy("Stale"), method="by_stale")

    class Meta(ListFilterSet.Meta):
        model = Restaurant
        fields = ["status", "owner", "unassigned", "unattended", "city", "type", "verdict", "plans"]

    def by_status(self, queryset: QuerySet, name: str, status: str) -> QuerySet:
        if status == OPEN:
            return queryset.exclude(lead_status__in=CLOSED)
        return queryset.filter(lead_status=status)

    def by_verdict(self, queryset: QuerySet, name: str, verdict: str) -> QuerySet:
        accounts = accounts_of(queryset.model.objects.all(), today(), verdicts=[verdict])
        return queryset.filter(pk__in=[account.lead for account in accounts])

    def by_touched_within(self, queryset: QuerySet, name: str, days: int) -> QuerySet:
        return queryset.filter(exists_for_lead(happened_since(days, self.zone)))

    def by_quiet_for(self, queryset: QuerySet, name: str, days: int) -> QuerySet:
        return queryset.filter(~exists_for_lead(happened_since(days, self.zone)))

    def by_ordered_within(self, queryset: QuerySet, name: str, days: int) -> QuerySet:
        return queryset.filter(exists_for_lead(ordered_since(days, self.zone)))

    def by_no_order_for(self, queryset: QuerySet, name: str, days: int) -> QuerySet:
        return queryset.filter(~exists_for_lead(ordered_since(days, self.zone)))

    def by_unattended(self, queryset: Any, name: str, checked: bool) -> QuerySet:
        return queryset.unattended() if checked else queryset

    def by_plans(self, queryset: QuerySet, name: str, due: str) -> QuerySet:
        if due == "none":
            return queryset.filter(~exists_for_lead(CallPlan.objects.all()))
        open_leads = queryset.exclude(lead_status=LeadStatus.LOST)
        return open_leads.filter(exists_for_lead(CallPlan.objects.filter(is_due(due, self.zone))))

    def by_stale(self, queryset: Any, name: str, checked: bool) -> QuerySet:
        return queryset.stale_at(dates.now(), self.zone) if checked else queryset


def exists_for_lead(rows: QuerySet) -> Exists:
    return Exists(rows.filter(lead=OuterRef("pk")))


class ContactFilters(LeadOwnerFilters):
    lead_path = "restaurant__"

    role = FoldedFilter("role_fold", "contains", label=gettext_lazy("Role"))

    class Meta(ListFilterSet.Meta):
        model = Contact
        fields: ClassVar[list[str]] = []


class CallPlanFilters(LeadOwnerFilters):
    lead_path = "lead__"

    due = ChoiceFilter(label=gettext_lazy("Due"), method="by_due", choices=list(DUE.items()))
    frequency = ChoiceFilter(label=gettext_lazy("Frequency"), choices=Frequency.choices)
    paused = ChoiceFilter(label=gettext_lazy("Paused"), choices=YES_NO)

    class Meta(ListFilterSet.Meta):
        model = CallPlan
        fields = ["due", "frequency", "paused"]

    def by_due(self, queryset: Any, name: str, due: str) -> QuerySet:
        return queryset.filter(is_due(due, self.zone)).of_open_leads()


class InteractionFilters(LeadOwnerFilters, DateRangeFilters):
    lead_path, date_field, has_periods = "lead__", "date", True

    kind = ChoiceFilter("interaction_type", label=gettext_lazy("Kind"), choices=InteractionType.choices)
    order_placed = ChoiceFilter(label=gettext_lazy("Order placed"), choices=YES_NO)
    ordered_from = DayFilter(label=gettext_lazy("Ordered from"), method="by_ordered_from")
    ordered_to = DayFilter(label=gettext_lazy("Ordered to"), method="by_ordered_to")

    class Meta(ListFilterSet.Meta):
        model = Interaction
        fields = ["kind", "order_placed", "date_from", "date_to"]

    def by_ordered_from(self, queryset: Any, name: str, day: date) -> QuerySet:
        return queryset.ordered_between(start=dates.start_of_day(day, self.zone))

    def by_ordered_to(self, queryset: Any, name: str, day: date) -> QuerySet:
        _start, end = dates.bounds_of_day(day, self.zone)
        return queryset.ordered_between(end=end)


class OrderFilters(LeadOwnerFilters, DateRangeFilters):
    lead_path, date_field, has_periods = "interaction__lead__", "order_date", True

    price_from = MoneyFilter("total_price", "gte", label=gettext_lazy("Price from"), min_value=0)
    price_to = MoneyFilter("total_price", "lte", label=gettext_lazy("Price to"), min_value=0)

    class Meta(ListFilterSet.Meta):
        model = OrderDetails
        fields = ["date_from", "date_to"]


class OwnerChangeFilters(LeadOwnerFilters, DateRangeFilters):
    lead_path, date_field = "lead__", "created_at"

    class Meta(ListFilterSet.Meta):
        model = OwnerChange
        fields: ClassVar[list[str]] = []


class StatusChangeFilters(LeadOwnerFilters, DateRangeFilters):
    lead_path, date_field = "lead__", "created_at"

    new_status = ChoiceFilter(label=gettext_lazy("New status"), choices=LeadStatus.choices)

    class Meta(ListFilterSet.Meta):
        model = StatusChange
        fields = ["new_status", "date_from", "date_to"]


class FilterSetListFilter(admin.ListFilter):
    """The only filter of a list: a FilterSet and its form, as in `FilterSetListFilter.of(LeadFilters)`."""

    title = gettext_lazy("filter")
    template = "backoffice/filters.html"
    filterset_class: type[ListFilterSet]

    @classmethod
    def of(cls, filterset_class: type[ListFilterSet]) -> type["FilterSetListFilter"]:
        return type(f"{filterset_class.__name__}ListFilter", (cls,), {"filterset_class": filterset_class})

    def __init__(self, request: HttpRequest, params: dict[str, list[str]], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        values = {name: params.pop(name)[-1].strip() for name in self.expected_parameters() if name in params}
        self.used_parameters = {name: value for name, value in values.items() if value}
        self.filterset = self.filterset_class(dict(self.used_parameters), request=request)
        self.form = self.filterset.form

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str]:
        return list(self.filterset_class.base_filters)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return self.filterset.filter_queryset(queryset)

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """The filters that apply, each with the address of the list without it."""
        self.changelist = changelist
        for name in self.used_parameters:
            if changelist.is_own:  # the page says so elsewhere
                continue
            label, value = str(self.form[name].label), self.filterset.display_value(name)
            if "…" in label:
                label, value = label.replace("…", value), ""
            yield {
                "label": label,
                "value": value,
                "errors": self.form[name].errors,
                "query_string": changelist.without(name),
            }

    @property
    def clear_all(self) -> str:
        return self.changelist.without(*self.used_parameters)

    @property
    def other_parameters(self) -> list[tuple[str, str]]:
        """The rest of the query string, such as search and order, which the form submits too."""
        others = self.changelist.filter_params.items()
        return [(name, value) for name, values in others if name not in self.form.fields for value in values]

    @property
    def periods(self) -> Periods | None:
        return Periods(self.changelist, self.filterset) if getattr(self.filterset, "has_periods", False) else None
