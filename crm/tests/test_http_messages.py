"""HTTP as it is sent: chunked bodies, bodies over the limit, responses without a body, malformed requests."""

import socket

import pytest

pytestmark = pytest.mark.server

LEADS = "/lead/restaurants/"
MEGABYTE = 1024 * 1024


def raw(server, request):
    """All that the server answers to these lines, up to the end of the connection."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall("\r\n".join([*request, "Connection: close", "", ""]).encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_head_answers_the_headers_of_get_and_no_body(server, kam):
    for path in (LEADS, "/api/me/"):
        expected = kam.send("GET", path)

        answer = raw(server, [f"HEAD {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {kam.token}"])

        head, body = answer.split(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert f"Content-Length: {len(expected.body)}".encode() in head.split(b"\r\n")
        assert body == b""


def test_a_body_in_chunks_is_read_like_any_other(kam):
    answer = kam.send("POST", LEADS, iter([b'{"name": "In', b" chunks", b'"}']), Transfer_Encoding="chunked")

    assert (answer.status, answer.json()["name"]) == (201, "In chunks")


def test_a_post_without_the_trailing_slash_keeps_its_body(kam):
    created = kam.create("/lead/restaurants", {"name": "No slash"})

    assert kam.get(f"{LEADS}{created['id']}") == created


@pytest.mark.parametrize("megabytes", [3, 20])
def test_a_body_over_the_limit_is_a_413_that_the_client_can_read(kam, megabytes):
    answer = kam.send("POST", LEADS, b" " * (megabytes * MEGABYTE))

    assert (answer.status, answer.json()) == (413, {"detail": "The body is longer than 2621440 bytes."})


@pytest.mark.parametrize("megabytes", [3, 20])
def test_chunks_over_the_limit_are_a_413_that_the_client_can_read(kam, megabytes):
    answer = kam.send("POST", LEADS, (b" " * MEGABYTE for _ in range(megabytes)), Transfer_Encoding="chunked")

    assert (answer.status, answer.json()) == (413, {"detail": "The body is longer than 2621440 bytes."})


# --- Requests that gunicorn refuses by itself ---------------------------------------------------------

AFTER = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"  # sent in the same piece


def refused(*lines: str, body: bytes = b"") -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("latin1") + body


POST = [f"POST {LEADS} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
CHUNKED = [*POST, "Transfer-Encoding: chunked"]

REFUSED = {
    "no request line": (refused("HELLO"), 400),
    "no version": (refused("GET /healthz", "Host: localhost"), 400),
    "a space in the path": (refused("GET /health z HTTP/1.1", "Host: localhost"), 400),
    "a line of 9,000 bytes": (refused(f"GET /healthz?q={'x' * 9_000} HTTP/1.1", "Host: localhost"), 414),
    "a header without a colon": (refused("GET /healthz HTTP/1.1", "Host localhost"), 400),
    "a header of 100 kB": (refused("GET /healthz HTTP/1.1", "Host: localhost", f"X-Long: {'x' * 100_000}"), 431),
    "200 headers": (refused("GET /healthz HTTP/1.1", "Host: localhost", *["X-Many: x"] * 200), 431),
    "a space before the colon": (refused(*POST, "Content-Length : 2", body=b"{}"), 400),
    "both lengths": (refused(*CHUNKED, "Content-Length: 2", body=b"0\r\n\r\n"), 400),
    "both lengths, the other way round": (
        refused(*POST, "Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        400,
    ),
    "two lengths": (refused(*POST, "Content-Length: 2", "Content-Length: 40", body=b"{}"), 400),
    "a length below zero": (refused(*POST, "Content-Length: -2", body=b"{}"), 400),
    "chunked twice": (refused(*CHUNKED, "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    "an unknown coding": (
        refused(*POST, "Transfer-Encoding: rot13, chunked", body=b"0\r\n\r\n"),
        501,
    ),  # RFC 9112, 6.1
    "a chunk without a size": (refused(*CHUNKED, body=b"zz\r\n{}\r\n0\r\n\r\n"), 400),
    "a chunk longer than it says": (refused(*CHUNKED, body=b"2\r\n{}{}\r\n0\r\n\r\n"), 400),
}


@pytest.mark.parametrize(("request_", "status"), REFUSED.values(), ids=REFUSED)
def test_a_malformed_request_is_refused_and_ends_the_connection(server, request_, status):
    with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
        connection.sendall(request_ + AFTER)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    head = answer.split(b"\r\n\r\n")[0].split(b"\r\n")
    assert head[0].startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Connection: close" in head
    assert answer.count(b"HTTP/1.1 ") == 1  # what came after it was no request
