"""Recording what happened with an account, an order included: one form, one verb, at most once for the form's key."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.order import OrderForm
from backoffice.admin.timeline import current_zone, may_view
from backoffice.admin.verb_forms import MAX_TEXT, ContactField, LocalDateTimeField, TextArea
from contact.models import Contact
from crm import dates
from crm.api.exceptions import Conflict
from crm.api.idempotency import KeyReused, once_for_form
from crm.formats import with_currency
from crm.models import IdempotencyKey
from lead.models import Restaurant
from track.models import DATE_BOUNDS, Interaction, InteractionType, OrderDetails

ADD, ADD_ORDER = "track.add_interaction", "track.add_orderdetails"
DELETE = "track.delete_interaction"  # covers the order that goes with it
KEY = r"^[!-~]{1,128}$"


class OrderFields(OrderForm):
    """What was ordered: all of it, or nothing."""

    class Meta:
        model = OrderDetails
        fields = ("product_details", "quantity", "total_price")
        localized_fields = ("total_price",)
        widgets = {
            "product_details": TextArea(),
            "total_price": forms.TextInput({"inputmode": "decimal"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs, empty_permitted=True, use_required_attribute=False)
        self.fields["total_price"].label = with_currency(self.fields["total_price"].label)


class LogForm(forms.Form):
    """What `user` does for `lead`. Its `order` has the fields of an order, for users who may record one."""

    key = forms.RegexField(KEY, widget=forms.HiddenInput)
    interaction_type = forms.ChoiceField(
        choices=InteractionType.choices, widget=forms.RadioSelect, label=gettext_lazy("What")
    )
    contact = ContactField(label=gettext_lazy("With"))
    date = LocalDateTimeField(required=False, validators=DATE_BOUNDS, label=gettext_lazy("When"))
    details = forms.CharField(required=False, max_length=MAX_TEXT, widget=TextArea, label=gettext_lazy("Details"))

    recorded: Interaction | None = None
    is_key_used = False  # with something else

    def __init__(self, data: Any = None, *, user: Any, lead: Restaurant, initial: dict[str, Any] | None = None) -> None:
        self.user, self.lead = user, lead
        super().__init__(data, initial=initial)
        if may_view(user, Contact):
            self.fields["contact"].offer_contacts_of(lead.pk, user)  # type: ignore[attr-defined]
        else:
            del self.fields["contact"]
        self.order: OrderFields | None = None
        if user.has_perm(ADD_ORDER):
            self.order = OrderFields(data, initial=initial)
        else:
            kinds: Any = self.fields["interaction_type"]
            kinds.choices = [choice for choice in kinds.choices if choice[0] != InteractionType.ORDER]

    def is_valid(self) -> bool:
        is_valid = super().is_valid()
        return (self.order is None or self.order.is_valid()) and is_valid

    def clean_contact(self) -> Any:
        contact = self.cleaned_data["contact"]
        if contact and contact.restaurant_id != self.lead.pk:
            raise ValidationError(_("Choose one of the contacts of %(lead)s.") % {"lead": self.lead})
        return contact

    @property
    def has_order(self) -> bool:
        return self.order is not None and self.order.has_changed()

    @property
    def opens_order(self) -> bool:
        """Whether the fields of an order are unfolded."""
        return self.has_order or self["interaction_type"].value() == InteractionType.ORDER

    @property
    def error_count(self) -> int:
        return len(self.errors) + len(self.order.errors if self.order else [])

    # --- The verb -----------------------------------------------------------------------------

    def record(self) -> tuple[Interaction | None, bool]:
        """The interaction, and whether it is new; None with an error of the form, and then nothing was recorded."""
        key = self.cleaned_data["key"]
        try:
            once_for_form(self.user, key, self.data, self.log, about=self.lead.pk)
        except KeyReused:
            self.is_key_used = True
            self.add_error(None, _("This form was recorded already, with something else. Nothing was recorded now."))
        except ValidationError as error:  # the form was valid, so lead or contact changed since
            self.add_error(None, error.messages)
        except Conflict:
            self.add_error(None, _("A simultaneous change got in the way. Nothing was recorded; save again."))
        else:
            if self.recorded:
                return self.recorded, True
            return Interaction.objects.filter(pk=recorded_with(key, self.user)).first(), False
        return None, False

    def log(self) -> HttpResponse:
        """The id of the new row, as the answer that is stored with the key."""
        given = self.cleaned_data
        contact = given.get("contact")
        self.recorded = Interaction.log(
            lead_id=self.lead.pk,
            contact_id=contact and contact.pk,
            interaction_type=given["interaction_type"],
            details=given["details"],
            date=given["date"] or dates.now(),
            created_by=self.user,
            order=self.order.cleaned_data if self.order and self.has_order else None,
        )
        return HttpResponse(str(self.recorded.pk), status=201, content_type="text/plain")


def recorded_with(key: str, user: Any) -> int | None:
    """The id of what the user recorded with a form of this key; None for a key that was not used."""
    if not re.fullmatch(KEY, key):
        return None
    used = IdempotencyKey.objects.filter(user=user, key=key, status=201).first()
    content = bytes(used.content) if used else b""
    return int(content) if content.isdigit() else None


def this_minute() -> str:
    """The local time for an `<input type="datetime-local">`; empty in the hour that the clocks show twice."""
    local = dates.now().astimezone(current_zone())
    is_unique = local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset()
    return f"{local:%Y-%m-%dT%H:%M}" if is_unique else ""


def take_back(pk: int, user: Any) -> Interaction | None:
    """Delete an interaction that the user has recorded; None where it is gone, or not one of these."""
    with transaction.atomic():
        rows = Interaction.objects.visible_to(user).filter(created_by=user).select_related("lead")
        interaction = rows.locked_with_keys().filter(pk=pk).first()
        if interaction:
            interaction.delete(by=user)
            interaction.pk = pk
        return interaction
