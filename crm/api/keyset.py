"""Pages that lead on by key: the next one begins after the last row of this one, by the values that order the list.

So rows that are added or deleted meanwhile are neither shown twice nor left out. The key travels in a cursor, which is
signed: only values that the database gave come back, for a list of the same table in the same order.
"""

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any, Protocol, Self

from django.core.signing import BadSignature, Signer
from django.db import connections
from django.db.models import F, Field, Model, Q, QuerySet
from django.db.models.expressions import OrderBy

from crm.db.folding import fold_key

ALIAS = "order_key_"  # of an annotation with a value of the key
NO_ROWS = Q(pk__in=[])


class InvalidCursor(Exception):
    pass


class Keyset(Protocol):
    """A list whose order is whole."""

    def window(self, cursor: str, offset: int, size: int) -> tuple[list[Any], bool, str]:
        """The rows after `cursor`, if there is one, and `offset`; at most `size`.

        Then whether more rows follow, and the cursor for these: empty where rows do not hold their key. Raises
        InvalidCursor.
        """


def keyset_of(rows: Any) -> Keyset | None:
    """None where rows have no order in which they can be found again: a union, a slice, groups, a random order."""
    if isinstance(rows, QuerySet):
        return OrderedQuerySet.of(rows)
    return rows if isinstance(rows, SortedRows | RankedRows) else None


class ValuesAsJSON:
    """For Signer: date-times and decimals as texts, which their fields read."""

    def dumps(self, values: list[Any]) -> bytes:
        return json.dumps(values, default=str, ensure_ascii=False, separators=(",", ":")).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


def signer_of(order: Any) -> Signer:
    return Signer(sep="~", salt=f"{__name__} {order}")


def sign(values: list[Any], order: Any) -> str:
    return signer_of(order).sign_object(values, serializer=ValuesAsJSON)


def unsign(cursor: str, order: Any) -> list[Any]:
    try:
        return signer_of(order).unsign_object(cursor, serializer=ValuesAsJSON)
    except BadSignature:
        raise InvalidCursor from None


@dataclass
class Term:
    """A value by which rows are ordered: a column's, or an annotation's."""

    name: str
    descending: bool
    nulls_last: bool | None  # None: there are none
    field: Field

    def equal(self, value: Any) -> Q:
        return Q(**({f"{self.name}__isnull": True} if value is None else {self.name: value}))

    def beyond(self, value: Any) -> Q:
        """The rows that come after those with the value."""
        if value is None:
            return NO_ROWS if self.nulls_last else Q(**{f"{self.name}__isnull": False})
        later = Q(**{f"{self.name}__{'lt' if self.descending else 'gt'}": value})
        return later | Q(**{f"{self.name}__isnull": True}) if self.nulls_last else later

    def not_before(self, value: Any) -> Q:
        """What the database looks up in an index; for a term that may be null nothing is gained."""
        if self.nulls_last is not None:
            return Q()
        return Q(**{f"{self.name}__{'lte' if self.descending else 'gte'}": value})


@cache
def columns_of(model: Any) -> dict[str, Any]:
    """The fields of the model's table by the names that F knows."""
    meta: Any = model._meta
    return {"pk": meta.pk, **{name: field for field in meta.concrete_fields for name in (field.name, field.attname)}}


def has_order_of_its_own(field: Any) -> bool:
    """Whether `order_by` with the field's name is by the order of the table that it refers to, not by the reference."""
    return field.is_relation and [*field.related_model._meta.ordering] not in ([], ["id"], ["pk"])


