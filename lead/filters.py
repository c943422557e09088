import re
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import EMPTY_VALUES
from django.db.models import QuerySet

from crm import dates
from crm.api.filters import (
    COMPARED,
    ChoicesFilter,
    Field,
    FilterSet,
    FoldedFilter,
    IdFilter,
    IdParameter,
    MoneyFilter,
    TruthFilter,
    UTCDateTimeFilter,
)
from crm.db.external_ids import MAX_VALUE, SOURCE
from lead.duplicates import LIKELY
from lead.models import LeadStatus
from lead.timeline import EntryType


class ScoreFilter(django_filters.Filter):
    field_class = forms.DecimalField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=0, max_value=1, **kwargs)


class DuplicateFilter(FilterSet):
    min_score = ScoreFilter(
        "score", "gte", help_text=f"At least this score, 0 to 1. From {LIKELY} on a pair is likely one."
    )


class StaleFilter(TruthFilter):
    def filter(self, queryset, is_stale):
        if is_stale in EMPTY_VALUES:
            return queryset
        return queryset.stale_at(dates.now(), dates.server_zone(), is_stale)


class TimelineFilter(FilterSet):
    types = ChoicesFilter(choices=EntryType.choices)
    after = UTCDateTimeFilter("at", "gte")
    before = UTCDateTimeFilter("at", "lt")


NONE = "none"


class OwnerParameter(IdParameter):
    """The id of a user, or `none`."""

    def parse(self, value):
        return value.lower() if value.lower() == NONE else super().parse(value)


class OwnerFilter(IdFilter):
    """By owner; `none` for the leads that nobody owns, or an inactive user."""

    field_class = OwnerParameter

    def filter(self, qs, value):
        return qs.unattended() if value == NONE else super().filter(qs, value)


class ExternalIdParameter(Field):
    """`source:value`."""

    def parse(self, value: str) -> tuple[str, str]:
        if not (found := re.fullmatch(f"({SOURCE}):([^\0]{{1,{MAX_VALUE}}})", value)):
            raise ValidationError("Enter an external id: source:value.")
        return found[1], found[2]


class ExternalIdFilter(django_filters.Filter):
    """The lead with that id in another system."""

    field_class = ExternalIdParameter

    def filter(self, qs: QuerySet, value: Any) -> QuerySet:
        return qs.filter(external_ids__source=value[0], external_ids__value=value[1]) if value else qs


COMPARED[OwnerFilter] = int  # the id of a user


class RestaurantFilter(FilterSet):
    lead_status = ChoicesFilter(choices=LeadStatus.choices)
    assigned_to = OwnerFilter("assigned_to_id")
    city = FoldedFilter("city_fold")
    state = FoldedFilter("state_fold")
    cuisine_type = FoldedFilter("cuisine_type_fold")
    restaurant_type = FoldedFilter("restaurant_type_fold")
    email = FoldedFilter("email_fold")
    potential_revenue_min = MoneyFilter("potential_revenue", "gte")
    potential_revenue_max = MoneyFilter("potential_revenue", "lte")
    created_after = UTCDateTimeFilter("created_at", "gte")
    created_before = UTCDateTimeFilter("created_at", "lt")
    external_id = ExternalIdFilter()
    updated_after = UTCDateTimeFilter("updated_at", "gte")
    stale = StaleFilter(
        help_text="Whether a lead is longer in its status than the days set for that, without a touch in these days,"
        " and without a call planned for today or later. Converted and lost leads are never stale."
    )
