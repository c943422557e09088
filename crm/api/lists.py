"""Complete lists: those that are long are streamed, in memory that does not grow with them."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TypeVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase

from crm.api.renderers import RenderedResponse, to_json
from crm.api.streaming import TooManyLists, is_full, streamed
from crm.db.batches import batched

WHOLE = 10_000  # rows that are answered in one piece
CHUNK = 1_000  # rows of a stream in memory
WINDOW = CHUNK + 1  # rows that are read at first
Row = TypeVar("Row")


def joined(arrays: Iterable[bytes]) -> Iterator[bytes]:
    """JSON arrays as one.

    An error on the way ends the connection before the array is closed: no client can take half a list for a whole one.
    """
    opening = b"["
    for array in arrays:
        if array != b"[]":
            yield opening + array[1:-1]
            opening = b","
    yield b"]" if opening == b"," else b"[]"


def rows_to_json(keys: tuple[str, ...], rows: list[tuple]) -> bytes:
    return to_json([dict(zip(keys, row, strict=True)) for row in rows])


def full_list_response(
    window: Callable[[], list], rows: Callable[[], QuerySet], to_array: Callable[[list], bytes]
) -> HttpResponseBase:
    """All rows in one response, streamed if there are more than WHOLE. Raises TooManyLists (503).

    `window()` returns the first WINDOW rows, `rows()` the whole queryset; `to_array` renders rows as a JSON array. A
    list is refused before it is read: reading it first would make every other request wait.
    """
    if is_full() and rows()[WHOLE : WHOLE + 1].exists():
        raise TooManyLists
    first = window()
    if len(first) < WINDOW:
        return RenderedResponse(to_array(first))
    everything = rows()
    if everything[WHOLE : WHOLE + 1].exists():
        return streamed(joined(map(to_array, batched(everything.iterator(CHUNK), CHUNK))))
    return RenderedResponse(to_array(list(everything)))


def full_pages_response(pages: Iterator[list]) -> HttpResponseBase:
    """All rows in one response, which come page by page, streamed if there are more than WHOLE.

    Raises TooManyLists (503).
    """
    arrays, count = [], 0
    for page in pages:
        arrays.append(to_json(page))
        count += len(page)
        if count > WHOLE:
            return streamed(joined(chain(arrays, map(to_json, pages))))
    return RenderedResponse(b"".join(joined(arrays)))
