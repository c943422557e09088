"""The page of an interaction: what happened and what was ordered, on one form. And that of the order alone."""

from typing import Any

from django.http import HttpRequest

from backoffice.admin.changeform import RECORD, Page
from backoffice.admin.interaction_base import OrderInline
from backoffice.admin.verb_forms import PersonField
from crm.api.serializers import id_of
from track.models import Interaction, OrderDetails


class OrderRow(OrderInline):
    fields: Any = None
    fieldsets = [(None, {"fields": ["product_details", ("quantity", "total_price", "order_date")]})]
    verbose_name_plural = "order"


class InteractionPage(Page):
    """Once the lead is known, its people are there to choose from."""

    happened = (
        None,
        {"fields": [("lead", "contact"), ("interaction_type", "date"), "details", "order_placed"]},
    )
    inlines = [OrderRow]

    def get_fieldsets(self, request: HttpRequest, obj: Interaction | None = None):
        return [self.happened, RECORD] if obj else [self.happened]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any):
        form = super().get_form(request, obj, change, **kwargs)
        lead = obj.lead_id if obj else id_of(request.GET.get("lead", ""))
        if lead and "contact" in form.base_fields:
            former = form.base_fields["contact"]
            people = PersonField(label=former.label, show_hidden_initial=former.show_hidden_initial)
            people.offer_people_of(lead, obj and obj.contact)
            form.base_fields["contact"] = people
        return form


class OrderPage(Page):
    fieldsets = [
        (None, {"fields": ["interaction", "product_details", ("quantity", "total_price", "order_date")]}),
        RECORD,
    ]

    def lead_of(self, obj: OrderDetails) -> int:
        return obj.interaction.lead_id
