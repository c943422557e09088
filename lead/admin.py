from django.contrib import admin

from crm.admin import STAMPS, StampedAdmin, WrittenByVerbs
from lead.models import OwnerChange, StatusChange


class StatusChangeInline(WrittenByVerbs, admin.TabularInline):
    """The history of the lead's status."""

    model = StatusChange
    fields = readonly_fields = ["created_at", "created_by", "old_status", "new_status", "note"]
    extra = 0
    ordering = ["-id"]
    verbose_name_plural = "status history"

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("created_by")


class OwnerChangeInline(WrittenByVerbs, admin.TabularInline):
    """Whose the lead was."""

    model = OwnerChange
    fields = readonly_fields = ["created_at", "created_by", "old_owner", "new_owner", "note"]
    extra = 0
    ordering = ["-id"]
    verbose_name_plural = "owner history"

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("created_by", "old_owner", "new_owner")


class RestaurantAdmin(StampedAdmin):
    """What is the lead's own; the back office registers it with what spans the apps."""

    list_display = ["name", "city", "lead_status", "contact_person", "phone", "assigned_to", "updated_at"]
    list_filter = ["lead_status", "assigned_to"]
    list_select_related = ["assigned_to"]
    search_fields = ["search"]
    autocomplete_fields = ["assigned_to"]
    inlines = [StatusChangeInline, OwnerChangeInline]
    fieldsets = [
        (None, {"fields": ["name", "lead_status", "assigned_to", "potential_revenue", "notes"]}),
        ("Who and where", {"fields": ["contact_person", "phone", "email", "address", "city", "state", "pincode"]}),
        ("Kind", {"fields": ["restaurant_type", "cuisine_type"]}),
        ("Record", {"fields": STAMPS}),
    ]

    def get_readonly_fields(self, request, obj=None):
        """Another owner is a hand-over, for those who may."""
        may = obj is None or request.user.has_perm("lead.hand_over_restaurant")
        return [*super().get_readonly_fields(request, obj), *([] if may else ["assigned_to"])]

    def get_changeform_initial_data(self, request):
        """Whoever creates a lead owns it, unless the form names somebody else."""
        return {"assigned_to": request.user.pk, **super().get_changeform_initial_data(request)}


class StatusChangeAdmin(WrittenByVerbs, StampedAdmin):
    """To read: the verb `change_status` writes it."""

    list_display = ["lead", "old_status", "new_status", "created_by", "created_at"]
    list_filter = ["new_status", "created_by"]
    list_select_related = ["lead", "created_by"]
    search_fields = ["lead__search"]
    fields = ["lead", "old_status", "new_status", "note", *STAMPS]


class OwnerChangeAdmin(WrittenByVerbs, StampedAdmin):
    """To read: the verbs `edit` and `hand_over` write it."""

    list_display = ["lead", "old_owner", "new_owner", "created_by", "created_at"]
    list_filter = ["new_owner"]
    list_select_related = ["lead", "old_owner", "new_owner", "created_by"]
    search_fields = ["lead__search"]
    fields = ["lead", "old_owner", "new_owner", "note", *STAMPS]
