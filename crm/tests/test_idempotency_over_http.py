"""Idempotency-Key and If-Match over HTTP, in several processes: repeated or concurrent requests are done once."""

import os
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from crm.tests.server import at_once, running, wait_until

pytestmark = pytest.mark.server

LEADS = "/lead/restaurants/"


def replayed(answer):
    return answer.headers["Idempotency-Replayed"] or "false"


def test_a_thousand_retries_make_one_row_and_get_one_answer(kam):
    lead = kam.create(LEADS, {"name": "Bistro Anna"})["id"]
    body = {"lead": lead, "frequency": "DAILY"}

    answers = at_once(1000, lambda i: kam.send("POST", "/call/", body, Idempotency_Key="a-thousand"))

    assert {(answer.status, answer.body, answer.headers["ETag"]) for answer in answers} == {
        (201, answers[0].body, answers[0].headers["ETag"])
    }
    assert Counter(map(replayed, answers)) == {"false": 1, "true": 999}
    assert kam.get(f"/call/?lead={lead}") == [answers[0].json()]


def test_a_retry_during_the_first_request_waits_and_replays(database, server, kam):
    with ThreadPoolExecutor(2) as pool:
        with database.held():
            answers = [
                pool.submit(kam.send, "POST", LEADS, {"name": "Under way"}, Idempotency_Key="under-way")
                for _ in range(2)
            ]
            wait_until(lambda: database.waiting(server) == 2)
        first, retry = sorted((answer.result() for answer in answers), key=replayed)

    assert (first.status, replayed(first)) == (201, "false")
    assert (retry.status, replayed(retry)) == (201, "true")
    assert first.body == retry.body
    assert len(kam.get(f"{LEADS}?search=Under+way")) == 1


def test_a_retry_that_waits_too_long_is_a_409_with_retry_after(database):
    with running(database, LOCK_TIMEOUT="0.2") as server:
        kam = server.client("kam")
        with database.held():
            answer = kam.send("POST", LEADS, {"name": "Too long"}, Idempotency_Key="too-long")
            assert (answer.status, answer.headers["Retry-After"]) == (409, "5")
            assert list(answer.json()) == ["detail"]
        assert kam.send("POST", LEADS, {"name": "Too long"}, Idempotency_Key="too-long").status == 201


def test_a_key_can_be_retried_at_once_after_its_process_was_killed(database):
    def post():
        return kam.send("POST", LEADS, {"name": "Killed"}, Idempotency_Key="killed")

    with running(database) as server, ThreadPoolExecutor(1) as pool:
        kam = server.client("kam")
        with database.stalled():
            lost = pool.submit(post)
            wait_until(lambda: database.is_stuck(server))
            for worker in server.workers():
                os.kill(worker, signal.SIGKILL)
            assert isinstance(lost.exception(), OSError)
        answer = post()

        assert (answer.status, replayed(answer)) == (201, "false")
        assert len(kam.get(f"{LEADS}?search=Killed")) == 1


def test_of_twelve_concurrent_changes_under_one_tag_one_succeeds(kam):
    path = f"{LEADS}{kam.create(LEADS, {'name': 'Bistro Anna'})['id']}/"
    for number in range(10):
        tag = kam.send("GET", path).headers["ETag"]

        def change(i, tag=tag, number=number):
            return kam.send("PATCH", path, {"notes": f"{number} {i}"}, If_Match=tag).status

        answers = at_once(12, change)

        assert Counter(answers) == {200: 1, 412: 11}
        assert kam.get(path)["notes"] == f"{number} {answers.index(200)}"
