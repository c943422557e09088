from typing import Any

from django.db.models import QuerySet

from crm.api.filters import (
    ChoicesFilter,
    DayFilter,
    FilterSet,
    FoldedFilter,
    IdFilter,
    TruthFilter,
    UTCDateTimeFilter,
)
from track.health import Verdict
from track.models import InteractionType


class InteractionFilter(FilterSet):
    lead = IdFilter("lead_id")
    contact = IdFilter("contact_id")
    interaction_type = ChoicesFilter(choices=InteractionType.choices)
    order_placed = TruthFilter()
    date_after = UTCDateTimeFilter("date", "gte")
    date_before = UTCDateTimeFilter("date", "lt")
    updated_after = UTCDateTimeFilter("updated_at", "gte")


class AppliedByView:
    """What it asks for is in no column: the view reads the value and applies it."""

    def filter(self, queryset: QuerySet, value: Any) -> QuerySet:
        return queryset


class VerdictFilter(AppliedByView, ChoicesFilter):
    pass


class OnFilter(AppliedByView, DayFilter):
    pass


class AllFilter(AppliedByView, TruthFilter):
    pass


ON = "The day that it is about, in the server's zone; today, if left out. Later orders do not count."


class AccountFilter(FilterSet):
    verdict = VerdictFilter(choices=Verdict.choices)
    owner = IdFilter("assigned_to_id")
    lead = IdFilter("id", help_text="The id of the lead.")
    city = FoldedFilter("city_fold")
    on = OnFilter(help_text=ON)
    all = AllFilter(help_text="Every lead, also those that are neither CONVERTED nor have ever ordered.")
