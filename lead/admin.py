from django.contrib import admin

from crm.admin import STAMPS, StampedAdmin
from lead.models import Restaurant, StatusChange


class StatusChangeInline(admin.TabularInline):
    """The history of the lead's status. The verb writes it, nobody else."""

    model = StatusChange
    fields = readonly_fields = ["created_at", "created_by", "old_status", "new_status", "note"]
    extra = 0
    ordering = ["-id"]
    verbose_name_plural = "status history"

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("created_by")

    def has_add_permission(self, request, obj=None) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


@admin.register(Restaurant)
class RestaurantAdmin(StampedAdmin):
    list_display = ["name", "city", "lead_status", "contact_person", "phone", "assigned_to", "updated_at"]
    list_filter = ["lead_status", "assigned_to"]
    list_select_related = ["assigned_to"]
    search_fields = ["search"]
    autocomplete_fields = ["assigned_to"]
    inlines = [StatusChangeInline]
    fieldsets = [
        (None, {"fields": ["name", "lead_status", "assigned_to", "potential_revenue", "notes"]}),
        ("Who and where", {"fields": ["contact_person", "phone", "email", "address", "city", "state", "pincode"]}),
        ("Kind", {"fields": ["restaurant_type", "cuisine_type"]}),
        ("Record", {"fields": STAMPS}),
    ]

    def get_changeform_initial_data(self, request):
        """Whoever creates a lead owns it, unless the form names somebody else."""
        return {"assigned_to": request.user.pk, **super().get_changeform_initial_data(request)}

    def get_deleted_objects(self, objs, request):
        """The history, which nobody may delete by itself, goes with its lead."""
        to_delete, counts, perms_needed, protected = super().get_deleted_objects(objs, request)
        return to_delete, counts, perms_needed - {StatusChange._meta.verbose_name}, protected


@admin.register(StatusChange)
class StatusChangeAdmin(StampedAdmin):
    """To read: the verb `change_status` writes it."""

    list_display = ["lead", "old_status", "new_status", "created_by", "created_at"]
    list_filter = ["new_status", "created_by"]
    list_select_related = ["lead", "created_by"]
    search_fields = ["lead__search"]
    fields = ["lead", "old_status", "new_status", "note", *STAMPS]

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False
