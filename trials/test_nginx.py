"""Behind nginx: slow clients delay nobody, and what nginx says by itself is JSON."""

import socket
from concurrent.futures import ThreadPoolExecutor
from http.client import IncompleteRead

import pytest
from django.db import connection

from crm.tests.server import PATIENCE, at_once, running
from trials.conftest import ROWS, SHORTER, list_of
from trials.crowd import HALF_BODY, HALF_HEAD, crowd, durations, reader
from trials.nginx import in_front_of

SHORT = 1.0  # second, in which a short request is answered whatever others do


@pytest.fixture(scope="module")
def asha(nginx):
    return nginx.client("asha")


@pytest.fixture(scope="module")
def path(database, asha):
    return list_of(database, asha, SHORTER)


def test_200_half_heads_and_60_half_bodies_delay_nobody(nginx, asha, report):
    with crowd(nginx, *[HALF_HEAD] * 200, *[HALF_BODY] * 60):
        took = durations(lambda: asha.send("GET", "/api/me/"), 3)
    report(f"200 half heads, 60 half bodies: {len(took)} short requests, the longest {max(took):.3f} s")
    assert max(took) < SHORT, sorted(took)[-8:]


def test_30_readers_who_take_nothing_of_a_long_list_delay_nobody(nginx, asha, path, report):
    """The best of three: what else the machine does only adds to it."""
    at_once(40, lambda number: asha.send("GET", "/api/me/"))  # all threads have their connections
    longest = []
    for _ in range(3):
        with crowd(nginx, *[reader(asha, path)] * 30):
            longest.append(max(durations(lambda: asha.send("GET", "/api/me/"), 4)))
    report(
        f"30 readers of {SHORTER:,} rows: the longest short request {', '.join(f'{took:.3f} s' for took in longest)}"
    )
    assert min(longest) < SHORT


def test_of_30_readers_each_has_the_whole_list_or_is_told_to_come_again(asha, path, report):
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: asha.send("GET", path), range(30)))
    statuses = [answer.status for answer in answers]
    report(f"30 at once: {statuses.count(200)} lists, {statuses.count(503)} told to come again")
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) >= 1
    for answer in answers:
        if answer.status == 200:
            assert len(answer.json()) == SHORTER
        else:
            assert list(answer.json()) == ["detail"]
            assert answer.headers["Retry-After"]
    assert len(asha.get(path)) == SHORTER  # all permits are back


def test_a_list_that_breaks_off_is_no_whole_list(database, nginx, asha):
    path = list_of(database, asha, 3 * ROWS)  # seconds of work: nginx takes it as fast as it is made
    if connection.vendor == "sqlite":  # it keeps what is no date; reading that row fails
        [[last]] = database.run("SELECT max(id) FROM track_interaction")
        database.run(f"UPDATE track_interaction SET date = '2024-13-01 00:00:00' WHERE id = {last - 100}")
    with nginx.open("GET", path, token=asha.token) as response:
        assert response.read(2) == b"[{"
        if connection.vendor == "postgresql":
            database.end_connections()
        with pytest.raises(IncompleteRead) as broken:
            response.read()
    assert not broken.value.partial.endswith(b"]")


# --- What nginx says by itself ------------------------------------------------------------------------


def said(nginx, request: bytes) -> tuple[int, bytes, bytes]:
    with socket.create_connection(("127.0.0.1", nginx.port), PATIENCE) as client:
        client.sendall(request)
        head, body = b"".join(iter(lambda: client.recv(65_536), b"")).split(b"\r\n\r\n", 1)
    return int(head.split()[1]), head, body


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"HELLO\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n", 400),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ],
    ids=["no request line", "no host", "100 kB of header", "a long line", "both lengths"],
)
def test_what_it_refuses_is_refused_in_json(nginx, request_, status):
    answered, head, body = said(nginx, request_)
    assert (answered, b"Content-Type: application/json" in head, body[:11]) == (status, True, b'{"detail":"')


def test_a_body_that_is_too_long_is_a_413_in_json_from_either(asha):
    own = asha.send("POST", "/lead/restaurants/", b" " * 2_700_000)
    assert (own.status, own.json()) == (413, {"detail": "The body is longer than 2621440 bytes."})
    nginxs = asha.send("POST", "/lead/restaurants/", b" " * 4_000_000)
    assert (nginxs.status, nginxs.json()) == (413, {"detail": "The body is too long."})


def test_who_asks_and_how_comes_through(nginx, asha):
    page = asha.send("GET", "/lead/restaurants/?page_size=1")
    assert f"<http://127.0.0.1:{nginx.port}/lead/restaurants/" in page.headers["Link"]
    assert page.headers["X-Request-ID"]


def test_an_application_that_is_away_is_a_502_in_json(database, tmp_path):
    with running(database) as server, in_front_of(server, tmp_path) as nginx:
        server.stop()
        answer = nginx.send("GET", "/healthz")
    assert (answer.status, list(answer.json()), answer.headers["Retry-After"]) == (502, ["detail"], "5")
