"""Calls, touches, hand-overs and profiles at once, over HTTP and in several processes: no deadlock."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from crm.tests.server import at_once, wait_until

pytestmark = pytest.mark.server


@pytest.fixture
def kam(server):
    return server.client("kam")


@pytest.fixture
def lead(kam):
    return kam.create("/lead/restaurants/", {"name": "Bistro Anna"})["id"]


@pytest.fixture
def plans(kam, lead):
    return [kam.create("/call/", {"lead": lead, "frequency": "DAILY"})["id"] for _ in range(3)]


def test_calls_on_plans_of_one_lead_at_once_are_all_noted(kam, lead, plans):
    def call(i):
        return kam.send("POST", f"/call/{plans[i % 3]}/record_call/", {"details": f"Call {i}."}).status

    assert at_once(60, call, threads=12) == [200] * 60
    for plan in plans:
        log = kam.get(f"/call/{plan}/history/")
        assert [row["event"] for row in log] == ["CALLED"] * 60
        last = max(row["happened_at"] for row in log)
        assert kam.get(f"/call/{plan}/")["last_called"] == last


def test_whatever_moves_the_plans_of_one_lead_at_once_is_done(kam, lead, plans):
    me = kam.get("/api/me/")["id"]
    interaction = kam.create("/track/interactions/", {"lead": lead, "interaction_type": "CALL"})["id"]

    def change(i):
        match i % 5:
            case 0:
                return kam.send("POST", f"/call/{plans[i % 3]}/record_call/", {"outcome": "REACHED"})
            case 1:
                return kam.send("POST", "/track/interactions/", {"lead": lead, "interaction_type": "VISIT"})
            case 2:
                return hand_over([me, None][i % 2])
            case 3:
                return kam.send("PATCH", "/call/me/", {"working_days": [1 + i % 7]})
        return kam.send("PATCH", f"/track/interactions/{interaction}/", {"interaction_type": ["CALL", "EMAIL"][i % 2]})

    def hand_over(owner):
        return kam.send("PATCH", f"/lead/restaurants/{lead}/", {"assigned_to": owner})

    answers = at_once(100, change, threads=12)

    assert {answer.status for answer in answers} <= {200, 201}
    left = [kam.get(f"/call/{plan}/") for plan in plans]
    owner = kam.get(f"/lead/restaurants/{lead}/")["assigned_to"]
    for other in ({me, None} - {owner}).pop(), owner:  # each time the dates are computed again
        hand_over(other)
    assert [kam.get(f"/call/{plan}/") for plan in plans] == left


def test_a_call_that_waits_for_a_profile_change_uses_the_new_profile(
    kam,
    lead,
    plans,
    server,
    database,
):
    me = kam.get("/api/me/")["id"]
    kam.send("PATCH", "/call/me/", {"working_days": [1, 2, 3, 4, 5, 6, 7]})
    kam.send("PATCH", f"/lead/restaurants/{lead}/", {"assigned_to": me})
    monday, path = "2026-01-05T10:00:00Z", f"/call/{plans[0]}/record_call/"
    changes = [
        f"UPDATE call_callplan SET notes = '' WHERE id = {plans[0]}",
        f"UPDATE call_workprofile SET working_days = '[3]' WHERE user_id = {me}",
    ]

    with ThreadPoolExecutor(1) as pool:
        with database.held(*changes):
            answer = pool.submit(kam.send, "POST", path, {"last_called": monday})
            wait_until(lambda: database.waiting(server) > 0)
            assert not answer.done()
        assert answer.result().json()["next_call_date"] == "2026-01-07T10:00:00Z"
