"""The list of past imports. Each leads to its own page, beside the list that it was imported to."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from backoffice.admin.base import ReadOnlyMixin
from backoffice.admin.changelist import SavableListMixin
from backoffice.exchange.kinds import may_import
from backoffice.models import Import

LISTS = {"orders": "track_orderdetails"}  # where the list is not that of the table


@admin.register(Import)
class ImportAdmin(SavableListMixin, ReadOnlyMixin, admin.ModelAdmin):
    """One's own imports, those of all users for superusers."""

    list_display = ["created_at", "kind", "name", "user", "status", "created", "changed", "unchanged", "errors"]
    list_filter = ["kind", "status"]
    list_select_related = ["user"]
    ordering = ["-id"]
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request).defer("content", "failed")
        return rows if request.user.is_superuser else rows.filter(user=request.user.pk)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_import(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        """The page of one's own import; other people's are shown as they are."""
        imported = self.get_object(request, object_id)
        if imported is None or imported.user_id != request.user.pk:
            return super().change_view(request, object_id, *args, **kwargs)
        meta = imported.model._meta
        name = LISTS.get(imported.kind, f"{meta.app_label}_{meta.model_name}")
        return HttpResponseRedirect(reverse(f"{self.admin_site.name}:{name}_preview", args=[imported.pk]))
