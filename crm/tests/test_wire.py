"""What only shows on the wire: bodies in chunks, too long ones, answers without a body, bodies kept on their way."""

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


def test_a_body_in_chunks_is_taken_like_any_other(kam):
    answer = kam.send("POST", LEADS, iter([b'{"name": "In', b" chunks", b'"}']), Transfer_Encoding="chunked")

    assert (answer.status, answer.json()["name"]) == (201, "In chunks")


def test_a_path_without_its_slash_keeps_the_body_of_a_post(kam):
    created = kam.create("/lead/restaurants", {"name": "No slash"})

    assert kam.get(f"{LEADS}{created['id']}") == created


@pytest.mark.parametrize("megabytes", [3, 20])
def test_a_body_that_is_too_long_is_answered_readably(kam, megabytes):
    answer = kam.send("POST", LEADS, b" " * (megabytes * MEGABYTE))

    assert (answer.status, answer.json()) == (413, {"detail": "The body is longer than 2621440 bytes."})


@pytest.mark.parametrize("megabytes", [3, 20])
def test_chunks_that_are_too_long_together_are_answered_readably(kam, megabytes):
    answer = kam.send("POST", LEADS, (b" " * MEGABYTE for _ in range(megabytes)), Transfer_Encoding="chunked")

    assert (answer.status, answer.json()) == (413, {"detail": "The body is longer than 2621440 bytes."})
