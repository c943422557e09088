"""Five reloads and a stop under load: nothing fails, and a list that is being sent ends whole."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from threading import Event

import pytest

from crm.tests.server import PATIENCE, running, wait_until
from trials.conftest import ROWS, list_of
from trials.crowd import load

CLIENTS = 8
LEADS = "/lead/restaurants/"


@pytest.fixture
def direct(database):
    """A server of its own, which the trial stops."""
    with running(database) as server:
        yield server


@pytest.fixture
def path(database, direct):
    return list_of(database, direct.client("asha"), ROWS)


def asking(server, client, *, until_refused: bool = False):
    """Asks on a connection that is kept, by turns to read and to write.

    `until_refused`: the server stops, and no longer takes on new connections.
    """
    headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}

    def ask(number: int, enough: Event) -> list[int | str]:
        answers: list[int | str] = []
        is_new = True
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)) as connection:
            while not enough.is_set():
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

    return ask


def written(database) -> int:
    return database.run("SELECT count(*) FROM lead_restaurant WHERE name LIKE 'Load _'")[0][0]


def slowly(client, path: str, begun: Event) -> tuple[int, bytes]:
    """The list, read in pieces with breaks, so that it lasts."""
    with client.server.open("GET", path, token=client.token) as response:
        parts = [response.read(1_000_000)]
        begun.set()
        while part := response.read(1_000_000):
            parts.append(part)
            time.sleep(0.3)
        return response.status, b"".join(parts)


def test_five_reloads_under_load_lose_nothing(database, direct, path, report):
    asha, begun, before = direct.client("asha"), Event(), written(database)
    with ThreadPoolExecutor(1) as pool, load(asking(direct, asha), CLIENTS) as answers:
        whole = pool.submit(slowly, asha, path, begun)
        assert begun.wait(PATIENCE)
        for _ in range(5):
            old = set(direct.workers())
            os.kill(direct.process.pid, signal.SIGHUP)
            wait_until(lambda old=old: len(set(direct.workers()) - old) >= 2)
            time.sleep(0.5)
        status, body = whole.result()
    report(f"five reloads, {CLIENTS} clients: {len(answers)} requests")
    assert set(answers) == {200, 201}
    assert answers.count(201) == written(database) - before  # nothing was done without an answer either
    assert (status, body.count(b'"id":'), body[-1:]) == (200, ROWS, b"]")
    assert "Traceback" not in direct.log.read_text()


def test_a_stop_under_load_loses_nothing_that_was_taken_on(database, direct, path, report):
    asha, begun, before = direct.client("asha"), Event(), written(database)
    with ThreadPoolExecutor(1) as pool, load(asking(direct, asha, until_refused=True), CLIENTS) as answers:
        whole = pool.submit(slowly, asha, path, begun)
        assert begun.wait(PATIENCE)
        direct.process.terminate()
        status, body = whole.result()
        assert direct.process.wait(PATIENCE) == 0
    report(f"a stop, {CLIENTS} clients: {len(answers)} requests")
    assert set(answers) == {200, 201}
    assert answers.count(201) == written(database) - before  # nothing was done without an answer either
    assert (status, body.count(b'"id":'), body[-1:]) == (200, ROWS, b"]")
    assert "Traceback" not in direct.log.read_text()
