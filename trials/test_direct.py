"""On the server's own port: many clients without progress are cut off after CLIENT_TIMEOUT."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from crm.tests.server import Server, running, wait_until
from trials.crowd import HALF_BODY, HALF_HEAD, SHORTER, crowd, durations, reader

TIMEOUT = 2  # seconds
THREADS = 4


@pytest.fixture(scope="module")
def server(database) -> Iterator[Server]:
    with running(database, CLIENT_TIMEOUT=str(TIMEOUT), THREADS=str(THREADS)) as server:
        yield server


@pytest.mark.parametrize("sent", [HALF_HEAD, HALF_BODY], ids=["half heads", "half bodies"])
def test_more_slow_clients_than_threads_are_cut_off_and_others_answered(server, asha, sent, report):
    """More than all threads of both processes: the last ones wait until the first ones are cut off."""
    started = time.monotonic()
    with crowd(server, *[sent] * 3 * THREADS) as connections, ThreadPoolExecutor(len(connections)) as pool:
        answers = list(pool.map(read_to_end, connections))
        cut_off = time.monotonic() - started
        took = durations(lambda: asha.send("GET", "/api/me/"), 1)
    report(f"{len(connections)} cut off after {cut_off:.1f} s, then short requests in at most {max(took):.3f} s")
    assert all(answer == b"" or answer.startswith(b"HTTP/1.1 4") for answer in answers)
    assert TIMEOUT * 0.9 < cut_off < 30
    assert "Traceback" not in server.log.read_text()


def read_to_end(connection: socket.socket) -> bytes:
    """The response, up to the end of the connection."""
    with connection:
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_clients_that_read_nothing_leave_half_the_threads_and_are_cut_off(server, asha, path, report):
    before = server.log.read_text().count("cut off")
    with crowd(server, *[reader(asha, path)] * 30):
        took = durations(lambda: asha.send("GET", "/api/me/"), TIMEOUT)
        wait_until(lambda: server.log.read_text().count("cut off") > before)
    report(f"30 readers: {len(took)} short requests, the longest {max(took):.3f} s")
    assert len(asha.get(path)) == SHORTER  # the permits are released
    assert "Traceback" not in server.log.read_text()
