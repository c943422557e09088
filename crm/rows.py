"""Rows straight from their columns to JSON, in the place of a serializer and byte for byte equal to its output.

A serializer costs more per row than the database and the network together. Where each of its fields only shows a
column, the column's value is written as it is: crm.rendering knows the contract's forms.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache

import orjson
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from rest_framework import serializers

from crm.prepared import CHUNK, batched
from crm.rendering import to_json
from crm.serializers import GivenBooleanField, InstantField, ModelSerializer, MoneyField, ReferenceField

WHOLE = 10_000  # rows; a longer list is streamed

SHOWN_AS_STORED = {
    serializers.BigIntegerField,
    serializers.BooleanField,
    serializers.CharField,
    serializers.ChoiceField,
    serializers.EmailField,
    serializers.IntegerField,
    serializers.PrimaryKeyRelatedField,
    GivenBooleanField,
    InstantField,
    MoneyField,
    ReferenceField,
}


@cache
def columns(serializer_class: type[ModelSerializer]) -> dict[str, str]:
    """The serializer's keys, in their order, each with the column that it shows.

    Raises TypeError for a field that shows anything but a column; such a serializer has to do its work itself.
    """
    attnames = {field.name: field.attname for field in serializer_class.Meta.model._meta.concrete_fields}
    shown = {}
    for name, field in serializer_class().fields.items():
        if field.write_only:
            continue
        if type(field) not in SHOWN_AS_STORED or "." in field.source:
            raise TypeError(f"{serializer_class.__name__}.{name} shows more than a column")
        shown[name] = attnames.get(field.source, field.source)  # else an annotation
    return shown


def tuples(queryset: QuerySet, serializer_class: type[ModelSerializer]) -> QuerySet:
    return queryset.values_list(*columns(serializer_class).values())


@cache
def as_objects(serializer_class: type[ModelSerializer]) -> Callable[[list[tuple]], list[dict]]:
    """What makes a dict of each row. A dict display takes a third of the time of `dict(zip(keys, row))`."""
    names = {key: f"column_{number}" for number, key in enumerate(columns(serializer_class))}
    pairs = ", ".join(f"{key!r}: {name}" for key, name in names.items())
    return eval(f"lambda rows: [{{{pairs}}} for {', '.join(names.values())}, in rows]")


def rows_to_json(rows: list[tuple], serializer_class: type[ModelSerializer]) -> bytes:
    """A JSON array of the rows that `tuples` gave."""
    return to_json(as_objects(serializer_class)(rows))


def row_to_json(row: tuple, serializer_class: type[ModelSerializer]) -> bytes:
    """A JSON object of one row that `tuples` gave."""
    return to_json(as_objects(serializer_class)([row])[0])


def instance_to_json(instance, serializer_class: type[ModelSerializer]) -> bytes:
    """A JSON object of a row that has just been written, or is locked."""
    return to_json({key: getattr(instance, column) for key, column in columns(serializer_class).items()})


class JSONResponse(HttpResponse):
    """An answer that is JSON already: there is nothing to negotiate or render. `data` reads it back."""

    def __init__(self, content: bytes, headers: dict[str, str] | None = None, **kwargs) -> None:
        super().__init__(content, headers={"Content-Type": "application/json", **(headers or {})}, **kwargs)

    @property
    def data(self):
        return orjson.loads(self.content)

    def items(self):
        """The headers, for the server. Django's mapping looks each of them up by its name again."""
        return self.headers._store.values()


def window(queryset: QuerySet, serializer_class: type[ModelSerializer]) -> QuerySet:
    """The rows that may be answered in one piece, and one more, which tells that there are too many."""
    return tuples(queryset, serializer_class)[: WHOLE + 1]


def list_response(
    chunks: Iterable[list[tuple]], serializer_class: type[ModelSerializer], whole: Callable[[], QuerySet]
) -> JSONResponse | StreamingHttpResponse:
    """The complete list, of the rows of its `window`; where they are too many, of its `whole` queryset.

    Up to WHOLE rows in one piece; more are streamed, in memory that does not grow with them.
    """
    parts, left = [b"["], WHOLE
    for chunk in chunks:
        parts += [rows_to_json(chunk, serializer_class)[1:-1], b","]
        left -= len(chunk)
    if left < 0:
        stream = _stream(tuples(whole(), serializer_class), serializer_class)
        return StreamingHttpResponse(stream, content_type="application/json")
    parts[len(parts) - (len(parts) > 1) :] = [b"]"]  # in the place of the last comma
    return JSONResponse(b"".join(parts))


def _stream(rows: QuerySet, serializer_class: type[ModelSerializer]) -> Iterator[bytes]:
    """The array in chunks, from one query and so from one moment.

    An error on the way ends the connection before the array is closed: no client can take half a list for a whole one.
    """
    opening = b"["
    for chunk in batched(rows.iterator(CHUNK), CHUNK):
        yield opening + rows_to_json(chunk, serializer_class)[1:-1]
        opening = b","
    yield b"]" if opening == b"," else b"[]"  # the rows may have gone since they were counted
