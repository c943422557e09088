"""The list of contacts, and the page of one."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from backoffice.admin.base import TimestampedAdmin
from backoffice.admin.changeform import AUDIT_FIELDSET, ChangeFormMixin
from backoffice.admin.changelist import link_to, mail_link, phone_link
from backoffice.admin.duplicates import DuplicateWarningMixin
from backoffice.admin.filters import ContactFilters, FilterSetListFilter
from backoffice.admin.merging import MergeMixin, MergeSelected
from backoffice.admin.own_first import OwnFirstMixin
from backoffice.exchange.export_pages import ExportMixin
from backoffice.exchange.import_pages import ImportMixin
from backoffice.exchange.kinds import ContactSheet
from contact.duplicates import candidates_of
from contact.models import Contact
from contact.serializers import ContactMergeSerializer


@admin.register(Contact)
class ContactAdmin(
    MergeMixin, ImportMixin, ExportMixin, OwnFirstMixin, DuplicateWarningMixin, ChangeFormMixin, TimestampedAdmin
):
    sheet = ContactSheet
    search_fields = ["search"]
    search_help_text = gettext_lazy("Name, role, phone, e-mail")
    list_display = ["name", "role", "lead", "city", "phone_number", "mail"]
    list_filter = [FilterSetListFilter.of(ContactFilters)]
    list_select_related = ["restaurant"]
    has_moments = False
    actions = [MergeSelected()]

    autocomplete_fields = ["restaurant"]
    merge_serializer = ContactMergeSerializer
    merge_refusal = gettext_lazy("Only contacts of one lead can be merged.")

    @admin.display(description=gettext_lazy("lead"), ordering="restaurant__name_fold")
    def lead(self, contact: Contact):
        return link_to(contact.restaurant)

    @admin.display(description=gettext_lazy("city"), ordering="restaurant__city")
    def city(self, contact: Contact):
        return contact.restaurant.city

    @admin.display(description=gettext_lazy("phone"))
    def phone_number(self, contact: Contact):
        return phone_link(contact.phone)

    @admin.display(description=gettext_lazy("e-mail"))
    def mail(self, contact: Contact):
        return mail_link(contact.email)

    def describe(self, contact: Any) -> str:
        return f"{contact}{f', {contact.role}' if contact.role else ''} ({contact.restaurant})"

    def candidates_of(self, row: Contact, user: Any):
        return candidates_of(row, user)

    def get_fieldsets(self, request: HttpRequest, obj: Contact | None = None):
        person = (None, {"fields": ["restaurant", ("name", "role"), ("phone", "email"), "address"]})
        return [person, AUDIT_FIELDSET] if obj else [person]

    def get_lead_id(self, obj: Contact) -> int:
        return obj.restaurant_id

    def mergeable(self, request: HttpRequest, row: Any) -> QuerySet:
        return super().mergeable(request, row).filter(restaurant=row.restaurant_id)
