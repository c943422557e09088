"""Queries taken from the ORM as SQL: compiled once where every request asks them, read in chunks where they are long.

For a short query, turning a QuerySet into SQL costs more than the database does; for a long one, so does a list of all
its rows at once.
"""

from collections.abc import Callable, Iterator
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

CHUNK = 1_000  # rows


class Compiled:
    """A `values_list` queryset as SQL."""

    def __init__(self, queryset: QuerySet) -> None:
        self.compiler = queryset.query.get_compiler(connection.alias)
        try:
            self.sql, self.params = self.compiler.as_sql()
        except EmptyResultSet:  # Django sees that no row can match
            self.sql, self.params, self.converters = None, (), {}
        else:
            self.converters = self.compiler.get_converters([column for column, _, _ in self.compiler.select])

    def chunks(self, params: Any) -> Iterator[list]:
        """The rows, from the database that the project uses, at most CHUNK at a time."""
        if self.sql is None:
            return
        with connection.cursor() as cursor:
            cursor.execute(self.sql, params)
            while rows := cursor.fetchmany(CHUNK):
                yield list(self.compiler.apply_converters(rows, self.converters)) if self.converters else rows


class Prepared:
    """`build(**values)` gives a `values_list` queryset whose SQL is the same for all values.

    `samples` are values that occur nowhere else among the query's parameters: it is built with them once for each kind
    of database, and from then on run with others in their place. One that is no parameter of the query changes nothing.
    """

    def __init__(self, build: Callable[..., QuerySet], **samples: Any) -> None:
        self.build, self.samples = build, samples
        self.compiled: dict[str, tuple[Compiled, list[tuple]]] = {}

    def rows(self, **values: Any) -> list:
        if connection.vendor not in self.compiled:
            compiled = Compiled(self.build(**self.samples))
            names = {sample: name for name, sample in self.samples.items()}
            self.compiled[connection.vendor] = compiled, [(names.get(param), param) for param in compiled.params]
        compiled, params = self.compiled[connection.vendor]
        chunks = compiled.chunks([values[name] if name else param for name, param in params])
        return [row for chunk in chunks for row in chunk]
