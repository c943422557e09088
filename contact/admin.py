from crm.admin import StampedAdmin


class ContactAdmin(StampedAdmin):
    """What is the contact's own; the back office registers it with its list and page."""

    list_select_related = ["restaurant"]
    search_fields = ["search"]
    autocomplete_fields = ["restaurant"]
