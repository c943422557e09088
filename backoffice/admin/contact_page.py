"""The page of a contact."""

from django.http import HttpRequest

from backoffice.admin.changeform import RECORD, Page
from contact.models import Contact


class ContactPage(Page):
    person = (None, {"fields": ["restaurant", ("name", "role"), ("phone", "email"), "address"]})

    def get_fieldsets(self, request: HttpRequest, obj: Contact | None = None):
        return [self.person, RECORD] if obj else [self.person]

    def lead_of(self, obj: Contact) -> int:
        return obj.restaurant_id
