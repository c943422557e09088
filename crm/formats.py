"""Numbers and amounts as people read them: in the format of the active language, with `CURRENCY` after an amount."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.formats import date_format, number_format
from django.utils.text import format_lazy
from django.utils.translation import gettext

NOTHING = "–"
NO_BREAK = "\N{NO-BREAK SPACE}"


def inside(label: Any) -> str:
    """A label within a sentence: in English in lower case, which is translated as a text of its own."""
    with translation.override(None):
        english = str(label).lower()
    return gettext(english)


def day_inside(day: date) -> str:
    """A day within a sentence: 2026-12-24 in English, and so in what the API says; in German 24.12.2026."""
    return date_format(day, gettext("Y-m-d"))


def number(value: int) -> str:
    """With separators of thousands: 12,500; in German 12.500."""
    return number_format(value, force_grouping=True)


def with_currency(label: Any) -> Any:
    """The label of a field for an amount, with the currency, where one is set."""
    return format_lazy("{} ({})", label, settings.CURRENCY) if settings.CURRENCY else label


def money(amount: Decimal | None, *, brief: bool = False) -> str:
    """With two decimals and the currency, where one is set: 4,500.00 EUR. `brief`: no decimals where they are zeros."""
    if amount is None:
        return NOTHING
    digits = f"{amount:.2f}"
    shown = digits.removesuffix(".00") if brief else digits
    text = number_format(shown, decimal_pos=len(shown.partition(".")[2]), force_grouping=True)  # type: ignore[arg-type]
    return f"{text}{NO_BREAK}{settings.CURRENCY}" if settings.CURRENCY else text
