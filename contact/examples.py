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

BODIES: dict[str, Any] = {
    "contact_create": NEW_CONTACT,
    "contact_update": CHANGED_CONTACT,
    "contact_partial_update": {"role": "Head Manager"},
}

ANSWERS: dict[str, Any] = {
    "contact_list": [CONTACT],
    "contact_create": CONTACT,
    "contact_retrieve": CONTACT,
    "contact_update": {"id": 1, **CHANGED_CONTACT},
    "contact_partial_update": {**CONTACT, "role": "Head Manager"},
    "address_book_create": {"url": "http://127.0.0.1:8000/contact/cards/x8K2mQ4vT6yB0nR5sW7zC9dF1gH3jL.vcf"},
}
