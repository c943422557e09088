"""The pipeline: whichever way a status changes, it leaves its row in the history."""

from itertools import permutations

import pytest
import time_machine

from lead.models import LeadStatus, StatusChange

LEADS = "/lead/restaurants/"


@pytest.fixture
def path(lead):
    return f"{LEADS}{lead.pk}/"


def history(api, path):
    return [(row["old_status"], row["new_status"], row["note"]) for row in api.get(f"{path}status_history/").json()]


def test_creating_a_lead_is_no_change(api):
    created = api.post(LEADS, {"name": "A", "lead_status": "CONVERTED"}).json()

    assert created["lead_status"] == "CONVERTED"
    assert history(api, f"{LEADS}{created['id']}/") == []


@pytest.mark.parametrize("key", ["status", "lead_status"])
def test_a_new_status_is_answered_with_the_whole_lead(api, path, key):
    answer = api.post(f"{path}change_status/", {key: "CONTACTED"})

    assert answer.status_code == 200
    assert answer.content == api.get(path).content
    assert answer.json()["lead_status"] == "CONTACTED"


def test_every_move_between_two_statuses_is_allowed(api, path, lead):
    for old, new in permutations(LeadStatus.values, 2):
        lead.change_status(old)
        assert api.post(f"{path}change_status/", {"status": new}).json()["lead_status"] == new


def test_a_change_is_written_down_with_who_when_and_why(api, path, lead, user):
    with time_machine.travel("2024-12-28T09:00:00Z", tick=False):
        api.force_authenticate(user)  # the token is of another time
        api.post(f"{path}change_status/", {"status": "CONTACTED", "note": "Met at the fair."})

    assert api.get(f"{path}status_history/").json() == [
        {
            "id": StatusChange.objects.get().pk,
            "lead": lead.pk,
            "old_status": "NEW",
            "new_status": "CONTACTED",
            "changed_by": user.pk,
            "changed_at": "2024-12-28T09:00:00Z",
            "note": "Met at the fair.",
        }
    ]


def test_the_status_that_it_has_already_leaves_no_row(api, path):
    answer = api.post(f"{path}change_status/", {"status": "NEW", "note": "Again."})

    assert answer.status_code == 200
    assert history(api, path) == []


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_status_changed_by_an_update_leaves_its_row_too(api, path, user, method):
    getattr(api, method)(path, {"name": "Bistro Anna", "lead_status": "LOST"})
    getattr(api, method)(path, {"name": "Bistro Anna", "lead_status": "LOST", "notes": "Moved away."})

    assert history(api, path) == [("NEW", "LOST", "")]
    assert StatusChange.objects.get().created_by == user


def test_the_history_is_listed_oldest_first_and_has_no_gap(api, path):
    for status in ("CONTACTED", "NEW", "LOST", "CONVERTED"):
        api.post(f"{path}change_status", {"status": status})

    rows = history(api, path)
    assert [new for _, new, _ in rows] == ["CONTACTED", "NEW", "LOST", "CONVERTED"]
    assert [old for old, _, _ in rows] == ["NEW", "CONTACTED", "NEW", "LOST"]


def test_a_form_changes_the_status_like_json(api, path):
    api.post(f"{path}change_status/", {"status": "LOST", "note": "Closed."}, format="multipart")

    assert history(api, path) == [("NEW", "LOST", "Closed.")]


@pytest.mark.parametrize("body", [{}, {"status": "NOPE"}, {"status": None}, {"status": "LOST", "note": []}])
def test_a_refused_change_changes_nothing(api, path, body):
    before = api.get(path).content

    assert api.post(f"{path}change_status/", body).status_code == 400
    assert api.get(path).content == before
    assert history(api, path) == []


@pytest.mark.parametrize("rows", [3, 30])
def test_a_history_costs_two_queries_besides_the_users(api, path, lead, rows, django_assert_num_queries):
    for number in range(rows):
        lead.change_status(LeadStatus.values[(number + 1) % 6])

    with django_assert_num_queries(3):  # the user, the lead, its history
        assert len(api.get(f"{path}status_history/").json()) == rows
