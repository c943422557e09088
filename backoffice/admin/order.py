"""The list of orders, and the page of one. Orders are placed, and taken back, on the page of their interaction."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.template.defaultfilters import truncatechars
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.base import TimestampedAdmin
from backoffice.admin.changeform import AUDIT_FIELDSET, ChangeFormMixin
from backoffice.admin.changelist import link_to, moment_of
from backoffice.admin.filters import FilterSetListFilter, OrderFilters
from backoffice.admin.own_first import OwnFirstMixin
from backoffice.exchange.import_pages import ImportMixin
from backoffice.exchange.kinds import OrderSheet
from crm import dates
from crm.formats import day_inside, money
from track.models import OrderDetails


class OrderForm(forms.ModelForm):
    """A blank date is the interaction's, and moves with it."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        date, quantity = self.fields.get("order_date"), self.fields.get("quantity")
        if date:
            date.required = False
            follows = self.instance.follows_interaction_date
            date.help_text = (
                _("It moves with the interaction's date.")
                if follows
                else _("Left blank: it is the interaction's date.")
            )
        if quantity:
            quantity.error_messages["invalid"] = gettext_lazy(
                "Enter a whole number; put the unit into the product details."
            )


@admin.register(OrderDetails)
class OrderDetailsAdmin(ImportMixin, OwnFirstMixin, ChangeFormMixin, TimestampedAdmin):
    sheet = OrderSheet
    form = OrderForm
    search_fields = ["interaction__lead__search"]
    search_help_text = gettext_lazy("Name, phone, e-mail, city of the lead")
    list_display = ["when", "account", "owner", "product", "quantity", "price"]
    list_filter = [FilterSetListFilter.of(OrderFilters)]
    list_select_related = ["interaction__lead__assigned_to"]
    ordering = ["-order_date", "-id"]
    sums: ClassVar[dict[Any, str]] = {gettext_lazy("Revenue"): "total_price"}

    readonly_fields = ["interaction", "price", *TimestampedAdmin.readonly_fields]

    @admin.display(description=gettext_lazy("date"), ordering="order_date")
    def when(self, order: Any):
        return moment_of(order.order_date, order.zone)

    @admin.display(description=gettext_lazy("lead"), ordering="interaction__lead__name_fold")
    def account(self, order: OrderDetails):
        return link_to(order.interaction.lead)

    @admin.display(description=gettext_lazy("owner"), ordering="interaction__lead__assigned_to__username")
    def owner(self, order: OrderDetails):
        return order.interaction.lead.assigned_to

    @admin.display(description=gettext_lazy("product details"))
    def product(self, order: OrderDetails):
        return truncatechars(order.product_details, 60)

    @admin.display(description=gettext_lazy("total price"), ordering="total_price")
    def price(self, order: OrderDetails):
        return money(order.total_price)

    def get_fieldsets(self, request: HttpRequest, obj: OrderDetails | None = None):
        price = "total_price" if self.has_change_permission(request, obj) else "price"
        return [
            (None, {"fields": ["interaction", "product_details", ("quantity", price, "order_date")]}),
            AUDIT_FIELDSET,
        ]

    def describe(self, order: Any) -> str:
        day = day_inside(dates.day_shown(order.order_date))
        return f"{order} ({order.interaction.lead}), {day}: {money(order.total_price)}"

    def get_lead_id(self, obj: OrderDetails) -> int:
        return obj.interaction.lead_id

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
