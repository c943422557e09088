"""Contacts as cards for phones: vCard 4.0 (RFC 6350), and 3.0 (RFC 2426) for older ones.

Written here: of the libraries, vobject knows only 3.0. Both versions share their syntax: lines end in CRLF, are folded
at 75 octets, and texts escape backslash, comma and newline; semicolons in 3.0 and in the parts of a value.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from contact.models import Contact
from crm.db.phones import read

VERSIONS = ["4.0", "3.0"]
LINE = 75  # octets
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def cards(contacts: Iterable[Contact], version: str) -> bytes:
    """One after the other, in UTF-8. Their restaurants should be loaded (`select_related`)."""
    return "".join(folded(line) for contact in contacts for line in lines(contact, version)).encode()


def lines(contact: Contact, version: str) -> list[str]:
    """The properties of a card; empty ones are left out. The name is not taken apart: cultures differ in its parts."""
    lead = contact.restaurant
    is_former = version == "3.0"
    text = part if is_former else text_of
    optional = {
        "ORG": part(lead.name),
        "TITLE": text(contact.role),
        "EMAIL;TYPE=INTERNET" if is_former else "EMAIL;TYPE=work": text(contact.email),
        "ADR;TYPE=WORK" if is_former else "ADR;TYPE=work": address(contact),
    }
    changed = max(contact.updated_at, lead.updated_at)
    return [
        "BEGIN:VCARD",
        f"VERSION:{version}",
        "PRODID:-//KAM CRM//Contacts//EN",
        f"UID{'' if is_former else ';VALUE=text'}:contact-{contact.pk}@kam-crm",
        f"FN:{text(contact.name)}",
        f"N:;{part(contact.name)};;;",
        *(f"{name}:{value}" for name, value in optional.items() if value),
        *telephone(contact, is_former),
        f"REV:{timestamp(changed, is_former)}",
        "END:VCARD",
    ]


def telephone(contact: Contact, is_former: bool) -> list[str]:
    """To dial, and to be recognised by, the E.164 number where it is known; else what was typed."""
    if not contact.phone:
        return []
    number, extension = contact.phone_e164, read(contact.phone).extension
    if is_former:
        value = f"{number} ext. {extension}" if number and extension else number or part(contact.phone)
        return [f"TEL;TYPE=WORK,VOICE:{value}"]
    if not number:
        return [f"TEL;VALUE=text;TYPE=work,voice:{text_of(contact.phone)}"]
    return [f"TEL;VALUE=uri;TYPE=work,voice:tel:{number}{f';ext={extension}' if extension else ''}"]


def address(contact: Contact) -> str:
    """Post box, extended address, street, city, state, code, country; a contact's own is one text, as the street."""
    lead = contact.restaurant
    if contact.address:
        parts = ["", "", contact.address, "", "", "", ""]
    else:
        parts = ["", "", lead.address, lead.city, lead.state, lead.pincode, ""]
    return ";".join(map(part, parts)) if any(parts) else ""


def text_of(value: str) -> str:
    """TEXT-CHAR of RFC 6350, section 4."""
    value = CONTROL_CHARACTERS.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    return re.sub(r"([\\,])", r"\\\1", value).replace("\n", "\\n")


def part(value: str) -> str:
    """Of a value with several parts; in 3.0 of any text (RFC 2426, section 4)."""
    return text_of(value).replace(";", "\\;")


def timestamp(moment: datetime, is_former: bool) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ" if is_former else "%Y%m%dT%H%M%SZ")


def folded(line: str) -> str:
    """Section 3.2: at most 75 octets a line, no character of several octets taken apart."""
    parts, room = [""], LINE
    for char in line:
        octets = len(char.encode())
        if octets > room:
            parts, room = [*parts, ""], LINE - 1  # the space that starts a continuation
        parts[-1] += char
        room -= octets
    return "\r\n ".join(parts) + "\r\n"
