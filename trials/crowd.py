"""Clients that are slow on purpose, and what others feel of them."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Event

from crm.tests.server import PATIENCE, Answer, Client, Server

HALF_HEAD = b"GET /lead/restaurants/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
HALF_BODY = (
    b"POST /lead/restaurants/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b'Content-Length: 100\r\n\r\n{"name": '
)


def reader(client: Client, path: str) -> bytes:
    """A request whose answer nobody takes."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {client.token}\r\n\r\n".encode()


@contextmanager
def crowd(server: Server, *requests: bytes) -> Iterator[list[socket.socket]]:
    """A connection for each of these, on which that is sent and then nothing is done."""
    with ExitStack() as stack:
        connections = []
        for request in requests:
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            connection.settimeout(PATIENCE)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(request)
            connections.append(connection)
        yield connections


def durations(ask: Callable[[], Answer], seconds: float) -> list[float]:
    """Of requests that are asked one after the other for so long; each is answered 200."""
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        started = time.monotonic()
        assert ask().status == 200
        took.append(time.monotonic() - started)
    return took


@contextmanager
def load(ask: Callable[[int, Event], list], clients: int) -> Iterator[list]:
    """`clients` at once, each `ask(number, enough)` until the block ends; then their answers are in the list."""
    enough, answers = Event(), []
    with ThreadPoolExecutor(clients) as pool:
        asked = [pool.submit(ask, number, enough) for number in range(clients)]
        try:
            yield answers
        finally:
            enough.set()
        answers += [answer for future in asked for answer in future.result()]
