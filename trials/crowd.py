"""Clients that are slow on purpose, the long lists that they read, and how long others wait meanwhile."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Event

from django.db import connection

from crm.tests.server import PATIENCE, Answer, Client, Database, Server

HALF_HEAD = b"GET /lead/restaurants/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
HALF_BODY = (
    b"POST /lead/restaurants/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b'Content-Length: 100\r\n\r\n{"name": '
)


ROWS = 100_000
SHORTER = 60_000  # rows

NUMBERS = {
    "sqlite": "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) SELECT i FROM n)",
    "postgresql": "(SELECT generate_series(1, {rows}) AS i)",
}[connection.vendor]


def list_of(db: Database, client: Client, rows: int) -> str:
    """Create a lead with so many interactions and return the path of their list."""
    lead = client.create("/lead/restaurants/", {"name": "Bistro Anna"})["id"]
    db.run(
        "INSERT INTO track_interaction"
        " (lead_id, interaction_type, details, order_placed, date, created_at, updated_at)"
        f" SELECT {lead}, 'CALL', 'Call number ' || i, false,"
        " '2024-12-24 15:30:00', '2024-12-24 15:30:00', '2024-12-24 15:30:00'"
        f" FROM {NUMBERS.format(rows=rows)} AS numbers"
    )
    db.run("ANALYZE track_interaction")  # as PostgreSQL does by itself, later
    return f"/track/interactions/?lead={lead}"


def reader(client: Client, path: str) -> bytes:
    """A request whose response is not read."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {client.token}\r\n\r\n".encode()


@contextmanager
def crowd(server: Server, *requests: bytes) -> Iterator[list[socket.socket]]:
    """A connection for each request, on which only that is sent; nothing is read."""
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


def durations(send: Callable[[], Answer], seconds: float) -> list[float]:
    """Seconds of each of the requests that are sent one after the other for so long; all are answered with 200."""
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        started = time.monotonic()
        assert send().status == 200
        took.append(time.monotonic() - started)
    return took


@contextmanager
def load(client: Callable[[int, Event], list], clients: int) -> Iterator[list]:
    """Run `client(number, stop)` so many times at once until the block ends; then the list has their results."""
    stop, answers = Event(), []
    with ThreadPoolExecutor(clients) as pool:
        futures = [pool.submit(client, number, stop) for number in range(clients)]
        try:
            yield answers
        finally:
            stop.set()
        answers += [answer for future in futures for answer in future.result()]
