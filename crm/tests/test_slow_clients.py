"""Exposed directly, a client without progress is cut off after CLIENT_TIMEOUT, with one line in the log."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest

from crm.tests.server import PATIENCE, Server, running, wait_until

pytestmark = pytest.mark.server

TIMEOUT = 1  # seconds
LATE = 15  # seconds: well below what an idle client is kept for
POST = b"POST /api/token/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def hasty(database) -> Iterator[Server]:
    with running(database, WORKERS="1", THREADS="2", CLIENT_TIMEOUT=str(TIMEOUT)) as server:
        yield server


def slow(server: Server, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
    connection.sendall(sent)
    return connection


HALVES = {
    "a letter": b"G",
    "half a head": b"GET /healthz HTTP/1.1\r\nHost: loc",
    "half a body": POST + b'Content-Length: 100\r\n\r\n{"username": ',
    "half a chunk": POST + b'Transfer-Encoding: chunked\r\n\r\n40\r\n{"username": ',
}


@pytest.mark.parametrize("sent", HALVES.values(), ids=HALVES)
def test_a_client_that_stops_in_the_middle_of_its_request_is_cut_off(hasty, sent):
    before = len(hasty.log.read_text())
    with closing(slow(hasty, sent)) as client:
        started = time.monotonic()
        answer = client.makefile("rb").read()
        assert TIMEOUT / 2 < time.monotonic() - started < LATE
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")

    log = hasty.log.read_text()[before:]
    assert log.count("\n") <= 1
    assert "Traceback" not in log


def test_a_client_that_reads_nothing_is_cut_off(database, hasty):
    asha = hasty.client("asha")
    for _ in range(100):
        asha.create("/lead/restaurants/", {"name": "Bistro", "notes": "x" * 20_000})
    before = len(hasty.log.read_text())
    with closing(socket.socket()) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.connect(("127.0.0.1", hasty.port))
        lists = f"GET /lead/restaurants/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {asha.token}\r\n\r\n"
        client.sendall(lists.encode() * 4)  # more than the system keeps for a reader
        wait_until(lambda: "A client that made no progress was cut off." in hasty.log.read_text()[before:])
    assert "Traceback" not in hasty.log.read_text()[before:]


def test_an_idle_connection_stays_open_longer(hasty):
    with closing(HTTPConnection("127.0.0.1", hasty.port, timeout=PATIENCE)) as client:
        client.connect()
        client.auto_open = 0
        for _ in range(3):
            client.request("GET", "/healthz")
            assert client.getresponse().read() == b'{"status": "ok"}'
            time.sleep(TIMEOUT * 1.5)


def test_a_slow_client_that_goes_on_is_answered(hasty):
    with closing(slow(hasty)) as client:
        for part in (b"GET /healthz HTTP/1.1\r\n", b"Host: localhost\r\n", b"Connection: close\r\n", b"\r\n"):
            time.sleep(TIMEOUT * 0.6)
            client.sendall(part)
        assert client.makefile("rb").read().startswith(b"HTTP/1.1 200 ")


def test_workers_started_by_a_reload_cut_slow_clients_off_too(hasty):
    old = hasty.workers()
    os.kill(hasty.process.pid, signal.SIGHUP)
    wait_until(lambda: hasty.workers() and not set(old) & set(hasty.workers()))
    with closing(slow(hasty, b"GET / HT")) as client:
        started = time.monotonic()
        assert client.makefile("rb").read() == b""
        assert time.monotonic() - started < LATE
