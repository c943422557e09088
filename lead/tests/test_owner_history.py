"""Whose a lead was: whichever way its owner changes, that leaves its row in the history."""

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from lead.models import OwnerChange, Restaurant

LEADS = "/lead/restaurants/"


@pytest.fixture
def path(lead):
    return f"{LEADS}{lead.pk}/"


@pytest.fixture
def asha(db):
    return get_user_model().objects.create_user("asha")


def history(api, path):
    return [(row["old_owner"], row["new_owner"]) for row in api.get(f"{path}owner_history/").json()]


@pytest.mark.parametrize("body", [{}, {"assigned_to": None}])
def test_creating_a_lead_is_no_change(api, body):
    created = api.post(LEADS, {"name": "A", **body}, format="json").json()
    assert history(api, f"{LEADS}{created['id']}/") == []


def test_a_change_is_written_down_with_who_and_when(api, path, lead, user, asha):
    with time_machine.travel("2024-12-28T09:00:00Z", tick=False):
        api.force_authenticate(user)  # the token is of another time
        api.patch(path, {"assigned_to": asha.pk})

    assert api.get(f"{path}owner_history/").json() == [
        {
            "id": OwnerChange.objects.get().pk,
            "lead": lead.pk,
            "old_owner": user.pk,
            "new_owner": asha.pk,
            "changed_by": user.pk,
            "changed_at": "2024-12-28T09:00:00Z",
            "note": "",
        }
    ]


@pytest.mark.parametrize("method", ["put", "patch"])
def test_an_update_that_names_the_owner_again_leaves_no_row(api, path, user, method):
    getattr(api, method)(path, {"name": "Bistro Anna", "assigned_to": user.pk, "notes": "Moved."})
    assert history(api, path) == []


def test_a_lead_unowned_and_owned_again_leaves_both_rows(api, path, user):
    for owner in (None, user.pk):
        api.patch(path, {"assigned_to": owner}, format="json")
    assert history(api, path) == [(user.pk, None), (None, user.pk)]


def test_status_and_owner_changed_at_once_leave_a_row_each(api, path, lead, asha):
    api.patch(path, {"assigned_to": asha.pk, "lead_status": "LOST"})
    assert (lead.owner_changes.count(), lead.status_changes.count()) == (1, 1)


def test_an_edit_of_something_else_costs_no_query_more(api, path, asha, django_assert_num_queries, settings):
    settings.FAST = True  # without it, a lock and what it locks are two queries
    with django_assert_num_queries(6):  # the user, the lead, its lock and update, and the savepoint around them
        api.patch(path, {"notes": "Moved."})
    with django_assert_num_queries(10):  # asha is there, the row of the history, the call plans, the countries
        api.patch(path, {"assigned_to": asha.pk})


@pytest.mark.parametrize("rows", [3, 30])
def test_a_history_costs_two_queries_besides_the_users(api, path, lead, user, asha, rows, django_assert_num_queries):
    for number in range(rows):
        lead.edit(assigned_to=[asha, user][number % 2])
    with django_assert_num_queries(3):  # the user, the lead, its history
        assert len(api.get(f"{path}owner_history/").json()) == rows


def test_a_deleted_user_leaves_the_lead_and_its_history(api, path, lead, user, asha):
    lead.edit(assigned_to=asha, by=asha, note="Mine.")
    asha.delete()

    row, last = api.get(f"{path}owner_history/").json()
    assert (row["old_owner"], row["new_owner"], row["changed_by"], row["note"]) == (user.pk, None, None, "Mine.")
    assert (last["old_owner"], last["new_owner"], last["note"]) == (None, None, "The owner asha was deleted.")
    assert api.get(path).json()["assigned_to"] is None


def test_both_owners_may_be_deleted(lead, user, asha):
    lead.edit(assigned_to=asha)
    asha.delete()
    user.delete()
    assert [str(change) for change in OwnerChange.objects.all()] == ["kam → asha", "asha → unowned"]


def test_the_history_is_deleted_with_its_lead(lead, asha):
    lead.edit(assigned_to=asha)
    lead.delete()
    assert not OwnerChange.objects.exists()


def test_a_change_to_the_same_owner_is_none_to_the_database(lead, user):
    with pytest.raises(IntegrityError), transaction.atomic():
        OwnerChange.objects.create(lead=lead, old_owner=user, new_owner=user)


def test_the_history_of_no_lead_is_not_found(api):
    assert api.get(f"{LEADS}999999/owner_history/").status_code == 404


def test_the_history_is_of_its_lead_alone(api, path, lead, asha):
    other = Restaurant.objects.create(name="Cafe Blau")
    other.edit(assigned_to=asha)
    assert history(api, path) == []
