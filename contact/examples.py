"""The API document's own examples of this section, by operation."""

from typing import Any

NEW_CONTACT = {
    "restaurant": 1,
    "name": "John Doe",
    "role": "Manager",
    "email": "john.doe@example.com",
    "phone": "123-456-7890",
    "address": "123 Street, City, Country",
}
CHANGED_CONTACT = {
    "restaurant": 1,
    "name": "John Smith",
    "role": "Head Manager",
    "email": "john.smith@example.com",
    "phone": "987-654-3210",
    "address": "456 Avenue, City, Country",
}
CONTACT = {"id": 1, **NEW_CONTACT}
CONTACT_IN_BRIEF = {name: CONTACT[name] for name in ("id", "name", "role", "phone", "email")}
TWIN_IN_BRIEF = {**CONTACT_IN_BRIEF, "id": 7, "name": "J. Doe", "role": "", "email": ""}
MATCH = {"score": 0.8, "reasons": ["PHONE", "NAMES_ALIKE"], "why": "Same phone, names alike."}
DIFFERENT = {"other": 7, "said_by": 1, "said_at": "2024-12-24T15:30:00Z"}

BODIES: dict[str, Any] = {
    "contact_create": NEW_CONTACT,
    "contact_update": CHANGED_CONTACT,
    "contact_partial_update": {"role": "Head Manager"},
    "contact_merge": {"other": 7, "take": {"phone": "other"}, "dry_run": True},
    "contact_unmerge": {"other": 7},
    "contact_say_not_duplicate": {"other": 7},
}

ANSWERS: dict[str, Any] = {
    "contact_list": [CONTACT],
    "contact_create": CONTACT,
    "contact_retrieve": CONTACT,
    "contact_merge": {**CONTACT, "moved": {"interactions": 12}},
    "contact_unmerge": CONTACT,
    "contact_pairs_of_restaurant": [{**MATCH, "contacts": [CONTACT_IN_BRIEF, TWIN_IN_BRIEF]}],
    "contact_duplicates": [{**MATCH, "contact": TWIN_IN_BRIEF}],
    "contact_not_duplicates": [DIFFERENT],
    "contact_say_not_duplicate": DIFFERENT,
    "contact_update": {"id": 1, **CHANGED_CONTACT},
    "contact_partial_update": {**CONTACT, "role": "Head Manager"},
    "address_book_create": {"url": "http://127.0.0.1:8000/contact/cards/x8K2mQ4vT6yB0nR5sW7zC9dF1gH3jL.vcf"},
}
