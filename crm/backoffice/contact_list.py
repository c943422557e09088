"""The list of contacts: whom to ask for."""

from typing import Any

from django.contrib import admin

from contact.admin import ContactAdmin
from contact.models import Contact
from crm.backoffice.contact_page import ContactPage
from crm.backoffice.exchange.pages import Exchange
from crm.backoffice.exchange.sheets import ContactSheet
from crm.backoffice.filters import ContactForm, FormFilter
from crm.backoffice.lists import WorkList, link_to, mail_link, phone_link


@admin.register(Contact)
class ContactList(Exchange, WorkList, ContactPage, ContactAdmin):
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

    def in_words(self, contact: Any) -> str:
        return f"{contact}{f', {contact.role}' if contact.role else ''} ({contact.restaurant})"
