from crm.api.filters import ChoicesFilter, FilterSet, FoldedFilter, IdFilter, MoneyFilter, UTCDateTimeFilter
from lead.models import LeadStatus


class RestaurantFilter(FilterSet):
    lead_status = ChoicesFilter(choices=LeadStatus.choices)
    assigned_to = IdFilter("assigned_to_id")
    city = FoldedFilter("city_fold")
    state = FoldedFilter("state_fold")
    cuisine_type = FoldedFilter("cuisine_type_fold")
    restaurant_type = FoldedFilter("restaurant_type_fold")
    potential_revenue_min = MoneyFilter("potential_revenue", "gte")
    potential_revenue_max = MoneyFilter("potential_revenue", "lte")
    created_after = UTCDateTimeFilter("created_at", "gte")
    created_before = UTCDateTimeFilter("created_at", "lt")
    updated_after = UTCDateTimeFilter("updated_at", "gte")
