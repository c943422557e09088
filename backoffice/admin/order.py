"""The list of orders: what was sold."""

from typing import Any, ClassVar

from django.contrib import admin
from django.template.defaultfilters import truncatechars

from backoffice.admin.changelist import LargeChangeListMixin, link_to, moment_of, money
from backoffice.admin.filters import FormFilter, OrderForm
from backoffice.admin.interaction_base import OrderDetailsAdmin
from backoffice.admin.interaction_page import OrderPage
from track.models import OrderDetails


@admin.register(OrderDetails)
class OrderList(LargeChangeListMixin, OrderPage, OrderDetailsAdmin):
    list_display = ["when", "account", "owner", "product", "quantity", "price"]
    list_filter = [FormFilter.of(OrderForm)]
    list_select_related = ["interaction__lead__assigned_to"]
    search_help_text = "Name, phone, e-mail, city of the lead"
    ordering = ["-order_date", "-id"]
    sums: ClassVar[dict[str, str]] = {"Revenue": "total_price"}

    @admin.display(description="date", ordering="order_date")
    def when(self, order: Any):
        return moment_of(order.order_date, order.zone)

    @admin.display(description="lead", ordering="interaction__lead__name")
    def account(self, order: OrderDetails):
        return link_to(order.interaction.lead)

    @admin.display(ordering="interaction__lead__assigned_to__username")
    def owner(self, order: OrderDetails):
        return order.interaction.lead.assigned_to

    @admin.display(description="product details")
    def product(self, order: OrderDetails):
        return truncatechars(order.product_details, 60)

    @admin.display(description="total price", ordering="total_price")
    def price(self, order: OrderDetails):
        return money(order.total_price)

    def describe(self, order: Any) -> str:
        return f"{order} ({order.interaction.lead}), {order.order_date:%Y-%m-%d}: {money(order.total_price)}"
