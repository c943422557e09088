"""Queries whose SQL is made once: for a short query, making the SQL costs more than the database does."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable

from crm.fast import Planned, is_on

ID = 2**31 - 5  # no row has it


class CompiledQuery:
    """Compiles the SQL of `build(**values)` once, runs it with other values and returns the rows.

    `placeholders` are values that occur nowhere else among the query's parameters: the SQL is made with them, once for
    each kind of database, and run with others in their place. Where routers or `using` name a database, Django does it.
    """

    def __init__(self, build: Callable[..., QuerySet], placeholders: dict[str, Any], is_long: bool = False) -> None:
        self.build = build
        self.placeholders = placeholders
        self.is_long = is_long  # a query for many rows is planned each time
        self.statements: dict[str, Callable[[dict[str, Any]], list] | None] = {}

    def __call__(self, using: str | None = None, **values: Any) -> list:
        vendor = connections[DEFAULT_DB_ALIAS].vendor
        if not router.routers and using in (None, DEFAULT_DB_ALIAS) and is_on("reads"):
            if vendor not in self.statements:
                self.statements[vendor] = statement(self.build(**self.placeholders), self.placeholders, self.is_long)
            if run := self.statements[vendor]:
                return run(values)
        rows = self.build(**values)
        return list(rows.using(using) if using else rows)


def statement(
    queryset: QuerySet, placeholders: dict[str, Any], is_long: bool
) -> Callable[[dict[str, Any]], list] | None:
    """What runs a queryset's SQL with other values and gives its tuples or instances; None where they are not in it."""
    compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:  # Django sees that no row can match
        return None
    sql = sql if is_long else Planned(sql)
    names = {stored(sample): name for name, sample in placeholders.items()}
    given = [(names.get(param), param) for param in params]
    if not set(placeholders) <= {name for name, _ in given}:
        return None
    converters = compiler.get_converters([column for column, _, _ in compiler.select])
    is_model, info = queryset._iterable_class is ModelIterable, compiler.klass_info
    attnames = [compiler.select[place][0].target.attname for place in info["select_fields"]] if is_model else []

    def instance(row: tuple) -> Any:
        found = info["model"].from_db(DEFAULT_DB_ALIAS, attnames, row[: len(attnames)])
        for name, place in compiler.annotation_col_map.items():
            setattr(found, name, row[place])
        return found

    def rows(values: dict[str, Any]) -> list:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(sql, [stored(values[name]) if name else param for name, param in given])
            found = cursor.fetchall()
        if converters:
            found = list(compiler.apply_converters(found, converters))
        return [instance(row) for row in found] if is_model else found

    return rows


def stored(value: Any) -> Any:
    """A parameter as the database takes it; SQLite knows no date-times."""
    return connections[DEFAULT_DB_ALIAS].ops.adapt_datetimefield_value(value) if type(value) is datetime else value


@lru_cache(maxsize=200)
def locked_row(manager: Any) -> CompiledQuery:
    return CompiledQuery(lambda pk: manager.locked().filter(pk=pk).order_by(), {"pk": ID})


def locked_rows(model: Any, using: str) -> Any:
    """The model's rows, locked, for `refresh_from_db` to find its own."""
    is_usual = is_on("reads") and model.refresh_from_db is Model.refresh_from_db and not router.routers
    return LockedRow(model, using) if is_usual else model.objects.using(using).locked()


class LockedRow:
    def __init__(self, model: Any, using: str) -> None:
        self.model, self.using = model, using

    def filter(self, pk: Any) -> Any:
        if connections[self.using].get_autocommit():  # Django says that a lock needs a transaction
            return self.model.objects.using(self.using).locked().filter(pk=pk)
        self.found = locked_row(self.model.objects)(pk=pk, using=self.using)
        return self

    def only(self, *names: str) -> Any:
        return self  # with all columns: the row is going to be written

    def get(self) -> Any:
        if not self.found:
            raise self.model.DoesNotExist(f"{self.model.__name__} matching query does not exist.")
        return self.found[0]
