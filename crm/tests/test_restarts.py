"""Restarts of the server or the database lose no accepted request."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from crm.tests.server import at_once, running, wait_until

pytestmark = pytest.mark.server

LEADS = "/lead/restaurants/"


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_finishes_requests_in_progress(stop, database):
    with running(database) as server, ThreadPoolExecutor(6) as pool:
        kam = server.client("kam")
        with database.held():
            answers = [pool.submit(kam.send, "POST", LEADS, {"name": f"{stop.name} {i}"}) for i in range(6)]
            wait_until(lambda: server.accepted() == 6)
            server.process.send_signal(stop)
            wait_until(lambda: "Handling signal: " in server.log.read_text())

        assert [answer.result().status for answer in answers] == [201] * 6
        assert server.process.wait(30) == 0

    [[stored]] = database.run(f"SELECT count(*) FROM lead_restaurant WHERE name LIKE '{stop.name} _'")
    assert stored == 6


def test_sighup_replaces_the_workers_and_loses_no_request(database):
    with running(database) as server:
        kam = server.client("kam")
        old = server.workers()

        def ask_until_they_are_replaced(i):
            statuses = []
            while len(statuses) < 50 or len(server.workers()) != 2 or set(old) & set(server.workers()):
                statuses.append(kam.send("GET", "/api/me/").status)
            return set(statuses)

        os.kill(server.process.pid, signal.SIGHUP)

        assert at_once(4, ask_until_they_are_replaced) == [{200}] * 4


if connection.vendor == "postgresql":  # SQLite has no connections that could end

    def test_connections_ended_by_the_database_fail_no_request(database, server, kam):
        at_once(40, lambda i: kam.send("GET", "/api/me/"))
        assert database.end_connections() > 1

        assert at_once(40, lambda i: kam.send("GET", "/api/me/").status) == [200] * 40
