from crm.api.filters import FilterSet, IdFilter, TextFilter, UTCDateTimeFilter


class ContactFilter(FilterSet):
    restaurant = IdFilter("restaurant_id")
    role = TextFilter()
    email = TextFilter()
    updated_after = UTCDateTimeFilter("updated_at", "gte")
