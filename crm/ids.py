"""Ids as addresses, forms and files have them."""

import re

from crm.serializers import MAX_ID


def id_of(text: str) -> int | None:
    """None for a text that is no id, however long: Python refuses to read a number of thousands of digits."""
    return int(text) if re.fullmatch("[0-9]{1,19}", text) and 0 < int(text) <= MAX_ID else None
