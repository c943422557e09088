from django.core.validators import EMPTY_VALUES

from crm import dates
from crm.api.filters import (
    ChoicesFilter,
    FilterSet,
    FoldedFilter,
    IdFilter,
    IdParameter,
    MoneyFilter,
    TruthFilter,
    UTCDateTimeFilter,
)
from lead.models import LeadStatus
from lead.timeline import EntryType


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


class RestaurantFilter(FilterSet):
    lead_status = ChoicesFilter(choices=LeadStatus.choices)
    assigned_to = OwnerFilter("assigned_to_id")
    city = FoldedFilter("city_fold")
    state = FoldedFilter("state_fold")
    cuisine_type = FoldedFilter("cuisine_type_fold")
    restaurant_type = FoldedFilter("restaurant_type_fold")
    potential_revenue_min = MoneyFilter("potential_revenue", "gte")
    potential_revenue_max = MoneyFilter("potential_revenue", "lte")
    created_after = UTCDateTimeFilter("created_at", "gte")
    created_before = UTCDateTimeFilter("created_at", "lt")
    updated_after = UTCDateTimeFilter("updated_at", "gte")
    stale = StaleFilter(
        help_text="Whether a lead is longer in its status than the days set for that, without a touch in these days,"
        " and without a call planned for today or later. Converted and lost leads are never stale."
    )
