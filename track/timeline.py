"""Interactions, orders and quiet marks in the timeline of their lead; interactions by their date."""

from collections.abc import Callable
from typing import Any

from django.db.models import Exists, Expression, OuterRef, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contact.models import Contact
from crm.formats import inside, money, number
from lead.models import Policy
from lead.timeline import Description, EntryType, Source, Viewer
from track.models import Interaction, OrderDetails, QuietMark
from track.serializers import InteractionSerializer, QuietMarkSerializer

HIDDEN_CONTACT = gettext_lazy("A contact of another lead")  # that the viewer may not see

# Annotations of the interactions, which apps to the left add in their AppConfig. `outcome`: how the call went, or "".
annotations: dict[str, Callable[[Viewer], Expression]] = {}


def interactions(lead: int, viewer: Viewer, is_order: bool) -> list[QuerySet]:
    """With the contact, the order's details and the outcome of the call, as far as the viewer may see them."""
    related = ["created_by"]
    related += ["contact"] if viewer.may_view(Contact) else []
    related += ["order"] if is_order and viewer.may_view(OrderDetails) else []
    added: dict[str, Any] = {name: expression_for(viewer) for name, expression_for in annotations.items()}
    if "contact" in related and not Policy.of(viewer.user).sees_everything:
        contacts = Contact.objects.visible_to(viewer.user)
        added["sees_contact"] = Exists(contacts.filter(pk=OuterRef("contact")))
    rows = Interaction.objects.visible_to(viewer.user).filter(lead=lead, order_placed=is_order)
    return [rows.annotate(**added).select_related(*related)]


def loaded(row: Any, name: str) -> Any:
    """The related row, where it was selected with this one and exists."""
    return row._meta.get_field(name).get_cached_value(row, default=None)


def describe_interaction(row: Any, viewer: Viewer) -> Description:
    title = row.get_interaction_type_display()
    if contact := loaded(row, "contact"):
        name = contact if getattr(row, "sees_contact", True) else inside(HIDDEN_CONTACT)
        title = _("%(type)s with %(contact)s") % {"type": title, "contact": name}
    if outcome := getattr(row, "outcome", ""):
        title += f": {_(outcome.replace('_', ' ').lower())}"
    order = loaded(row, "order")
    return Description(title, describe_order(order) if order else "", row.details)


def describe_order(order: OrderDetails) -> str:
    return _("%(product)s · quantity %(quantity)s · %(price)s") % {
        "product": order.product_details,
        "quantity": number(order.quantity),
        "price": money(order.total_price),
    }


def source(type: EntryType, is_order: bool) -> Source:
    def rows(lead: int, viewer: Viewer) -> list[QuerySet]:
        return interactions(lead, viewer, is_order)

    return Source(type, Interaction, "date", InteractionSerializer, rows, describe_interaction, lambda row: row)


INTERACTION, ORDER = source(EntryType.INTERACTION, False), source(EntryType.ORDER, True)


def quiet_marks(lead: int, viewer: Viewer) -> list[QuerySet]:
    return [QuietMark.objects.visible_to(viewer.user).filter(lead=lead).select_related("created_by")]


def describe_mark(mark: QuietMark, viewer: Viewer) -> Description:
    title = _("No longer quiet")
    if mark.until:
        title = _("Quiet until %(day)s") % {"day": date_format(mark.until, _("j M Y"))}
    return Description(title, details=mark.reason)


NOTE = Source(EntryType.NOTE, QuietMark, "created_at", QuietMarkSerializer, quiet_marks, describe_mark)
