"""RATE_LIMIT over HTTP: exact across processes that share a Redis; without Redis no request is refused."""

import os
import socketserver
import threading
from collections import Counter

import pytest
import redis

from crm import dates
from crm.tests.server import USERS, at_once, running

pytestmark = pytest.mark.server


class CountingRedis(socketserver.StreamRequestHandler):
    """As much of Redis as counting needs, so that the test needs none: SET … NX, EXISTS, INCRBY of RESP 2."""

    counters: dict[bytes, int] = {}
    lock = threading.Lock()

    def handle(self) -> None:
        while header := self.rfile.readline():
            command, *words = [self.rfile.read(int(self.rfile.readline()[1:]) + 2)[:-2] for _ in range(int(header[1:]))]
            with self.lock:
                self.wfile.write(self.answer(command.upper(), *words))

    def answer(self, command: bytes, key: bytes, *words: bytes) -> bytes:
        match command:
            case b"SET":
                assert b"NX" in words
                is_new = key not in self.counters
                self.counters.setdefault(key, int(words[0]))
                return b"+OK\r\n" if is_new else b"$-1\r\n"
            case b"EXISTS":
                return b":%d\r\n" % (key in self.counters)
            case b"INCRBY":
                self.counters[key] += int(words[0])
                return b":%d\r\n" % self.counters[key]
        return b"+OK\r\n"


class RedisServer(socketserver.ThreadingTCPServer):
    block_on_close = False  # the server under test keeps its connections
    daemon_threads = True


@pytest.fixture
def redis_url():
    """Of the real one that TEST_REDIS_URL names, which is emptied, or of ours."""
    if url := os.environ.get("TEST_REDIS_URL"):
        with redis.from_url(url) as client:
            client.flushdb()
        yield url
        return
    with RedisServer(("127.0.0.1", 0), CountingRedis) as ours:
        threading.Thread(target=ours.serve_forever, daemon=True).start()
        yield f"redis://127.0.0.1:{ours.server_address[1]}/0?protocol=2"
        ours.shutdown()


def minute():
    return int(dates.now().timestamp()) // 60


def test_exactly_the_limit_of_requests_passes_in_a_minute(database, redis_url):
    with running(database, THROTTLE="1", REDIS_URL=redis_url, RATE_LIMIT="50") as server:
        for name in USERS:  # each has a limit of his own; the second is needed where a minute ends meanwhile
            client = server.client(name)
            began = minute()
            answers = at_once(200, lambda i, client=client: client.send("GET", "/api/me/"))
            if minute() == began:
                break

    assert Counter(answer.status for answer in answers) == {200: 50, 429: 150}
    refused = next(answer for answer in answers if answer.status == 429)
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert list(refused.json()) == ["detail"]


def test_without_redis_every_request_passes(database):
    with running(database, THROTTLE="1", REDIS_URL="redis://127.0.0.1:1/0", RATE_LIMIT="5") as server:
        kam = server.client("kam")
        assert Counter(at_once(20, lambda i: kam.send("GET", "/api/me/").status)) == {200: 20}
