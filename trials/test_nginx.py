"""Behind nginx: slow clients delay no other client, and the errors of nginx itself are JSON."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import IncompleteRead

import pytest
from django.db import connection

from crm.tests.server import PATIENCE, at_once, running
from trials.crowd import HALF_BODY, HALF_HEAD, ROWS, SHORTER, crowd, durations, list_of, reader
from trials.nginx import Nginx, in_front_of

SHORT = 1.0  # second, in which a short request is answered whatever others do


@pytest.fixture(scope="module")
def server(database, tmp_path_factory) -> Iterator[Nginx]:
    """nginx before a server as it is deployed: two processes with the default number of threads."""
    folder = tmp_path_factory.mktemp("nginx")
    with running(database, TRUSTED_PROXIES="127.0.0.1") as application, in_front_of(application, folder) as nginx:
        yield nginx


def test_200_half_heads_and_60_half_bodies_delay_no_other_client(server, asha, report):
    with crowd(server, *[HALF_HEAD] * 200, *[HALF_BODY] * 60):
        took = durations(lambda: asha.send("GET", "/api/me/"), 3)
    report(f"200 half heads, 60 half bodies: {len(took)} short requests, the longest {max(took):.3f} s")
    assert max(took) < SHORT, sorted(took)[-8:]


def test_30_clients_that_do_not_read_a_long_list_delay_no_other_client(server, asha, path, report):
    """The best of three: other work of the machine only adds to it."""
    at_once(40, lambda number: asha.send("GET", "/api/me/"))  # all threads have database connections then
    longest = []
    for _ in range(3):
        with crowd(server, *[reader(asha, path)] * 30):
            longest.append(max(durations(lambda: asha.send("GET", "/api/me/"), 4)))
    report(
        f"30 readers of {SHORTER:,} rows: the longest short request {', '.join(f'{took:.3f} s' for took in longest)}"
    )
    assert min(longest) < SHORT


def test_each_of_30_clients_gets_the_whole_list_or_a_503_with_retry_after(asha, path, report):
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: asha.send("GET", path), range(30)))
    statuses = [answer.status for answer in answers]
    report(f"30 at once: {statuses.count(200)} lists, {statuses.count(503)} refused with Retry-After")
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) >= 1
    for answer in answers:
        if answer.status == 200:
            assert len(answer.json()) == SHORTER
        else:
            assert list(answer.json()) == ["detail"]
            assert answer.headers["Retry-After"]
    assert len(asha.get(path)) == SHORTER  # all permits are released


def test_a_list_that_breaks_off_is_not_a_complete_response(database, server, asha):
    path = list_of(database, asha, 3 * ROWS)  # seconds of work: nginx reads it as fast as it is made
    if connection.vendor == "sqlite":  # it stores an invalid date; reading that row fails
        [[last]] = database.run("SELECT max(id) FROM track_interaction")
        database.run(f"UPDATE track_interaction SET date = '2024-13-01 00:00:00' WHERE id = {last - 100}")
    with server.open("GET", path, token=asha.token) as response:
        assert response.read(2) == b"[{"
        if connection.vendor == "postgresql":
            database.end_connections()
        with pytest.raises(IncompleteRead) as broken:
            response.read()
    assert not broken.value.partial.endswith(b"]")


# --- Errors of nginx itself ---------------------------------------------------------------------------


def response_to(nginx, request: bytes) -> tuple[int, bytes, bytes]:
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
def test_a_request_that_nginx_refuses_gets_an_error_in_json(server, request_, status):
    answered, head, body = response_to(server, request_)
    assert (answered, b"Content-Type: application/json" in head, body[:11]) == (status, True, b'{"detail":"')


def test_a_body_over_the_limit_of_application_or_nginx_is_a_413_in_json(asha):
    own = asha.send("POST", "/lead/restaurants/", b" " * 2_700_000)
    assert (own.status, own.json()) == (413, {"detail": "The body is longer than 2621440 bytes."})
    nginxs = asha.send("POST", "/lead/restaurants/", b" " * 4_000_000)
    assert (nginxs.status, nginxs.json()) == (413, {"detail": "The body is too long."})


def test_the_host_and_the_request_id_pass_through(server, asha):
    page = asha.send("GET", "/lead/restaurants/?page_size=1")
    assert f"<http://127.0.0.1:{server.port}/lead/restaurants/" in page.headers["Link"]
    assert page.headers["X-Request-ID"]


def test_a_stopped_application_is_a_502_in_json(database, tmp_path):
    with running(database) as application, in_front_of(application, tmp_path) as nginx:
        application.stop()
        answer = nginx.send("GET", "/healthz")
    assert (answer.status, list(answer.json()), answer.headers["Retry-After"]) == (502, ["detail"], "5")
