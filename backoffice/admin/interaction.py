"""The list of interactions: what happened."""

from typing import Any

from django.contrib import admin
from django.template.defaultfilters import truncatechars

from backoffice.admin.changelist import LargeChangeListMixin, link_to, moment_of
from backoffice.admin.filters import FormFilter, InteractionForm
from backoffice.admin.interaction_base import InteractionAdmin
from backoffice.admin.interaction_page import InteractionPage
from track.models import Interaction


@admin.register(Interaction)
class InteractionList(LargeChangeListMixin, InteractionPage, InteractionAdmin):
    list_display = ["when", "interaction_type", "lead_name", "contact", "said", "ordered", "created_by"]
    list_filter = [FormFilter.of(InteractionForm)]
    search_help_text = "Name, phone, e-mail, city of the lead"
    ordering = ["-date", "-id"]
    sortable_by = ["when", "interaction_type", "lead_name"]

    @admin.display(description="date", ordering="date")
    def when(self, interaction: Any):
        return moment_of(interaction.date, interaction.zone)

    @admin.display(description="lead", ordering="lead__name")
    def lead_name(self, interaction: Interaction):
        return link_to(interaction.lead)

    @admin.display(description="details")
    def said(self, interaction: Interaction):
        return truncatechars(interaction.details, 60)

    @admin.display(description="order", empty_value="")
    def ordered(self, interaction: Interaction):
        return "Placed" if interaction.order_placed else ""

    def describe(self, interaction: Any) -> str:
        return f"{interaction.get_interaction_type_display()} with {interaction.lead}, {interaction.date:%Y-%m-%d}"
