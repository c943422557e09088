from call.models import Frequency
from crm.filtering import ChoicesFilter, FilterSet, IdFilter, InstantFilter


class CallPlanFilter(FilterSet):
    lead = IdFilter("lead_id")
    frequency = ChoicesFilter(choices=Frequency.choices)
    next_call_after = InstantFilter("next_call_date", "gte")
    next_call_before = InstantFilter("next_call_date", "lt")
    updated_after = InstantFilter("updated_at", "gte")
