"""What the lists may be narrowed by. Each list has one form; its fields are the parameters of the list's address.

Leads `/admin/lead/restaurant/`
    status          a LeadStatus, or `open`: neither converted nor lost
    owner_id        the owner's id; for links
    owner           the owner's username, else part of a username or name
    unassigned      `1`: without an owner
    city, type      part of the city, of the restaurant's type
    revenue_from, revenue_to        potential revenue, both inclusive
    touched_within, quiet_for       days: an interaction, no interaction since the day so many days ago
    ordered_within, no_order_for    days: an order, no order since then
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
    price_from, price_to            the order's price, both inclusive (orders)
    date_from, date_to              days (2026-01-31), both inclusive
    owner_id, owner, unassigned, city       of the lead
Status changes `/admin/lead/statuschange/`, changes of owner `/admin/lead/ownerchange/`
    new_status      a LeadStatus (status changes)
    date_from, date_to, owner_id, owner, unassigned, city

An empty value filters nothing. One that makes no sense lets nothing through and says so, so that nobody
acts on a whole table by a slip of the keyboard. Days are those of the zone of whoever looks.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cached_property
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from backoffice.accounts.user_field import colleagues_called, zone_of_viewer
from backoffice.admin.periods import Periods
from call.models import CallPlan, Frequency
from crm import dates
from crm.api.serializers import MAX_ID, id_of
from crm.db.search import fold
from lead.models import LeadStatus, Restaurant
from track.models import Interaction, InteractionType

OPEN = "open"
CLOSED = [LeadStatus.CONVERTED, LeadStatus.LOST]
DUE = {"overdue": "Overdue", "today": "Due today", "week": "Due in the 7 days after today"}
MAX_DAYS = 36_500
MAX_CITIES = 1_000
YES_NO = {"1": "Yes", "0": "No"}


def is_due(due: str, zone: ZoneInfo) -> Q:
    """Which unpaused plans a key of DUE means, by today's date in `zone`."""
    today = dates.today(zone)
    start, tomorrow = dates.bounds_of_day(today, zone)
    end = dates.start_of_day(today + timedelta(days=8), zone)
    is_then = {
        "overdue": Q(next_call_date__lt=start),
        "today": Q(next_call_date__gte=start, next_call_date__lt=tomorrow),
        "week": Q(next_call_date__gte=tomorrow, next_call_date__lt=end),
    }
    return is_then[due] & Q(paused=False)


def happened_since(days: int, zone: ZoneInfo) -> Any:
    """The interactions since the day so many `days` ago; what is dated ahead has not happened."""
    start = dates.start_of_day(dates.today(zone) - timedelta(days=days), zone)
    return Interaction.objects.filter(date__gte=start, date__lte=dates.now())


def cities_called(text: str) -> list[str]:
    """The cities, as written, that hold `text`, however accented; at most MAX_CITIES."""
    words = fold(text).split()
    leads = Restaurant.objects.order_by().exclude(city="")
    for word in words:
        leads = leads.filter(search__contains=word)
    written = leads.values_list("city", flat=True).distinct()
    return [city for city in written if fold(text.strip()) in fold(city)][:MAX_CITIES]


class Choice(forms.ChoiceField):
    """One of `choices`, or any."""

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        pairs = list(choices.items()) if isinstance(choices, dict) else list(choices)
        super().__init__(choices=[("", "Any"), *pairs], required=False, **kwargs)


class Words(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=254, required=False, **kwargs)


class Days(forms.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=MAX_DAYS, required=False, **kwargs)


class Day(forms.DateField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.DateInput({"type": "date"}), **kwargs)

    def clean(self, value: Any) -> date | None:
        day = super().clean(value)
        if day and not 1900 <= day.year <= 2200:
            raise forms.ValidationError("Give a year between 1900 and 2200.")
        return day


class Money(forms.DecimalField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_digits=14, decimal_places=2, required=False, **kwargs)


class ListForm(forms.Form):
    """A field's value narrows the list through the method `by_<its name>`."""

    to_lead: ClassVar[str] = ""  # the look-up path from a row to its lead

    def __init__(self, data: dict[str, str], *, request: HttpRequest) -> None:
        super().__init__(data, auto_id="filter-%s", label_suffix="")
        self.request = request

    @property
    def zone(self) -> ZoneInfo:
        return zone_of_viewer(self.request)

    def narrow(self, queryset: QuerySet) -> QuerySet:
        if not self.is_valid():
            return queryset.none()
        for name, value in self.cleaned_data.items():
            if value not in (None, "", False):
                queryset = getattr(self, f"by_{name}")(queryset, value)
        return queryset

    def said(self, name: str) -> str:
        """A given value, in words."""
        field: Any = self.fields[name]
        choices: Any = getattr(field, "choices", ())
        if choices:
            return str(dict(choices).get(self.data[name], self.data[name]))
        return "" if isinstance(field, forms.BooleanField) else self.data[name]

    def of_lead(self, **look_ups: Any) -> Q:
        return Q(**{f"{self.to_lead}{annotate_page}": value for annotate_page, value in look_ups.items()})


