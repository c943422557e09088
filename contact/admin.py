from crm.admin import STAMPS, StampedAdmin


class ContactAdmin(StampedAdmin):
    """What is the contact's own; registered by the back office."""

    list_display = ["name", "role", "restaurant", "phone", "email"]
    list_select_related = ["restaurant"]
    search_fields = ["search"]
    autocomplete_fields = ["restaurant"]
    fields = ["restaurant", "name", "role", "email", "phone", "address", *STAMPS]
