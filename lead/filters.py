import re
from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from crm.api.filters import ChoicesFilter, Field, FilterSet, IdFilter, MoneyFilter, TextFilter, UTCDateTimeFilter
from crm.db.external_ids import MAX_VALUE, SOURCE
from lead.models import LeadStatus


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
    external_id = ExternalIdFilter()
    updated_after = UTCDateTimeFilter("updated_at", "gte")