class OrderedQuerySet:
    """A queryset as a Keyset. Its rows are instances, or dicts or tuples with whatever else `values` selects."""

    def __init__(self, queryset: QuerySet) -> None:
        self.queryset = queryset
        self.selected = [*(queryset.query.selected or ())]  # the names of the columns of values() and values_list()
        self.terms: list[Term] = []

    @classmethod
    def of(cls, queryset: QuerySet) -> Self | None:
        query = queryset.query
        if query.combinator or query.is_sliced or query.distinct_fields or query.extra_order_by:
            return None
        if isinstance(query.group_by, tuple) or not query.standard_ordering:
            return None
        default = queryset.model._meta.ordering if query.default_ordering else ()
        keyset, order = cls(queryset), [*(query.order_by or default or ())]
        if not all(map(keyset.add, order)):
            return None
        if not any(term.field.primary_key for term in keyset.terms):
            keyset.add("pk")
            keyset.queryset = keyset.queryset.order_by(*order, "pk")
        return keyset

    def add(self, ordering: Any) -> bool:
        """Take an argument of `order_by` as the next term. False for one that is no value of the row."""
        by_name = isinstance(ordering, str)
        if by_name:
            ordering = OrderBy(F(ordering.removeprefix("-")), descending=ordering.startswith("-"))
        elif not isinstance(ordering, OrderBy):
            ordering = OrderBy(ordering)
        expression: Any = ordering.expression
        if expression == F("?"):
            return False
        model: Any = self.queryset.model
        field = columns_of(model).get(getattr(expression, "name", "")) if isinstance(expression, F) else None
        if field:
            name, nulls_last = field.attname, self.are_nulls_last(ordering) if field.null else None
        else:
            name, nulls_last = f"{ALIAS}{len(self.terms)}", self.are_nulls_last(ordering)
            self.queryset = self.queryset.annotate(**{name: expression})
            field = self.queryset.query.annotations[name].output_field
        if by_name and expression.name != name and has_order_of_its_own(field):
            return False
        self.terms.append(Term(name, ordering.descending, nulls_last, field))
        return True

    def are_nulls_last(self, ordering: OrderBy) -> bool:
        """As the term says, else as the database has it by itself."""
        if ordering.nulls_first or ordering.nulls_last:
            return bool(ordering.nulls_last)
        return connections[self.queryset.db].features.order_by_nulls_first == ordering.descending

    @property
    def order(self) -> list[Any]:
        return [
            self.queryset.model._meta.label,
            *((term.name, term.descending, term.nulls_last) for term in self.terms),
        ]

    def window(self, cursor: str, offset: int, size: int) -> tuple[list[Any], bool, str]:
        rows = self.queryset.filter(self.after(unsign(cursor, self.order))) if cursor else self.queryset
        if self.selected:
            known = {*self.selected, *rows.query.annotations}
            added = {f"{ALIAS}{term.name}": F(term.name) for term in self.terms if term.name not in known}
            rows = rows.annotate(**added) if added else rows
        found = list(rows[offset : offset + size + 1])
        more = len(found) > size
        return list(map(self.without_key, found[:size])), more, self.cursor_of(found[size - 1], rows) if more else ""

    def cursor_of(self, row: Any, rows: QuerySet) -> str:
        if isinstance(row, Model):
            values = vars(row)
        elif type(row) in (tuple, dict):
            values = row if isinstance(row, dict) else dict(zip(rows.query.selected or (), row, strict=True))
        else:
            return ""
        return sign([values.get(term.name, values.get(f"{ALIAS}{term.name}")) for term in self.terms], self.order)

    def without_key(self, row: Any) -> Any:
        if not self.selected or type(row) not in (tuple, dict):
            return row
        return row[: len(self.selected)] if isinstance(row, tuple) else {name: row[name] for name in self.selected}

    def after(self, values: list[Any]) -> Q:
        """(a > x) or (a = x and ((b > y) or (b = y and c > z))), of several the bound of the first apart."""
        pairs = [(term, term.field.to_python(value)) for term, value in zip(self.terms, values, strict=True)]
        (last, value), *others = reversed(pairs)
        later = last.beyond(value)
        for term, value in others:
            later = term.beyond(value) | (term.equal(value) & later)
        return pairs[0][0].not_before(pairs[0][1]) & later if others else later


class SortedRows(list[Any]):
    """Rows of a table without a column for their order, sorted in Python: by `names`, texts by their folds.

    For tables that are Django's, and small. A leading minus means descending.
    """

    def __init__(self, rows: Iterable[Any], names: tuple[str, ...]) -> None:
        super().__init__(rows)
        self.names = names
        for name in reversed(names):
            self.sort(key=lambda row, name=name: self.key(row, name.removeprefix("-")), reverse=name.startswith("-"))  # type: ignore[misc]

    @staticmethod
    def key(row: Any, name: str) -> Any:
        value = getattr(row, name)
        return (fold_key(value), value) if isinstance(value, str) else value

    def window(self, cursor: str, offset: int, size: int) -> tuple[list[Any], bool, str]:
        rows: list[Any] = self
        columns = [name.removeprefix("-") for name in self.names]
        if cursor:
            last = SimpleNamespace(**dict(zip(columns, unsign(cursor, self.names), strict=True)))
            rows = SortedRows([*self, last], self.names)
            rows = rows[rows.index(last) + 1 :]
        found, more = rows[offset : offset + size], len(rows) > offset + size
        return found, more, sign([getattr(found[-1], name) for name in columns], self.names) if more else ""


class RankedRows(list[Any]):
    """Rows in memory that are in ascending order by their `key`, numbers that no two have alike; `name` names it."""

    def __init__(self, rows: Iterable[Any], name: str, key: Callable[[Any], tuple[float, ...]]) -> None:
        super().__init__(rows)
        self.name, self.key = name, key

    def window(self, cursor: str, offset: int, size: int) -> tuple[list[Any], bool, str]:
        if cursor:
            offset += bisect_right(self, tuple(unsign(cursor, self.name)), key=self.key)
        found, more = self[offset : offset + size], len(self) > offset + size
        return found, more, sign([*self.key(found[-1])], self.name) if more else ""
