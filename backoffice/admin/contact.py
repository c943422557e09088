"""The list of contacts: whom to ask for."""

from typing import Any

from django.contrib import admin

from backoffice.admin.changelist import LargeChangeListMixin, link_to, mail_link, phone_link
from backoffice.admin.contact_base import ContactAdmin
from backoffice.admin.contact_page import ContactPage
from backoffice.admin.filters import ContactForm, FormFilter
from backoffice.exchange.pages import Exchange
from backoffice.exchange.sheets import ContactSheet
from contact.models import Contact


@admin.register(Contact)
class ContactList(Exchange, LargeChangeListMixin, ContactPage, ContactAdmin):
    sheet = ContactSheet
    list_display = ["name", "role", "lead", "city", "phone_number", "mail"]
    list_filter = [FormFilter.of(ContactForm)]
    search_help_text = "Name, role, phone, e-mail"
    has_moments = False

    @admin.display(ordering="restaurant__name")
    def lead(self, contact: Contact):
        return link_to(contact.restaurant)

    @admin.display(ordering="restaurant__city")
    def city(self, contact: Contact):
        return contact.restaurant.city

    @admin.display(description="phone")
    def phone_number(self, contact: Contact):
        return phone_link(contact.phone)

    @admin.display(description="e-mail")
    def mail(self, contact: Contact):
        return mail_link(contact.email)

    def describe(self, contact: Any) -> str:
        return f"{contact}{f', {contact.role}' if contact.role else ''} ({contact.restaurant})"
