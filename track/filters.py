from crm.filtering import ChoicesFilter, FilterSet, IdFilter, InstantFilter, TruthFilter
from track.models import InteractionType


class InteractionFilter(FilterSet):
    lead = IdFilter("lead_id")
    contact = IdFilter("contact_id")
    interaction_type = ChoicesFilter(choices=InteractionType.choices)
    order_placed = TruthFilter()
    date_after = InstantFilter("date", "gte")
    date_before = InstantFilter("date", "lt")
    updated_after = InstantFilter("updated_at", "gte")
