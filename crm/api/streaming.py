"""Long answers, sent in chunks by at most half of a process's threads, so that a short request always finds one.

A streamed list occupies its thread for as long as its client reads. Beyond PERMITS of them at once a
process answers 503. Chunks are produced one at a time: a computing thread releases the GIL only every 5 ms
(`sys.getswitchinterval`), so that each further producer would delay all threads by that much.
"""

import weakref
from collections.abc import Iterator
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Lock

from django.http import StreamingHttpResponse

from crm import env
from crm.api.exceptions import Unavailable

PERMITS = max(1, env.threads() // 2)  # of each process

_permits: SimpleQueue[None] = SimpleQueue()  # its put() may be called by a finalizer, a semaphore's release() may not
for _ in range(PERMITS):
    _permits.put(None)
_turn = Lock()


class TooManyLists(Unavailable):
    """503: PERMITS long lists are being sent already."""

    default_detail = "Too many long lists are being read. Send the request again later, or ask for pages: page_size."


def is_full() -> bool:
    """Whether one more long list would be refused now."""
    return _permits.empty()


def streamed(chunks: Iterator[bytes], content_type: str = "application/json") -> StreamingHttpResponse:
    """A response that sends `chunks`, with a permit that it gives back when it is closed.

    Raises TooManyLists, without waiting, where no permit is left.
    """
    try:
        _permits.get_nowait()
    except Empty:
        raise TooManyLists() from None
    return StreamingHttpResponse(_Permitted(chunks), content_type=content_type)


class _Permitted:
    """`chunks` with a permit. Django closes what it streams with the response, read or not; else the finalizer does.

    They are produced after the middleware has ended, in the context of the request: what it remembers is not queried
    again.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks = chunks
        self.context = copy_context()
        self.release = weakref.finalize(self, _permits.put, None)  # runs once, however often it is called
        self.release.atexit = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with _turn:
            return self.context.run(next, self.chunks)

    def close(self) -> None:
        try:
            if close := getattr(self.chunks, "close", None):  # of a generator: its cursor goes too
                close()
        finally:
            self.release()
