from crm.api.filters import ChoicesFilter, FilterSet, IdFilter, TruthFilter, UTCDateTimeFilter
from track.models import InteractionType


class InteractionFilter(FilterSet):
    lead = IdFilter("lead_id")
    contact = IdFilter("contact_id")
    interaction_type = ChoicesFilter(choices=InteractionType.choices)
    order_placed = TruthFilter()
    date_after = UTCDateTimeFilter("date", "gte")
    date_before = UTCDateTimeFilter("date", "lt")
    updated_after = UTCDateTimeFilter("updated_at", "gte")
