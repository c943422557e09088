from backoffice.admin.base import TimestampedAdmin


class ContactAdmin(TimestampedAdmin):
    """What is the contact's own; the back office registers it with its list and page."""

    list_select_related = ["restaurant"]
    search_fields = ["search"]
    autocomplete_fields = ["restaurant"]
