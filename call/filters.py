from call.models import Frequency
from crm.api.filters import ChoicesFilter, FilterSet, IdFilter, UTCDateTimeFilter


class CallPlanFilter(FilterSet):
    lead = IdFilter("lead_id")
    frequency = ChoicesFilter(choices=Frequency.choices)
    next_call_after = UTCDateTimeFilter("next_call_date", "gte")
    next_call_before = UTCDateTimeFilter("next_call_date", "lt")
    updated_after = UTCDateTimeFilter("updated_at", "gte")
