"""The contacts of one restaurant that may be one person: up to FEW are compared all with all, more within blocks."""

from collections.abc import Iterable
from itertools import combinations

from contact.models import Contact, NotDuplicateContact
from crm.db.derived import derive
from lead.candidates import ROWS, Candidate, Pair, different_from, likeliest, pairs_within
from lead.duplicates import BLOCKS, Record, blocks, name_key

FEW = 100  # contacts


def record_of(contact: Contact) -> Record:
    """The city and the code of the address are the restaurant's: they tell nobody apart."""
    return Record(
        pk=contact.pk,
        name_fold=contact.name_fold,
        city_fold="",
        phone_e164=contact.phone_e164,
        phone_tail=contact.phone_tail,
        email_fold=contact.email_fold,
        name_key=name_key(contact.name),
    )


def colleagues(restaurant: int, user) -> list[Contact]:
    """The first ROWS contacts of the restaurant with this id that the user may see."""
    return list(Contact.objects.visible_to(user).filter(restaurant=restaurant).order_by("pk")[:ROWS])


def candidates_of(contact: Contact, user) -> list[Candidate]:
    """The contacts of its restaurant that the contact may be; the likeliest first. It may not be saved yet."""
    if contact.pk is None:
        derive(contact, contact.database)
    rows = ((row, record_of(row)) for row in colleagues(contact.restaurant_id, user))
    return likeliest(record_of(contact), rows, different_from(NotDuplicateContact, contact), in_one_place=True)


def duplicates(restaurant: int, user) -> list[Pair]:
    """The pairs of contacts of the restaurant that may be one, and are not said to be different; likeliest first."""
    records = [record_of(contact) for contact in colleagues(restaurant, user)]
    if len(records) <= FEW:
        together: Iterable[list[Record]] = map(list, combinations(records, 2))
    else:
        together = (block for fields in BLOCKS for block in blocks(records, fields))
    pairs = pairs_within(together, in_one_place=True)
    of_restaurant = NotDuplicateContact.objects.filter(first__restaurant=restaurant)
    different = set(of_restaurant.order_by().values_list("first", "second"))
    return [pair for pair in pairs if (pair.first, pair.second) not in different]
