"""Text for comparing: what people take for the same text folds to the same text.

Gone are case, width, accents, ligatures, kinds of spaces, quotes, apostrophes and hyphens, and what is invisible.
Letters of the Latin script that Unicode does not decompose (ø ł ı đ ð þ æ œ ŋ) become the ones that are typed for them;
other scripts stay as typed, without accents. The tables are Unicode's and AnyAscii's: where an upgrade of AnyAscii
changes a fold (crm/tests/test_folding.py tells), a migration has to fold the rows again.
"""

import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Any

from anyascii import anyascii
from django.db import models

from crm.db.derived import DerivedField

MAX_KEY = 254  # characters of a fold that are stored and compared: an index of PostgreSQL takes 2,700 bytes
SIGNS = {"'": "'", "`": "'", "''": "'", '"': '"', "-": "-"}  # what AnyAscii makes of apostrophes, quotes and hyphens
# By canonical combining class: accents, nuktas, kana's voicing, Hebrew and Arabic points. Not the virama (9), and not
# what are vowels and tones in Telugu, Thai, Lao and Tibetan (84 to 132).
ACCENTS = {1, 7, 8, *range(10, 37), *range(200, 256)}
INVISIBLE = ("VARIATION SELECTOR", "COMBINING GRAPHEME JOINER", "FILLER")  # in the names of those that are not Cf


def fold(text: str) -> str:
    """The folded text: lower case, words separated by single spaces, NFKD. Folding it again changes nothing."""
    words = " ".join(text.translate(_FOLDS).split())
    return words if words.isascii() else unicodedata.normalize("NFKD", words)


def fold_key(text: str) -> str:
    """The fold as a FoldedField stores it: its first MAX_KEY characters."""
    return fold(text)[:MAX_KEY].rstrip()


class _Folds(dict[int, str]):
    """The fold of each character, by its code; a table for `str.translate`, which fills itself."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
        self[code] = _sign(char) or (_folded(char) if parts == char else parts.translate(self))
        return self[code]


def _sign(char: str) -> str:
    """The apostrophe, quote or hyphen that is typed for the character; empty where it is no such sign."""
    category, name = unicodedata.category(char), unicodedata.name(char, "")
    if category == "Pd":
        return "-"
    if "QUOTATION MARK" in name:
        return "'" if "SINGLE" in name else '"'
    is_letter = category == "Lm" and unicodedata.is_normalized("NFKD", char)  # not a half-width mark of kana
    return SIGNS.get(anyascii(char), "") if category[0] in "PS" or is_letter else ""


def _folded(char: str) -> str:
    """Of a character that has no case and does not decompose."""
    category, name = unicodedata.category(char), unicodedata.name(char, "")
    if char.isspace() or category[0] == "Z":
        return " "
    if category in ("Cc", "Cf") or unicodedata.combining(char) in ACCENTS or any(word in name for word in INVISIBLE):
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if name.startswith("LATIN ") and category[0] == "L" and not char.isascii():
        letters = anyascii(char).lower()
        return letters.translate(_FOLDS) or char
    return char


_FOLDS = _Folds()


class ByteOrderedCharField(models.CharField):
    """A CharField that both databases order by the bytes of its UTF-8: on PostgreSQL by the collation "C"."""

    def db_parameters(self, connection: Any) -> Any:
        collation = "C" if connection.vendor == "postgresql" else None
        return {**super().db_parameters(connection), "collation": collation}


class FoldedField(DerivedField, ByteOrderedCharField):
    """The folded text of the field `source`, by which lists are ordered and filtered."""

    def __init__(self, source: str = "", sources: Iterable[str] = (), **kwargs: Any) -> None:
        self.sources = list(sources) or [source]
        super().__init__(**{"max_length": MAX_KEY, "editable": False, "default": "", "db_default": "", **kwargs})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "sources": self.sources}

    def derive(self, instance: models.Model) -> str:
        return fold_key(getattr(instance, self.sources[0]) or "")


@cache
def folded_fields(model: type[models.Model]) -> dict[str, str]:
    """The names of the model's fields that have a FoldedField, each with the name of that. Not of a subclass."""
    folded = [field for field in model._meta.concrete_fields if type(field) is FoldedField]
    return {field.sources[0]: field.name for field in folded}
