"""The lists of what the verbs have written down about leads: moves in the pipeline, and from owner to owner."""

from typing import Any

from django.contrib import admin

from backoffice.admin.changelist import LargeChangeListMixin, link_to, moment_of, status_badge
from backoffice.admin.filters import FormFilter, OwnerChangeForm, StatusChangeForm
from backoffice.admin.lead_base import OwnerChangeAdmin, StatusChangeAdmin
from lead.models import OwnerChange, StatusChange


class HistoryList(LargeChangeListMixin):
    search_help_text = "Name, phone, e-mail, city of the lead"

    @admin.display(description="date", ordering="id")  # written in the order of time
    def when(self, change: Any):
        return moment_of(change.created_at, change.zone)

    @admin.display(description="lead", ordering="lead__name")
    def account(self, change: Any):
        return link_to(change.lead)

    @admin.display(description="by", ordering="created_by__username")
    def by(self, change: Any):
        return change.created_by


@admin.register(StatusChange)
class StatusChangeList(HistoryList, StatusChangeAdmin):
    list_display = ["when", "account", "old", "new", "by", "note"]
    list_filter = [FormFilter.of(StatusChangeForm)]

    @admin.display(description="from", ordering="old_status")
    def old(self, change: StatusChange):
        return status_badge(change.old_status)

    @admin.display(description="to", ordering="new_status")
    def new(self, change: StatusChange):
        return status_badge(change.new_status)


@admin.register(OwnerChange)
class OwnerChangeList(HistoryList, OwnerChangeAdmin):
    list_display = ["when", "account", "old", "new", "by", "note"]
    list_filter = [FormFilter.of(OwnerChangeForm)]

    @admin.display(description="from", ordering="old_owner__username")
    def old(self, change: OwnerChange):
        return change.old_owner

    @admin.display(description="to", ordering="new_owner__username")
    def new(self, change: OwnerChange):
        return change.new_owner
