"""On the server's own port: a crowd of clients without progress is cut off after CLIENT_TIMEOUT."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from crm.tests.server import Server, running, wait_until
from trials.conftest import SHORTER, list_of
from trials.crowd import HALF_BODY, HALF_HEAD, crowd, durations, reader

TIMEOUT = 2  # seconds
THREADS = 4


@pytest.fixture(scope="module")
def direct(database) -> Iterator[Server]:
    with running(database, CLIENT_TIMEOUT=str(TIMEOUT), THREADS=str(THREADS)) as server:
        yield server


@pytest.fixture(scope="module")
def asha(direct):
    return direct.client("asha")


@pytest.fixture(scope="module")
def path(database, asha):
    return list_of(database, asha, SHORTER)


@pytest.mark.parametrize("sent", [HALF_HEAD, HALF_BODY], ids=["half heads", "half bodies"])
def test_more_of_them_than_there_are_threads_are_cut_off_and_others_answered(direct, asha, sent, report):
    """More than all threads of both processes: the last ones have to wait for the first ones to be cut off."""
    started = time.monotonic()
    with crowd(direct, *[sent] * 3 * THREADS) as connections, ThreadPoolExecutor(len(connections)) as pool:
        answers = list(pool.map(until_the_end, connections))
        cut_off = time.monotonic() - started
        took = durations(lambda: asha.send("GET", "/api/me/"), 1)
    report(f"{len(connections)} cut off after {cut_off:.1f} s, then short requests in at most {max(took):.3f} s")
    assert all(answer == b"" or answer.startswith(b"HTTP/1.1 4") for answer in answers)
    assert TIMEOUT * 0.9 < cut_off < 30
    assert "Traceback" not in direct.log.read_text()


def until_the_end(connection: socket.socket) -> bytes:
    """What it is answered; it closes its end too then."""
    with connection:
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_readers_who_take_nothing_keep_half_of_the_threads_and_are_cut_off(direct, asha, path, report):
    before = direct.log.read_text().count("cut off")
    with crowd(direct, *[reader(asha, path)] * 30):
        took = durations(lambda: asha.send("GET", "/api/me/"), TIMEOUT)
        wait_until(lambda: direct.log.read_text().count("cut off") > before)
    report(f"30 readers: {len(took)} short requests, the longest {max(took):.3f} s")
    assert len(asha.get(path)) == SHORTER  # the permits are back
    assert "Traceback" not in direct.log.read_text()
