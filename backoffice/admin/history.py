"""The lists of status changes and of owner changes, which the verbs of leads write."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy

from backoffice.admin.base import AUDIT_FIELDS, ReadOnlyMixin, TimestampedAdmin
from backoffice.admin.changelist import LargeChangeListMixin, link_to, moment_of, status_badge
from backoffice.admin.filters import FilterSetListFilter, OwnerChangeFilters, StatusChangeFilters
from lead.models import OwnerChange, StatusChange


class HistoryAdmin(ReadOnlyMixin, LargeChangeListMixin, TimestampedAdmin):
    search_fields = ["lead__search"]
    search_help_text = gettext_lazy("Name, phone, e-mail, city of the lead")
    list_display = ["when", "account", "old", "new", "by", "note"]

    @admin.display(description=gettext_lazy("date"), ordering="id")  # rows are inserted in the order of time
    def when(self, change: Any):
        return moment_of(change.created_at, change.zone)

    @admin.display(description=gettext_lazy("lead"), ordering="lead__name_fold")
    def account(self, change: Any):
        return link_to(change.lead)

    @admin.display(description=gettext_lazy("by"), ordering="created_by__username")
    def by(self, change: Any):
        return change.created_by


@admin.register(StatusChange)
class StatusChangeAdmin(HistoryAdmin):
    list_filter = [FilterSetListFilter.of(StatusChangeFilters)]
    list_display = [*HistoryAdmin.list_display[:-1], "reason", "note"]
    list_select_related = ["lead", "created_by"]
    fields = ["lead", "old_status", "new_status", "reason", "note", *AUDIT_FIELDS]

    @admin.display(description=gettext_lazy("from"), ordering="old_status")
    def old(self, change: StatusChange):
        return status_badge(change.old_status)

    @admin.display(description=gettext_lazy("to"), ordering="new_status")
    def new(self, change: StatusChange):
        return status_badge(change.new_status)


@admin.register(OwnerChange)
class OwnerChangeAdmin(HistoryAdmin):
    list_filter = [FilterSetListFilter.of(OwnerChangeFilters)]
    list_select_related = ["lead", "old_owner", "new_owner", "created_by"]
    fields = ["lead", "old_owner", "new_owner", "note", *AUDIT_FIELDS]

    @admin.display(description=gettext_lazy("from"), ordering="old_owner__username")
    def old(self, change: OwnerChange):
        return change.old_owner

    @admin.display(description=gettext_lazy("to"), ordering="new_owner__username")
    def new(self, change: OwnerChange):
        return change.new_owner
