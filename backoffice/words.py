"""Numbers with their nouns, and texts that are for the page and for the history."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.utils import translation
from django.utils.translation import ngettext_lazy

from crm.formats import number

Result = TypeVar("Result")
NOUNS: dict[str, Any] = {
    "account": ngettext_lazy("%(count)s account", "%(count)s accounts", "n"),
    "lead": ngettext_lazy("%(count)s lead", "%(count)s leads", "n"),
    "order": ngettext_lazy("%(count)s order", "%(count)s orders", "n"),
}


def counted(count: int, what: str) -> str:
    """With a noun of NOUNS."""
    return NOUNS[what] % {"n": count, "count": number(count)}


def sentence_case(label: Any) -> str:
    """In English one capital; other languages write the label as it is translated."""
    text = str(label)
    return text.capitalize() if text == in_english(label) else text


def stores_english(function: Callable[..., Result]) -> Callable[..., Result]:
    """A decorator: what the function stores is in English, whatever the language of the page.

    Not `translation.override` itself: as a decorator one instance of it would serve all threads.
    """

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Result:
        with translation.override(None):
            return function(*args, **kwargs)

    return run


class Said:
    """A lazy text with lazy values: the page says it in its language, and what is stored is in English."""

    def __init__(self, text: Any, **values: Any) -> None:
        self.text, self.values = text, values

    def __str__(self) -> str:
        return str(self.text) % {name: value() if callable(value) else value for name, value in self.values.items()}


def in_english(text: Any) -> str:
    """Of a lazy text: what is stored is in English, whatever the language of the page that stores it."""
    with translation.override(None):
        return str(text)
