"""Complete lists: those that are long are streamed, in memory that does not grow with them."""

from collections.abc import Callable, Iterable, Iterator
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
    window: Callable[[], list], rows: Callable[[], QuerySet], array: Callable[[list], bytes]
) -> HttpResponseBase:
    """The answer with all rows, in the JSON that `array` makes of some of them. Raises TooManyLists (503).

    `window()` has all of a short list, and WINDOW rows of another one: `rows()` is asked for that. More than WHOLE are
    streamed, which is known before much is read: while lists were made for each refusal, all others would wait.
    """
    if is_full() and rows()[WHOLE : WHOLE + 1].exists():
        raise TooManyLists
    first = window()
    if len(first) < WINDOW:
        return RenderedResponse(array(first))
    everything = rows()
    if everything[WHOLE : WHOLE + 1].exists():
        return streamed(joined(map(array, batched(everything.iterator(CHUNK), CHUNK))))
    return RenderedResponse(array(list(everything)))
