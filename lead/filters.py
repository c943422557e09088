from crm.api.filters import (
    ChoicesFilter,
    FilterSet,
    IdFilter,
    IdParameter,
    MoneyFilter,
    TextFilter,
    UTCDateTimeFilter,
)
from lead.models import LeadStatus

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
    city = TextFilter()
    state = TextFilter()
    cuisine_type = TextFilter()
    restaurant_type = TextFilter()
    potential_revenue_min = MoneyFilter("potential_revenue", "gte")
    potential_revenue_max = MoneyFilter("potential_revenue", "lte")
    created_after = UTCDateTimeFilter("created_at", "gte")
    created_before = UTCDateTimeFilter("created_at", "lt")
    updated_after = UTCDateTimeFilter("updated_at", "gte")
