"""Search: one column per table that holds what a person might type to find the row, and the query on it.

The text is folded: case, accents and width gone, so that `snabbkop` finds `Snabbköp`; and every phone is in it as
typed and as bare digits. Of a number that is sought, the last nine have to be there, however either is written. On
PostgreSQL a trigram index serves any part of three
letters.
"""

import unicodedata
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db import models
from django.db.migrations import RunSQL
from django.db.models import Q

from crm.db import phones
from crm.db.derived import DerivedField

MAX_TERMS = 10
MAX_LENGTH = 254


def fold(text: str) -> str:
    """`text` for comparing: compatibility forms, case and combining marks folded."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in decomposed if not unicodedata.combining(char))


class SearchField(DerivedField, models.TextField):
    """The text of its `sources`; `phones` are also searched by their digits."""

    def __init__(self, sources: Iterable[str] = (), phones: Iterable[str] = (), **kwargs) -> None:
        self.sources, self.phones = list(sources), list(phones)
        super().__init__(**{"editable": False, "default": "", **kwargs})

    def deconstruct(self):
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "sources": self.sources, "phones": self.phones}

    def derive(self, instance) -> str:
        words = [getattr(instance, name) for name in self.sources]
        words += [phones.digits(getattr(instance, name)) for name in self.phones]
        return fold("\n".join(word for word in words if word))


class TrigramIndex(RunSQL):
    """Migration operation: a trigram index on a table's column `search`. SQLite has none and scans."""

    def __init__(self, table: str, name: str) -> None:
        super().__init__(
            [
                "CREATE EXTENSION IF NOT EXISTS pg_trgm",
                f"CREATE INDEX {name} ON {table} USING gin (search gin_trgm_ops)",
            ],
            [f"DROP INDEX {name}"],
        )

    def database_forwards(self, app_label, schema_editor, from_state, to_state) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)


def words_of(text: str) -> list[str]:
    """What to look for, folded. Raises django's ValidationError for a text that is too long or holds NUL."""
    if "\0" in text:
        raise ValidationError("Null characters are not allowed.")
    words = fold(text).split()
    if len(text) > MAX_LENGTH or len(words) > MAX_TERMS:
        raise ValidationError(f"Search for at most {MAX_TERMS} words and {MAX_LENGTH} characters.")
    if phones.is_number(" ".join(words)):
        return [" ".join(words)]  # a number written in groups
    return words


def search(queryset: models.QuerySet, field: str, text: str) -> models.QuerySet:
    """The rows whose search column `field` (a look-up path) holds every word of `text`. Raises as `words_of`."""
    for word in words_of(text):
        matches = Q(**{f"{field}__contains": word})
        if phones.is_number(word):
            matches |= Q(**{f"{field}__contains": phones.read(word).tail or phones.digits(word)})
        queryset = queryset.filter(matches)
    return queryset
