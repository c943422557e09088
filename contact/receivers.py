"""What contacts do when two leads become one; connected in contact.apps."""

from typing import Any

from contact.models import Contact, ContactMerge
from crm.db.folding import fold
from crm.db.merging import Journal
from lead.models import Restaurant


def on_leads_merging(
    sender: Any, survivor: Restaurant, dropped: Restaurant, journal: Journal, by: Any, **kwargs: Any
) -> None:
    """A person who is a contact of both is one contact afterwards."""
    rows = Contact.objects.using(journal.using).locked_with_keys().order_by("pk")
    people: dict[str, list[Contact]] = {}
    for contact in rows.filter(restaurant__in=[survivor, dropped]):
        people.setdefault(fold(contact.name), []).append(contact)
    for same_name in people.values():
        ours = [contact for contact in same_name if contact.restaurant_id == survivor.pk]
        for contact in same_name:
            if contact.restaurant_id != dropped.pk:
                continue
            if same := next((each for each in ours if each.is_same_person(contact)), None):
                same.absorb(contact, journal, {})
                record = ContactMerge.objects.using(journal.using).create(
                    survivor=same, merged_id=contact.pk, created_by=by
                )
                journal.created(record)
