from crm.filtering import FilterSet, IdFilter, InstantFilter, TextFilter


class ContactFilter(FilterSet):
    restaurant = IdFilter("restaurant_id")
    role = TextFilter()
    email = TextFilter()
    updated_after = InstantFilter("updated_at", "gte")
