"""The list of interactions, and the page of one with its order."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest
from django.template.defaultfilters import truncatechars
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.base import FormFieldsMixin, TimestampedAdmin
from backoffice.admin.changeform import AUDIT_FIELDSET, ChangeFormMixin
from backoffice.admin.changelist import link_to, moment_of
from backoffice.admin.filters import FilterSetListFilter, InteractionFilters
from backoffice.admin.order import OrderForm
from backoffice.admin.own_first import OwnFirstMixin
from backoffice.admin.timeline import hidden_contacts
from backoffice.admin.verb_forms import ContactField
from backoffice.exchange.import_pages import ImportMixin
from backoffice.exchange.kinds import InteractionSheet
from crm import dates
from crm.api.serializers import id_of
from crm.formats import day_inside, money
from track.models import Interaction, InteractionType, OrderDetails
from track.timeline import HIDDEN_CONTACT

ORDER_FIELDS = ["product_details", "quantity", "total_price", "order_date"]


class InteractionForm(forms.ModelForm):
    def clean(self):
        data = super().clean() or {}
        lead, contact = data.get("lead"), data.get("contact")
        if lead and contact and contact.restaurant_id != lead.pk:
            field: Any = self.fields["contact"]
            text = _("%(contact)s does not belong to %(lead)s.")
            self.add_error("contact", text % {"contact": field.label_from_instance(contact), "lead": lead})
        is_unticked = "order_placed" in self.changed_data and not data.get("order_placed")
        if is_unticked and self.instance.pk and self.instance.has_order_details():
            self.add_error("order_placed", _("Delete the order below first, and save; then this can be unticked."))
        return data


class OrderInline(FormFieldsMixin, admin.StackedInline):
    model = OrderDetails
    form = OrderForm
    readonly_fields = ["price"]
    verbose_name_plural = gettext_lazy("order")

    def get_fieldsets(self, request: HttpRequest, obj: Interaction | None = None):
        price = "total_price" if self.has_change_permission(request, obj) else "price"
        return [(None, {"fields": ["product_details", ("quantity", price, "order_date")]})]

    @admin.display(description=gettext_lazy("total price"))
    def price(self, order: OrderDetails):
        return money(order.total_price)


@admin.register(Interaction)
class InteractionAdmin(ImportMixin, OwnFirstMixin, ChangeFormMixin, TimestampedAdmin):
    sheet = InteractionSheet
    search_fields = ["search", "lead__search", "contact__search"]
    search_help_text = gettext_lazy("Details, or name, phone, e-mail of the lead or contact")
    list_display = ["when", "interaction_type", "lead_name", "contact_name", "summary", "ordered", "created_by"]
    list_filter = [FilterSetListFilter.of(InteractionFilters)]
    list_select_related = ["lead", "contact", "created_by"]
    ordering = ["-date", "-id"]
    sortable_by = ["when", "interaction_type", "lead_name"]

    form = InteractionForm
    autocomplete_fields = ["lead", "contact"]
    inlines = [OrderInline]

    # --- The list -----------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("date"), ordering="date")
    def when(self, interaction: Any):
        return moment_of(interaction.date, interaction.zone)

    @admin.display(description=gettext_lazy("lead"), ordering="lead__name_fold")
    def lead_name(self, interaction: Interaction):
        return link_to(interaction.lead)

    @admin.display(description=gettext_lazy("contact"))
    def contact_name(self, interaction: Any):
        return HIDDEN_CONTACT if interaction.hides_contact else interaction.contact

    @admin.display(description=gettext_lazy("details"))
    def summary(self, interaction: Interaction):
        return truncatechars(interaction.details, 60)

    @admin.display(description=gettext_lazy("order"), empty_value="")
    def ordered(self, interaction: Interaction):
        return _("Placed") if interaction.order_placed else ""

    def annotate_page(self, request: HttpRequest, rows: list[Any]) -> None:
        hidden = hidden_contacts([(row.contact, row.lead_id) for row in rows if row.contact], request.user)
        for row in rows:
            row.hides_contact = row.contact_id in hidden

    def describe(self, interaction: Any) -> str:
        return _("%(type)s with %(lead)s, %(day)s") % {
            "type": interaction.get_interaction_type_display(),
            "lead": interaction.lead,
            "day": day_inside(dates.day_shown(interaction.date)),
        }

    # --- The page -----------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: Interaction | None = None):
        contact = "contact"
        if obj and not self.has_change_permission(request, obj):  # else a link with the name
            contact = "contact_name"
            self.annotate_page(request, [obj])
        fields = [("lead", contact), ("interaction_type", "date"), "details", "order_placed"]
        return [(None, {"fields": fields}), *([AUDIT_FIELDSET] if obj else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Interaction | None = None):
        return [*super().get_readonly_fields(request, obj), "contact_name"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any):
        """Where the lead is known, the contact is chosen from its contacts."""
        form = super().get_form(request, obj, change, **kwargs)
        lead = obj.lead_id if obj else id_of(request.GET.get("lead", ""))
        if lead and "contact" in form.base_fields:
            replaced = form.base_fields["contact"]
            field = ContactField(label=replaced.label, show_hidden_initial=replaced.show_hidden_initial)
            field.offer_contacts_of(lead, request.user, obj and obj.contact)
            form.base_fields["contact"] = field
        return form

    # --- The verbs ----------------------------------------------------------------------------

    def create(self, **fields) -> Interaction:
        fields["order_placed"] |= fields["interaction_type"] == InteractionType.ORDER
        try:
            return Interaction.log(**fields)
        except ValidationError as error:  # the form was valid, so lead or contact changed since
            raise IntegrityError(str(error)) from error

    def edit(self, obj, *, by, **changes) -> None:
        """The form has validated lead, contact and order as of its page; the row may have changed since."""
        try:
            super().edit(obj, by=by, **changes)
        except ValidationError as error:
            raise IntegrityError(str(error)) from error
        if {"lead", "contact"} & changes.keys() and obj.contact and obj.contact.restaurant_id != obj.lead_id:
            raise IntegrityError("The contact does not belong to the lead any more.")

    def delete(self, obj, *, by) -> None:
        obj.delete(by=by)

    def save_formset(self, request, form, formset, change) -> None:
        """Order details are written by their verb, which leaves unchanged fields as they are in the database."""
        formset.save(commit=False)  # fills in what the admin's log says
        for order_form in formset.forms:
            if order_form in formset.deleted_forms:
                order_form.instance.delete()
            elif order_form.has_changed():
                form.instance.lock()
                stored = OrderDetails.objects.filter(interaction=form.instance).first()
                submitted = {name: order_form.cleaned_data[name] for name in ORDER_FIELDS}
                if stored:
                    stored.edit(**{name: submitted[name] for name in order_form.changed_data})
                else:
                    form.instance.write_order(by=request.user, **submitted)
