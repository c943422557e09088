from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from backoffice.admin.base import STAMPS, TimestampedAdmin
from track.models import Interaction, InteractionType, OrderDetails


class InteractionForm(forms.ModelForm):
    def clean(self):
        data = super().clean()
        lead, contact = data.get("lead"), data.get("contact")
        if lead and contact and contact.restaurant_id != lead.pk:
            self.add_error("contact", f"{contact} does not belong to {lead}.")
        return data


class OrderForm(forms.ModelForm):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["order_date"].required = False
        self.fields["order_date"].help_text = "Left blank: the interaction's date."


class OrderInline(admin.StackedInline):
    model = OrderDetails
    form = OrderForm
    fields = ["product_details", "quantity", "total_price", "order_date"]

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """As on every page of ours: what differs from the value that the page showed is what the user changed."""
        return super().formfield_for_dbfield(db_field, request, show_hidden_initial=True, **kwargs)


class InteractionAdmin(TimestampedAdmin):
    form = InteractionForm
    list_select_related = ["lead", "contact", "created_by"]
    search_fields = ["lead__search"]
    autocomplete_fields = ["lead", "contact"]

    def create(self, **fields) -> Interaction:
        fields["order_placed"] |= fields["interaction_type"] == InteractionType.ORDER
        try:
            return Interaction.log(**fields)
        except ValidationError as error:  # the form has looked; so one of them has gone, or moved, meanwhile
            raise IntegrityError(str(error)) from error

    def edit(self, obj, *, by, **changes) -> None:
        """The form has compared lead and person as they stood on its page, of which one may be another by now."""
        super().edit(obj, by=by, **changes)
        if {"lead", "contact"} & changes.keys() and obj.contact and obj.contact.restaurant_id != obj.lead_id:
            raise IntegrityError("The contact does not belong to the lead any more.")

    def save_formset(self, request, form, formset, change) -> None:
        """Order details are written by their verb; what the form left alone stays as it is by now."""
        formset.save(commit=False)  # tells the admin's log what happened
        for order_form in formset.forms:
            if order_form in formset.deleted_forms:
                order_form.instance.delete()
            elif order_form.has_changed():
                form.instance.lock()
                now = OrderDetails.objects.filter(interaction=form.instance).values(*OrderInline.fields).first() or {}
                given = {name: order_form.cleaned_data[name] for name in OrderInline.fields}
                left = {name: value for name, value in now.items() if name not in order_form.changed_data}
                form.instance.write_order(by=request.user, **{**given, **left})


class OrderDetailsAdmin(TimestampedAdmin):
    """All orders. They are placed, and taken back, on their interaction."""

    search_fields = ["interaction__lead__search"]
    readonly_fields = ["interaction", *STAMPS]

    def has_add_permission(self, request) -> bool:
        return False
