from crm.filtering import ChoicesFilter, FilterSet, IdFilter, InstantFilter, MoneyFilter, TextFilter
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
    created_after = InstantFilter("created_at", "gte")
    created_before = InstantFilter("created_at", "lt")
    updated_after = InstantFilter("updated_at", "gte")
