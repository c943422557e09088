from crm.api.filters import FilterSet, FoldedFilter, IdFilter, UTCDateTimeFilter


class ContactFilter(FilterSet):
    restaurant = IdFilter("restaurant_id")
    role = FoldedFilter("role_fold")
    email = FoldedFilter("email_fold")
    updated_after = UTCDateTimeFilter("updated_at", "gte")
