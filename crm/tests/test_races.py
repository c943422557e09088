"""Concurrent requests over HTTP, in several processes, have the result of some order of them."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from crm.tests.server import at_once, running

pytestmark = pytest.mark.server

STATUSES = ["NEW", "CONTACTED", "MEETING_SCHEDULED", "NEGOTIATING", "CONVERTED", "LOST"]


@pytest.fixture
def path(kam):
    """Of a new lead."""
    return f"/lead/restaurants/{kam.create('/lead/restaurants/', {'name': 'Bistro Anna'})['id']}/"


def test_two_hundred_status_changes_at_once_leave_a_history_without_a_gap(kam, path):
    def change(i):
        return kam.send("POST", f"{path}change_status/", {"status": STATUSES[i % 6]}).status

    assert at_once(200, change) == [200] * 200

    history = kam.get(f"{path}status_history/")
    assert len(history) > 100
    came_from = [row["old_status"] for row in history]
    went_to = [row["new_status"] for row in history]
    assert came_from == ["NEW", *went_to[:-1]]
    assert went_to[-1] == kam.get(path)["lead_status"]


def test_concurrent_changes_of_one_row_do_not_undo_each_other(kam, path):
    for number in range(150):
        status = STATUSES[(number + 1) % 6]
        changes = [
            ("POST", f"{path}change_status/", {"status": status}),
            ("PATCH", path, {"notes": f"note {number}"}),
            ("PATCH", path, {"city": f"city {number}"}),
        ]
        answers = at_once(3, lambda i, changes=changes: kam.send(*changes[i]).status)

        assert answers == [200, 200, 200]
        lead = kam.get(path)
        assert (lead["lead_status"], lead["notes"], lead["city"]) == (status, f"note {number}", f"city {number}")


def test_calls_recorded_out_of_order_at_once_leave_the_latest(kam, path):
    lead = int(path.split("/")[-2])
    plan = kam.create("/call/", {"lead": lead, "frequency": "DAILY"})["id"]
    calls = [datetime(2024, 12, 1, 10, tzinfo=UTC) + timedelta(hours=hour) for hour in range(60)]
    random.Random(4).shuffle(calls)

    answers = at_once(
        60, lambda i: kam.send("POST", f"/call/{plan}/record_call/", {"last_called": calls[i].isoformat()}).status
    )

    assert answers == [200] * 60
    left = kam.get(f"/call/{plan}/")
    assert left["last_called"] == "2024-12-03T21:00:00Z"
    assert left["next_call_date"] == "2024-12-04T21:00:00Z"


def test_of_two_concurrent_uses_of_a_refresh_token_one_succeeds(database):
    with running(database, ROTATE_REFRESH_TOKENS="1") as server:
        refresh = server.sign_in("kam").json()["refresh"]
        for _ in range(30):
            body = {"refresh": refresh}
            answers = at_once(2, lambda i, body=body: server.send("POST", "/api/token/refresh/", body))
            winner, loser = sorted(answers, key=lambda answer: answer.status)
            assert (winner.status, loser.status) == (200, 401)
            refresh = winner.json()["refresh"]
