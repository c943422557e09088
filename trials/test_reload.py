"""Five reloads and a stop under load: no request fails, and a list that is being sent is complete."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from threading import Event

import pytest

from crm.tests.server import PATIENCE, running, wait_until
from trials.crowd import ROWS, list_of, load

CLIENTS = 8
LEADS = "/lead/restaurants/"


@pytest.fixture
def server(database):
    """One for each trial, which stops it."""
    with running(database) as server:
        yield server


@pytest.fixture
def asha(server):
    return server.client("asha")


@pytest.fixture
def path(database, asha):
    return list_of(database, asha, ROWS)


def reads_and_writes(server, client, *, until_refused: bool = False):
    """A client of `load` that sends reads and writes by turns on a persistent connection; its results are statuses.

    `until_refused`: the server stops and no longer accepts connections.
    """
    headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}

    def send(number: int, stop: Event) -> list[int | str]:
        answers: list[int | str] = []
        is_new = True
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)) as connection:
            while not stop.is_set():
                write = len(answers) % 5 == number % 5
                try:
                    if write:
                        connection.request("POST", LEADS, f'{{"name": "Load {number}"}}', headers)
                    else:
                        connection.request("GET", "/api/me/", headers=headers)
                    with connection.getresponse() as response:
                        response.read()
                        answers.append(response.status)
                        is_new = response.headers["Connection"] == "close"  # the next one is
                except OSError as error:
                    if not (is_new and until_refused):
                        answers.append(repr(error))
                    break
        return answers

    return send


def written(database) -> int:
    return database.run("SELECT count(*) FROM lead_restaurant WHERE name LIKE 'Load _'")[0][0]


def read_slowly(client, path: str, started: Event) -> tuple[int, bytes]:
    """Status and body of the list, read in pieces with pauses, so that it takes long."""
    with client.server.open("GET", path, token=client.token) as response:
        parts = [response.read(1_000_000)]
        started.set()
        while part := response.read(1_000_000):
            parts.append(part)
            time.sleep(0.3)
        return response.status, b"".join(parts)


def test_five_reloads_under_load_lose_no_request(database, server, asha, path, report):
    started, before = Event(), written(database)
    with ThreadPoolExecutor(1) as pool, load(reads_and_writes(server, asha), CLIENTS) as answers:
        whole = pool.submit(read_slowly, asha, path, started)
        assert started.wait(PATIENCE)
        for _ in range(5):
            old = set(server.workers())
            os.kill(server.process.pid, signal.SIGHUP)
            wait_until(lambda old=old: len(set(server.workers()) - old) >= 2)
            time.sleep(0.5)
        status, body = whole.result()
    report(f"five reloads, {CLIENTS} clients: {len(answers)} requests")
    assert set(answers) == {200, 201}
    assert answers.count(201) == written(database) - before  # nothing was written without a response either
    assert (status, body.count(b'"id":'), body[-1:]) == (200, ROWS, b"]")
    assert "Traceback" not in server.log.read_text()


def test_a_stop_under_load_loses_no_accepted_request(database, server, asha, path, report):
    started, before = Event(), written(database)
    with ThreadPoolExecutor(1) as pool, load(reads_and_writes(server, asha, until_refused=True), CLIENTS) as answers:
        whole = pool.submit(read_slowly, asha, path, started)
        assert started.wait(PATIENCE)
        server.process.terminate()
        status, body = whole.result()
        assert server.process.wait(PATIENCE) == 0
    report(f"a stop, {CLIENTS} clients: {len(answers)} requests")
    assert set(answers) == {200, 201}
    assert answers.count(201) == written(database) - before  # nothing was written without a response either
    assert (status, body.count(b'"id":'), body[-1:]) == (200, ROWS, b"]")
    assert "Traceback" not in server.log.read_text()
