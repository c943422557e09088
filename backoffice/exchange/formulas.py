"""Cells that a spreadsheet would run as formulas, made harmless on the way out and themselves again on the way in.

A text that starts like a formula gets an apostrophe before it (OWASP, "CSV Injection"). So that reading takes off
exactly what writing put on, a text that starts with apostrophes and then like a formula gets one more.
"""

import re

STARTS = "=+\\-@\t\r\n＝＋－＠"  # the wide ones count in East Asian editions
LIKE_A_FORMULA = re.compile(f"'*[{STARTS}]")
DISARMED = re.compile(f"'+[{STARTS}]")


def disarm(text: str) -> str:
    return f"'{text}" if LIKE_A_FORMULA.match(text) else text


def disarm_typed(text: str) -> str:
    """For a cell whose type is text already: only what `arm` would mistake."""
    return f"'{text}" if DISARMED.match(text) else text


def arm(text: str) -> str:
    """The text that was meant."""
    return text[1:] if DISARMED.match(text) else text
