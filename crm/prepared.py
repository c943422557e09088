"""SQL made once where every request needs it: short queries, single rows written; and long queries read in chunks.

For a short query or one row, making the SQL costs more than the database does; for a long list, so does holding all its
rows at once.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar, cast

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

from crm.postgresql import PlannedOnce, SentLater

CHUNK = 1_000  # rows
Row = TypeVar("Row")


def batched(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """The rows in lists of `size`, the last one shorter."""
    rows = iter(rows)
    while batch := list(islice(rows, size)):
        yield batch


class Compiled:
    """A `values_list` queryset as SQL."""

    def __init__(self, queryset: QuerySet) -> None:
        self.compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        try:
            self.sql, self.params = self.compiler.as_sql()
        except EmptyResultSet:  # Django sees that no row can match
            self.sql, self.params, self.converters = None, (), {}
        else:
            self.short_sql = PlannedOnce(self.sql)
            self.converters = self.compiler.get_converters([column for column, _, _ in self.compiler.select])

    def chunks(self, params: Any) -> Iterator[list]:
        """The rows, from the database that the project uses, at most CHUNK at a time."""
        if self.sql is None:
            return
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(self.sql, params)
            while rows := cursor.fetchmany(CHUNK):
                yield list(self.compiler.apply_converters(rows, self.converters)) if self.converters else rows

    def all(self, params: Any) -> list:
        """All rows of a short query, which the database plans once."""
        if self.sql is None:
            return []
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(self.short_sql, params)
            rows = cursor.fetchall()
        return list(self.compiler.apply_converters(rows, self.converters)) if self.converters else rows

    def later(self, params: Any) -> None:
        """Run it, for what it does: PostgreSQL gets it with the next statement."""
        if self.sql is None:
            return
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(SentLater(self.sql), params)


class Prepared:
    """`build(**values)` gives a `values_list` queryset whose SQL is the same for all values.

    `samples` are values that occur nowhere else among the query's parameters: it is built with them once for each kind
    of database, and from then on run with others in their place. One that is no parameter of the query changes nothing.
    `locked_by` is a query that is run for its locks before the rows are read, in one message: what a query that waits
    for a lock itself reads of other rows may be as old as the wait.
    """

    def __init__(self, build: Callable[..., QuerySet], locked_by: "Prepared | None" = None, /, **samples: Any) -> None:
        self.build, self.locked_by, self.samples = build, locked_by, samples
        self.compiled: dict[str, tuple[Compiled, list[tuple]]] = {}

    def rows(self, **values: Any) -> list:
        """All rows, of a query that gives few; the database plans it once."""
        if self.locked_by:
            self.locked_by.lock(**values)
        compiled, params = self.filled_in(values)
        return compiled.all(params)

    def lock(self, **values: Any) -> None:
        """Run it for its locks. On SQLite the transaction is the lock."""
        if connections[DEFAULT_DB_ALIAS].features.has_select_for_update:
            compiled, params = self.filled_in(values)
            compiled.later(params)

    def chunks(self, **values: Any) -> Iterator[list]:
        """The rows, at most CHUNK at a time; the database plans the query for these values."""
        compiled, params = self.filled_in(values)
        return compiled.chunks(params)

    def filled_in(self, values: dict[str, Any]) -> tuple[Compiled, list]:
        database = connections[DEFAULT_DB_ALIAS]
        if database.vendor not in self.compiled:
            compiled = Compiled(self.build(**self.samples))
            names = {stored(sample, database): name for name, sample in self.samples.items()}
            self.compiled[database.vendor] = compiled, [(names.get(param), param) for param in compiled.params]
        compiled, params = self.compiled[database.vendor]
        return compiled, [stored(values[name], database) if name else param for name, param in params]


def stored(value: Any, database: BaseDatabaseWrapper) -> Any:
    """A parameter as the database takes it; SQLite knows no date-times."""
    return database.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value


class PreparedWrites(models.Model):
    """Writes its row by an INSERT or UPDATE whose SQL is made once for each set of columns.

    So do Django's own `save()` and `create()`. The methods here go straight to it, without signals and what else a save
    does for models of other kinds, which costs more than the statement.
    """

    is_locked = False

    class Meta:
        abstract = True

    def insert_if(self, known: Prepared, **values: Any) -> bool:
        """Insert the row if the query gives one for the values, in one statement. False where it gives none."""
        condition, params = known.filled_in(values)
        inserted = condition.sql and self._insert(Columns.of(type(self)), (key_of(self),), condition.sql, params)
        if inserted:
            self.pk = inserted[0][0]
        return bool(inserted)

    def insert_later(self) -> None:
        """Insert a row whose id nobody asks for: PostgreSQL gets it with the next statement of the transaction."""
        self._insert(Columns.of(type(self)))

    def update_columns(self, names: Iterable[str]) -> None:
        """Write these fields. Raises DatabaseError where the row has gone.

        Of a row that is locked, which cannot go, PostgreSQL gets them with the next statement.
        """
        columns = Columns.of(type(self), tuple(names))
        if not self._update(columns, columns.saved(self, add=False), self.pk):
            raise DatabaseError("The row that was to be changed is not there.")

    def _insert(self, columns, returning: tuple = (), condition: str | None = None, params: Iterable = ()) -> list:
        database = connections[DEFAULT_DB_ALIAS]
        sql = insert_sql(self._meta.db_table, columns.names, returning, condition)
        values = columns.adapted(columns.saved(self, add=True), database)
        with database.cursor() as cursor:
            cursor.execute(sql, [*values, *params])
            inserted = cursor.fetchall() if returning else []
        if inserted or not returning:
            self._state.adding, self._state.db = False, DEFAULT_DB_ALIAS
        return inserted

    def _update(self, columns: "Columns", values: list, pk: Any) -> bool:
        database = connections[DEFAULT_DB_ALIAS]
        sql = update_sql(self._meta.db_table, key_of(self), columns.names, self.is_locked)
        with database.cursor() as cursor:
            cursor.execute(sql, [*columns.adapted(values, database), pk])
            return cursor.rowcount != 0  # −1: it has not been sent

    def _do_insert(self, manager, using, fields, returning_fields, raw):
        if raw or has_expression([getattr(self, field.attname) for field in fields]):
            return super()._do_insert(manager, using, fields, returning_fields, raw)
        columns = Columns.of(type(self), tuple(field.attname for field in fields))
        return self._insert(columns, tuple(field.column for field in returning_fields))

    def _do_update(self, base_qs, using, pk_val, values, update_fields, forced_update):
        names, given = tuple(field.attname for field, _, _ in values), [value for _, _, value in values]
        if not values or has_expression(given):
            return super()._do_update(  # type: ignore[call-arg]  # the stubs are of another Django
                base_qs, using, pk_val, values, update_fields, forced_update
            )
        return self._update(Columns.of(type(self), names), given, pk_val)


def key_of(row: models.Model) -> str:
    """The column of its primary key."""
    return cast(str, row._meta.pk.column)


def has_expression(values: list) -> bool:
    return any(hasattr(value, "resolve_expression") for value in values)


# What the drivers take as it is, by the kind of field.
READY: dict[type[models.Field], type] = {
    models.BooleanField: bool,
    models.CharField: str,
    models.ForeignKey: int,
    models.OneToOneField: int,
    models.PositiveIntegerField: int,
    models.TextField: str,
}
READY_ON = {"postgresql": {**READY, models.DateTimeField: datetime}, "sqlite": READY}


class Columns:
    """Some columns of a table, and what is written in them.

    Django asks each field for each value, in some ten calls; most values are as the driver takes them.
    """

    def __init__(self, fields: list[models.Field]) -> None:
        self.fields = fields
        self.names = tuple(field.column for field in fields)
        # These give what the row has: no table of ours has `auto_now`.
        own = {models.Field.pre_save, models.DateTimeField.pre_save}
        self.attributes = [(field.attname, field if type(field).pre_save not in own else None) for field in fields]
        self.ready = {vendor: [kinds.get(type(field)) for field in fields] for vendor, kinds in READY_ON.items()}

    @staticmethod
    @lru_cache(maxsize=1_000)
    def of(model: type[models.Model], names: tuple[str, ...] | None = None) -> "Columns":
        """Those with these names, or their attributes'; else all but the key, which the database gives."""
        fields = list(model._meta.concrete_fields)
        if names is None:
            return Columns([field for field in fields if not field.primary_key])
        return Columns([next(field for field in fields if name in (field.name, field.attname)) for name in names])

    def saved(self, row: models.Model, add: bool) -> list:
        """The row's values; some fields make theirs as they are saved."""
        return [made.pre_save(row, add) if made else getattr(row, name) for name, made in self.attributes]

    def adapted(self, values: list, database: BaseDatabaseWrapper) -> list:
        """The values as the driver takes them."""
        return [
            value
            if value is None or (type(value) is kind and getattr(value, "tzinfo", True))  # no naive instant
            else field.get_db_prep_save(value, database)
            for value, kind, field in zip(values, self.ready[database.vendor], self.fields, strict=True)
        ]


@lru_cache(maxsize=1_000)
def insert_sql(table: str, columns: tuple[str, ...], returning: tuple[str, ...], condition: str | None) -> str:
    """`condition` is a query that has to give a row."""
    names, answered = (", ".join(f'"{column}"' for column in each) for each in (columns, returning))
    places = ", ".join(["%s"] * len(columns))
    given = f"SELECT {places} WHERE EXISTS ({condition})" if condition else f"VALUES ({places})"
    sql = f'INSERT INTO "{table}" ({names}) {given}'
    return PlannedOnce(f"{sql} RETURNING {answered}") if returning else SentLater(sql)


@lru_cache(maxsize=1_000)
def update_sql(table: str, key: str, columns: tuple[str, ...], later: bool) -> str:
    changes = ", ".join(f'"{column}" = %s' for column in columns)
    return (SentLater if later else PlannedOnce)(f'UPDATE "{table}" SET {changes} WHERE "{key}" = %s')
