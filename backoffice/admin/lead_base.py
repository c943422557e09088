from backoffice.admin.base import STAMPS, TimestampedAdmin, WrittenByVerbs


class RestaurantAdmin(TimestampedAdmin):
    """What is the lead's own; the back office registers it with its list and page."""

    list_select_related = ["assigned_to"]
    search_fields = ["search"]
    autocomplete_fields = ["assigned_to"]

    def get_readonly_fields(self, request, obj=None):
        """Another owner is a hand-over, for those who may."""
        may = obj is None or request.user.has_perm("lead.hand_over_restaurant")
        return [*super().get_readonly_fields(request, obj), *([] if may else ["assigned_to"])]

    def get_changeform_initial_data(self, request):
        """Whoever creates a lead owns it, unless the form names somebody else."""
        return {"assigned_to": request.user.pk, **super().get_changeform_initial_data(request)}


class StatusChangeAdmin(WrittenByVerbs, TimestampedAdmin):
    """To read: the verb `change_status` writes it."""

    list_select_related = ["lead", "created_by"]
    search_fields = ["lead__search"]
    fields = ["lead", "old_status", "new_status", "note", *STAMPS]


class OwnerChangeAdmin(WrittenByVerbs, TimestampedAdmin):
    """To read: the verbs `edit` and `hand_over` write it."""

    list_select_related = ["lead", "old_owner", "new_owner", "created_by"]
    search_fields = ["lead__search"]
    fields = ["lead", "old_owner", "new_owner", "note", *STAMPS]
