"""Persistent connections, many at once, idle ones and slow ones: every client is served without a break."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPResponse
from threading import Event

import pytest

from crm.tests.server import PATIENCE, Client, Server, running, wait_until

pytestmark = pytest.mark.server

LEADS = "/lead/restaurants/"
PROMPT = 2.0  # seconds: far below the time that an idle connection stays open


@pytest.fixture(scope="module")
def narrow(database) -> Iterator[Server]:
    """One process with two threads."""
    with running(database, WORKERS="1", THREADS="2") as server:
        yield server


@pytest.fixture(scope="module")
def asha(narrow) -> Client:
    return narrow.client("asha")


class Persistent:
    """A connection that is never opened again."""

    def __init__(self, client: Client) -> None:
        self.headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}
        self.connection = HTTPConnection("127.0.0.1", client.server.port, timeout=PATIENCE)
        self.connection.connect()
        self.connection.auto_open = 0

    def close(self) -> None:
        self.connection.close()

    def send(self, method: str = "GET", path: str = "/api/me/", body: str | None = None, **headers) -> HTTPResponse:
        self.request(method, path, body, **headers)
        return self.response()

    def request(self, method: str, path: str, body: str | None = None, **headers) -> None:
        self.connection.request(method, path, body, self.headers | headers)

    def response(self) -> HTTPResponse:
        response = self.connection.getresponse()
        response.content = response.read()
        return response


def persistent(client: Client) -> closing:
    return closing(Persistent(client))


def seconds(call) -> float:
    started = time.monotonic()
    assert call().status == 200
    return time.monotonic() - started


def test_hundreds_of_requests_on_one_connection_are_all_answered(asha):
    with persistent(asha) as client:
        for number in range(50):
            made = client.send("POST", LEADS, f'{{"name": "Bistro {number}"}}')
            assert (made.status, made.headers["Connection"]) == (201, "keep-alive")
            path = f"{LEADS}{made.headers['Location'].rsplit('/', 2)[1]}/" if made.headers["Location"] else LEADS
            assert client.send("GET", path).status == 200
            missed = client.send("DELETE", f"{LEADS}0/", **{"X-Request-ID": f"number-{number}"})
            assert (missed.status, missed.headers["X-Request-ID"]) == (404, f"number-{number}")
            assert client.send("HEAD", "/healthz").content == b""
            assert client.send("POST", LEADS, "{broken").status == 400


def test_more_persistent_connections_than_threads_are_served_promptly(asha):
    with ExitStack() as stack:
        clients = [stack.enter_context(persistent(asha)) for _ in range(20)]
        took = [seconds(client.send) for _ in range(5) for client in clients]
    assert max(took) < PROMPT


def test_idle_connections_hold_no_thread(asha):
    with ExitStack() as stack:
        for _ in range(10):
            seconds(stack.enter_context(persistent(asha)).send)
        assert seconds(lambda: asha.send("GET", "/api/me/")) < PROMPT


def test_connections_before_their_first_request_hold_no_thread(narrow, asha):
    with ExitStack() as stack:
        early = [stack.enter_context(persistent(asha)) for _ in range(10)]
        assert seconds(lambda: asha.send("GET", "/api/me/")) < PROMPT
        assert max(seconds(client.send) for client in early) < PROMPT


def test_a_new_client_is_answered_while_others_send_without_a_pause(asha):
    """As many as there are threads: each could have one for itself, and go on for ever."""
    enough, started = Event(), [Event(), Event()]

    def ask_on(number: int) -> int:
        count = 0
        with persistent(asha) as client:
            while not enough.is_set():
                assert client.send("GET", "/healthz").status == 200
                count += 1
                started[number].set()
        return count

    with ThreadPoolExecutor(2) as pool:
        counts = [pool.submit(ask_on, number) for number in range(2)]
        try:
            assert all(event.wait(PATIENCE) for event in started)
            took = [seconds(lambda: asha.send("GET", "/api/me/")) for _ in range(20)]
        finally:
            enough.set()
    assert max(took) < PROMPT
    assert all(count.result() > 5 for count in counts)


def pipelined(client: Client, *requests: bytes) -> Iterator[tuple[str, str]]:
    """Status and request id of each answer to what is sent in one piece, `Connection: close` in the last."""
    with closing(socket.create_connection(("127.0.0.1", client.server.port), PATIENCE)) as connection:
        connection.sendall(b"".join(requests))
        answers = connection.makefile("rb").read()
    for answer in answers.split(b"HTTP/1.1 ")[1:]:
        headers = dict(line.split(b": ", 1) for line in answer.split(b"\r\n\r\n")[0].split(b"\r\n")[1:])
        yield answer[:3].decode(), headers[b"X-Request-ID"].decode()


def raw(client: Client, line: str, name: str, body: bytes = b"", end: str = "keep-alive") -> bytes:
    head = f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {client.token}\r\nX-Request-ID: {name}\r\n"
    more = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: {end}\r\n\r\n"
    return f"{head}{more}".encode() + body


def test_requests_that_are_sent_at_once_are_answered_in_their_order(asha):
    new = b'{"name": "Bistro"}'
    requests_ = [
        raw(asha, "GET /api/me/", "first"),
        raw(asha, f"POST {LEADS}", "second", new),
        raw(asha, f"DELETE {LEADS}0/", "third", b"{}"),  # this body is not read
        raw(asha, "GET /healthz", "fourth"),
        raw(asha, "GET /api/me/", "fifth", end="close"),
    ]
    answers = [("200", "first"), ("201", "second"), ("404", "third"), ("200", "fourth"), ("200", "fifth")]
    for _ in range(5):
        assert list(pipelined(asha, *requests_)) == answers
    assert list(pipelined(asha, *requests_[:2], raw(asha, "GET /nowhere/", "last", end="close")))[-1] == ("404", "last")


def test_a_closed_connection_is_released(narrow, asha):
    before = narrow.accepted()
    for _ in range(30):
        with persistent(asha) as client:
            assert client.send().status == 200
    wait_until(lambda: narrow.accepted() <= before)
    assert seconds(lambda: asha.send("GET", "/api/me/")) < PROMPT


def test_a_client_that_stops_in_the_middle_delays_no_other_client(narrow, asha):
    with closing(socket.create_connection(("127.0.0.1", narrow.port), PATIENCE)) as slow:
        slow.sendall(raw(asha, "GET /api/me/", "whole") + b"GET /api/me/ HT")
        assert slow.recv(100).startswith(b"HTTP/1.1 200")
        assert max(seconds(lambda: asha.send("GET", "/api/me/")) for _ in range(5)) < PROMPT
        slow.sendall(raw(asha, "GET /api/me/", "rest", end="close").removeprefix(b"GET /api/me/ HT"))
        assert b"X-Request-ID: rest" in slow.makefile("rb").read()


def new_lead(client: Client) -> int:
    return client.send("POST", LEADS, {"name": "Held"}).status


def hold_threads(database, server: Server, pool: ThreadPoolExecutor, clients: list[Client]) -> list[Future]:
    """As many requests as there are clients, each in a thread of the server, that wait until the database is let go."""
    before = server.accepted()
    answers = [pool.submit(new_lead, client) for client in clients]
    wait_until(lambda: database.waiting(server) >= len(clients) and server.accepted() >= before + len(clients))
    return answers


def test_short_requests_are_answered_while_one_takes_long(database, narrow, asha):
    with ThreadPoolExecutor(1) as pool, persistent(asha) as client:
        assert client.send().status == 200
        with database.held():
            [slow] = hold_threads(database, narrow, pool, [asha])
            took = [seconds(client.send) for _ in range(50)]
            took += [seconds(lambda: asha.send("GET", "/api/me/")) for _ in range(10)]
            assert not slow.done()
        assert slow.result() == 201
    assert max(took) < PROMPT


def test_connections_while_all_threads_are_busy_are_answered_later(database, narrow, asha):
    with ThreadPoolExecutor(6) as pool, persistent(asha) as client:
        assert client.send().status == 200
        with database.held():
            slow = hold_threads(database, narrow, pool, [asha, asha])
            before = narrow.accepted()
            waiting = [pool.submit(asha.send, "GET", "/api/me/") for _ in range(3)]
            waiting.append(pool.submit(client.send))
            wait_until(lambda: narrow.accepted() == before + 3)
            assert not any(answer.done() for answer in [*slow, *waiting])
        started = time.monotonic()
        assert [answer.result().status for answer in waiting] == [200] * 4
        assert time.monotonic() - started < PROMPT
        assert [answer.result() for answer in slow] == [201, 201]


def test_sigterm_answers_all_accepted_requests_beyond_the_threads_too(database):
    with running(database, WORKERS="1", THREADS="2") as server, ThreadPoolExecutor(8) as pool:
        asha = server.client("asha")
        with database.held():
            answers = [pool.submit(new_lead, asha) for _ in range(8)]
            wait_until(lambda: server.accepted() == 8)
            server.process.terminate()
            wait_until(lambda: "Handling signal: term" in server.log.read_text())
            assert not any(answer.done() for answer in answers)

        assert [answer.result() for answer in answers] == [201] * 8
        assert server.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("size", [1, 20, -5], ids=["a letter", "half a head", "half a body"])
def test_a_client_that_sends_part_of_its_request_delays_no_other_client(narrow, asha, size):
    request = raw(asha, f"POST {LEADS}", "slow", b'{"name": "Slow"}', end="close")
    with closing(socket.create_connection(("127.0.0.1", narrow.port), PATIENCE)) as slow, persistent(asha) as client:
        slow.sendall(request[:size])
        assert max(seconds(client.send) for _ in range(20)) < PROMPT
        assert max(seconds(lambda: asha.send("GET", "/api/me/")) for _ in range(5)) < PROMPT
        slow.sendall(request[size:])
        assert b"201 Created" in slow.makefile("rb").read()


def test_sigterm_finishes_requests_and_does_not_wait_for_idle_connections(database):
    with running(database, WORKERS="1", THREADS="2") as server:
        ravi = server.client("ravi")
        with persistent(ravi) as idle, persistent(ravi), persistent(ravi) as busy:  # the second never asks
            assert [client.send().status for client in (idle, *[busy] * 50)] == [200] * 51
            with database.held():
                busy.request("POST", LEADS, '{"name": "In progress"}')
                wait_until(lambda: database.waiting(server) > 0 and server.has_read_all())
                server.process.terminate()
                wait_until(lambda: "Handling signal: term" in server.log.read_text())

            assert busy.response().status == 201
            last = busy.send()  # the answer before this one said that the connection is kept
            assert (last.status, last.headers["Connection"]) == (200, "close")
            assert server.process.wait(10) == 0
