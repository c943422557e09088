"""Search: one column per table that holds what a person might type to find the row, and the query on it.

The text is folded (crm.db.folding), so that `snabbkop` finds `Snabbköp`; and every phone is in it as typed and as bare
digits. Of a number that is sought, the last nine have to be there, however either is written. On PostgreSQL a trigram
index serves any part of three letters.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.migrations import RunSQL
from django.db.models import Q
from django.utils.translation import gettext

from crm.db import phones
from crm.db.derived import DerivedField
from crm.db.folding import fold

MAX_TERMS = 10
MAX_LENGTH = 254


class SearchField(DerivedField, models.TextField):
    """The folded texts of the fields `sources`, a line each; `phones` are also searched by their digits."""

    def __init__(self, sources: Iterable[str] = (), phones: Iterable[str] = (), **kwargs) -> None:
        self.sources, self.phones = list(sources), list(phones)
        super().__init__(**{"editable": False, "default": "", **kwargs})

    def deconstruct(self):
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "sources": self.sources, "phones": self.phones}

    @property
    def reads(self) -> list[str]:
        return [*self.sources, *self.phones]

    def derive(self, instance) -> str:
        texts = [getattr(instance, name) for name in self.sources]
        texts += [phones.digits(getattr(instance, name)) for name in self.phones]
        return "\n".join(fold(text) for text in texts if text)


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
        raise ValidationError(gettext("Null characters are not allowed."))
    words = fold(text).split()
    if len(text) > MAX_LENGTH or len(words) > MAX_TERMS:
        raise ValidationError(
            gettext("Search for at most %(words)s words and %(characters)s characters.")
            % {"words": MAX_TERMS, "characters": MAX_LENGTH}
        )
    if phones.is_number(" ".join(words)):
        return [" ".join(words)]  # a number written in groups
    return words


def search(queryset: models.QuerySet, field: str | Sequence[str], text: str, user) -> models.QuerySet:
    """The rows whose search column `field` (a look-up path, or several) holds every word of `text`.

    Raises as `words_of`. Of several columns each is searched by its own index: an OR over joined tables has none. A
    related row is searched only where the user may see it: a contact may work for another lead by now.
    """
    paths = [field] if isinstance(field, str) else field
    for word in words_of(text):
        if len(paths) == 1:
            queryset = queryset.filter(holds(paths[0], word))
        else:
            rows = queryset.model._default_manager.using(queryset.db).order_by()
            first, *others = [seen(rows, path, user).filter(holds(path, word)).values("pk") for path in paths]
            queryset = queryset.filter(pk__in=first.union(*others))
    return queryset


def seen(rows: models.QuerySet, path: str, user) -> models.QuerySet:
    """The rows whose related row, that the path leads to, the user may see."""
    relation, _, _ = path.rpartition("__")
    if not relation:
        return rows
    related: Any = rows.model._meta.get_field(relation).related_model
    everything = related.objects.using(rows.db).order_by()
    visible = everything.visible_to(user)
    return rows if visible is everything else rows.filter(**{f"{relation}__in": visible.values("pk")})


def holds(path: str, word: str) -> Q:
    """Whether the search column has the folded word; a number also by its last digits."""
    matches = Q(**{f"{path}__contains": word})
    if phones.is_number(word):
        matches |= Q(**{f"{path}__contains": phones.read(word).tail or phones.digits(word)})
    return matches
