"""In templates: {{ order.total_price|money }}."""

from django import template
from django.conf import settings

from crm.formats import money, number

register = template.Library()
register.filter("money", money)
register.filter("number", number)


@register.simple_tag
def currency() -> str:
    return settings.CURRENCY
