"""The list and the page of work profiles: when and where users work. The computed dates of their plans follow."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from backoffice.admin.base import AUDIT_FIELDS, TimestampedAdmin
from call.models import WorkProfile


@admin.register(WorkProfile)
class WorkProfileAdmin(TimestampedAdmin):
    list_display = ["user", "time_zone", "working_days", "country", "region"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    autocomplete_fields = ["user"]

    def get_fields(self, request: HttpRequest, obj: WorkProfile | None = None):
        note = ["note"] if obj and obj.note else []
        return ["user", "time_zone", "working_days", "country", "region", *note, "leave", *AUDIT_FIELDS]

    def get_readonly_fields(self, request: HttpRequest, obj: WorkProfile | None = None):
        return ["user", "note", *AUDIT_FIELDS] if obj else AUDIT_FIELDS

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str):
        """Django's: the table has no search column, and one row a user."""
        return admin.ModelAdmin.get_search_results(self, request, queryset, search_term)