class OfLead(ListForm):
    """Whose the lead is, and where."""

    owner = Words()
    owner_id = forms.IntegerField(
        min_value=1, max_value=MAX_ID, required=False, label="Owner", widget=forms.HiddenInput
    )
    unassigned = forms.BooleanField(required=False, label="Without an owner")
    city = Words()

    def __init__(self, data: dict[str, str], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        if self.owner_in_link and "owner" not in data:  # so that the form, sent again, asks for the same
            self.data = {**data, "owner": self.owner_in_link}

    @cached_property
    def owner_in_link(self) -> str:
        """The username to the `owner_id`."""
        given = self.data.get("owner_id", "")
        pk = id_of(given)
        if pk is None:
            return given
        names = get_user_model().objects.filter(pk=pk).values_list(get_user_model().USERNAME_FIELD, flat=True)
        return names.first() or given

    def said(self, name: str) -> str:
        return self.owner_in_link if name == "owner_id" else super().said(name)

    def by_owner(self, queryset: QuerySet, text: str) -> QuerySet:
        if self.data.get("owner_id"):
            return queryset
        return queryset.filter(self.of_lead(assigned_to__in=[user.pk for user in colleagues_called(text)]))

    def by_owner_id(self, queryset: QuerySet, pk: int) -> QuerySet:
        return queryset.filter(self.of_lead(assigned_to=pk))

    def by_unassigned(self, queryset: QuerySet, yes: bool) -> QuerySet:
        return queryset.filter(self.of_lead(assigned_to=None))

    def by_city(self, queryset: QuerySet, text: str) -> QuerySet:
        return queryset.filter(self.of_lead(city__in=cities_called(text)))


class Dated(ListForm):
    """When it was: `dated` is the row's field. Where it `has_periods`, it has an index."""

    dated: ClassVar[str]
    has_periods: ClassVar[bool] = False

    date_from = Day(label="From")
    date_to = Day(label="To")

    def by_date_from(self, queryset: QuerySet, day: date) -> QuerySet:
        return queryset.filter(**{f"{self.dated}__gte": dates.start_of_day(day, self.zone)})

    def by_date_to(self, queryset: QuerySet, day: date) -> QuerySet:
        _, end = dates.bounds_of_day(day, self.zone)
        return queryset.filter(**{f"{self.dated}__lt": end})


class LeadForm(OfLead):
    status = Choice([*LeadStatus.choices, (OPEN, "Open: neither converted nor lost")])
    type = Words()
    revenue_from = Money(label="Potential revenue from")
    revenue_to = Money(label="Potential revenue to")
    touched_within = Days(label="Touched in the last … days")
    quiet_for = Days(label="Not touched for … days")
    ordered_within = Days(label="Ordered in the last … days")
    no_order_for = Days(label="No order for … days")
    plans = Choice({**DUE, "none": "No call plan"}, label="Calls")

    field_order = ["status", "owner", "unassigned", "city", "type", "plans"]

    def by_status(self, queryset: QuerySet, status: str) -> QuerySet:
        if status == OPEN:
            return queryset.exclude(lead_status__in=CLOSED)
        return queryset.filter(lead_status=status)

    def by_type(self, queryset: QuerySet, text: str) -> QuerySet:
        return queryset.filter(restaurant_type__icontains=text)

    def by_revenue_from(self, queryset: QuerySet, least: Any) -> QuerySet:
        return queryset.filter(potential_revenue__gte=least)

    def by_revenue_to(self, queryset: QuerySet, most: Any) -> QuerySet:
        return queryset.filter(potential_revenue__lte=most)

    def by_touched_within(self, queryset: QuerySet, days: int) -> QuerySet:
        return queryset.filter(self.has(happened_since(days, self.zone)))

    def by_quiet_for(self, queryset: QuerySet, days: int) -> QuerySet:
        return queryset.filter(~self.has(happened_since(days, self.zone)))

    def by_ordered_within(self, queryset: QuerySet, days: int) -> QuerySet:
        return queryset.filter(self.has(happened_since(days, self.zone).with_orders()))

    def by_no_order_for(self, queryset: QuerySet, days: int) -> QuerySet:
        return queryset.filter(~self.has(happened_since(days, self.zone).with_orders()))

    def by_plans(self, queryset: QuerySet, due: str) -> QuerySet:
        if due == "none":
            return queryset.filter(~self.has(CallPlan.objects.all()))
        open_leads = queryset.exclude(lead_status=LeadStatus.LOST)
        return open_leads.filter(self.has(CallPlan.objects.filter(is_due(due, self.zone))))

    def has(self, rows: QuerySet) -> Exists:
        return Exists(rows.filter(lead=OuterRef("pk")))


class ContactForm(OfLead):
    to_lead = "restaurant__"

    role = Words()

    def by_role(self, queryset: QuerySet, text: str) -> QuerySet:
        return queryset.filter(role__icontains=text)


class PlanForm(OfLead):
    to_lead = "lead__"

    due = Choice(DUE)
    frequency = Choice(Frequency.choices)
    paused = Choice(YES_NO)

    field_order = ["due", "frequency", "paused"]

    def by_due(self, queryset: Any, due: str) -> QuerySet:
        return queryset.filter(is_due(due, self.zone)).of_open_leads()

    def by_frequency(self, queryset: QuerySet, frequency: str) -> QuerySet:
        return queryset.filter(frequency=frequency)

    def by_paused(self, queryset: QuerySet, paused: str) -> QuerySet:
        return queryset.filter(paused=paused == "1")


class InteractionForm(Dated, OfLead):
    to_lead, dated, has_periods = "lead__", "date", True

    kind = Choice(InteractionType.choices)
    order_placed = Choice(YES_NO)

    field_order = ["kind", "order_placed", "date_from", "date_to"]

    def by_kind(self, queryset: QuerySet, kind: str) -> QuerySet:
        return queryset.filter(interaction_type=kind)

    def by_order_placed(self, queryset: QuerySet, placed: str) -> QuerySet:
        return queryset.filter(order_placed=placed == "1")


class OrderForm(Dated, OfLead):
    to_lead, dated, has_periods = "interaction__lead__", "order_date", True

    price_from = Money()
    price_to = Money()

    field_order = ["date_from", "date_to"]

    def by_price_from(self, queryset: QuerySet, least: Any) -> QuerySet:
        return queryset.filter(total_price__gte=least)

    def by_price_to(self, queryset: QuerySet, most: Any) -> QuerySet:
        return queryset.filter(total_price__lte=most)


class OwnerChangeForm(Dated, OfLead):
    to_lead, dated = "lead__", "created_at"


class StatusChangeForm(OwnerChangeForm):
    new_status = Choice(LeadStatus.choices)

    field_order = ["new_status", "date_from", "date_to"]

    def by_new_status(self, queryset: QuerySet, status: str) -> QuerySet:
        return queryset.filter(new_status=status)


class FormFilter(admin.ListFilter):
    """The one filter of a list: its form. Subclasses name it: `FormFilter.of(LeadForm)`."""

    title = "filter"
    template = "backoffice/filters.html"
    form_class: type[ListForm]

    @classmethod
    def of(cls, form_class: type[ListForm]) -> type["FormFilter"]:
        return type(f"{form_class.__name__}Filter", (cls,), {"form_class": form_class})

    def __init__(self, request: HttpRequest, params: dict[str, list[str]], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        asked = {name: params.pop(name)[-1].strip() for name in self.form_class.base_fields if name in params}
        given = {name: value for name, value in asked.items() if value}
        self.used_parameters = dict(given)
        self.form = self.form_class(given, request=request)

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str]:
        return list(self.form_class.base_fields)

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return self.form.narrow(queryset)

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """What is chosen, each with the address of the list without it."""
        self.changelist = changelist
        for name in self.used_parameters:
            label, value = str(self.form[name].label), self.form.said(name)
            if "…" in label:
                label, value = label.replace("…", value), ""
            yield {
                "label": label,
                "value": value,
                "errors": self.form[name].errors,
                "query_string": changelist.get_query_string({name: None}),
            }

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What else the address asks for: it stays when the form is sent."""
        others = self.changelist.filter_params.items()
        return [(name, value) for name, values in others if name not in self.form.fields for value in values]

    @property
    def periods(self) -> Periods | None:
        return Periods(self.changelist, self.form) if getattr(self.form, "has_periods", False) else None
