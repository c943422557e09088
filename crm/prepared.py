"""A query that every request makes, turned into SQL once: for a short one that costs more than the database does."""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.models import QuerySet


class Prepared:
    """`build(**values)` gives a `values_list` queryset whose SQL is the same for all values.

    `samples` are values that occur nowhere else among the query's parameters: it is built with them once for each kind
    of database, and from then on run with others in their place. One that is no parameter of the query changes nothing.
    """

    def __init__(self, build: Callable[..., QuerySet], **samples: Any) -> None:
        self.build, self.samples = build, samples
        self.compiled: dict[str, tuple] = {}

    def rows(self, **values: Any) -> list:
        """The rows, from the database that the project uses."""
        if connection.vendor not in self.compiled:
            self.compiled[connection.vendor] = self._compile()
        compiler, sql, params, converters = self.compiled[connection.vendor]
        with connection.cursor() as cursor:
            cursor.execute(sql, [values[name] if name else param for name, param in params])
            rows = cursor.fetchall()
        return list(compiler.apply_converters(rows, converters)) if converters else rows

    def _compile(self) -> tuple:
        compiler = self.build(**self.samples).query.get_compiler(connection.alias)
        sql, params = compiler.as_sql()
        names = {sample: name for name, sample in self.samples.items()}
        marked = [(names.get(param), param) for param in params]
        return compiler, sql, marked, compiler.get_converters([column for column, _, _ in compiler.select])
