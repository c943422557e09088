"""Contacts in the timeline of their restaurant: each when it was added."""

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from contact.models import Contact
from contact.serializers import ContactSerializer
from lead.timeline import Description, EntryType, Source, Viewer


def contacts(lead: int, viewer: Viewer) -> list[QuerySet]:
    return [Contact.objects.visible_to(viewer.user).filter(restaurant=lead).select_related("created_by")]


def describe_contact(contact: Contact, viewer: Viewer) -> Description:
    name = f"{contact}, {contact.role}" if contact.role else str(contact)
    return Description(_("Contact added: %(name)s") % {"name": name})


CONTACT = Source(
    EntryType.CONTACT, Contact, "created_at", ContactSerializer, contacts, describe_contact, lambda contact: contact
)
