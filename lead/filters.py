from crm.api.filters import ChoicesFilter, FilterSet, IdFilter, MoneyFilter, TextFilter, UTCDateTimeFilter
from lead.models import LeadStatus


class RestaurantFilter(FilterSet):
    lead_status = ChoicesFilter(choices=LeadStatus.choices)
    assigned_to = IdFilter("assigned_to_id")
    city = TextFilter()
    state = TextFilter()
    cuisine_type = TextFilter()
    restaurant_type = TextFilter()
    potential_revenue_min = MoneyFilter("potential_revenue", "gte")
    potential_revenue_max = MoneyFilter("potential_revenue", "lte")
    created_after = UTCDateTimeFilter("created_at", "gte")
    created_before = UTCDateTimeFilter("created_at", "lt")
    updated_after = UTCDateTimeFilter("updated_at", "gte")
