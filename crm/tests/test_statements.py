"""The SQL of the most frequent requests, statement by statement, outside of any test's transaction."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from crm.models import SignInAttempts
from lead.models import Restaurant
from track.models import Interaction

USER = "SELECT auth_group auth_user auth_user_groups call_workprofile crm_revokedtoken"
CALENDAR = "SELECT call_workprofile lead_restaurant"  # of the lead's owner


@pytest.fixture
def db(django_db_setup, django_db_blocker):
    """In the place of pytest-django's: no transaction around the test, and in the end its rows are deleted."""
    with django_db_blocker.unblock():
        assert not connection.in_atomic_block
        try:
            yield
        finally:
            for model in (Restaurant, get_user_model(), SignInAttempts):
                model.objects.all().delete()


@pytest.fixture
def ask(user, settings):
    """Send a request; the statements that it took. Without crm.fast a lock and what it locks are two."""
    settings.FAST, settings.FAST_WITHOUT = True, []
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(user)}")

    def ask(method: str, path: str, data=None, status: int = 200, **headers) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            answer = getattr(client, method)(path, data, headers=headers)
        assert answer.status_code == status, answer.json()
        return [summary(query["sql"]) for query in queries]

    return ask


def summary(sql: str) -> str:
    """The verb, the tables, and whether rows are locked."""
    tables = sorted(set(re.findall(r'(?:FROM|JOIN|INTO|UPDATE) "(\w+)"', sql)))
    return " ".join([sql.split()[0], *tables, *(["locked"] if "FOR NO KEY UPDATE" in sql else [])])


LOCKED = " locked" if connection.vendor == "postgresql" else ""  # on SQLite the transaction is the lock


def test_a_detail_queries_the_user_and_the_row(ask, lead):
    assert ask("get", f"/lead/restaurants/{lead.pk}/") == [USER, "SELECT lead_restaurant"]


def test_a_missing_row_is_queried_once_more(ask, lead):
    """As hooks would: they might find it. Then as one that was merged into another."""
    merged = "SELECT lead_leadmerge lead_restaurant"
    assert ask("get", "/lead/restaurants/7/", status=404) == [USER, *["SELECT lead_restaurant"] * 2, merged]


@pytest.mark.parametrize("query", ["", "?assigned_to=1&created_after=2024-01-01", "?lead_status=NEW&search=bistro"])
def test_a_list_queries_the_user_and_the_rows(ask, lead, query):
    assert ask("get", f"/lead/restaurants/{query}") == [USER, "SELECT lead_restaurant"]


def test_a_page_queries_the_user_the_rows_and_their_count(ask, lead):
    assert ask("get", "/lead/restaurants/?page=1") == [USER, "SELECT lead_restaurant", "SELECT lead_restaurant"]
    assert ask("get", "/lead/restaurants/?page=1&count=0") == [USER, "SELECT lead_restaurant"]


def test_todays_calls_query_the_user_and_the_plans(ask, plan):
    assert ask("get", "/call/today/") == [USER, "SELECT call_callplan"]


def test_me_queries_the_user_twice(ask):
    assert ask("get", "/api/me/") == [USER, "SELECT auth_user"]


def test_a_new_lead_is_one_insert_in_one_transaction(ask):
    assert ask("post", "/lead/restaurants/", {"name": "Bistro"}, status=201) == [
        USER,
        "BEGIN",
        "INSERT lead_restaurant",
        "COMMIT",
    ]


def test_an_interaction_is_checked_and_inserted_in_one_transaction(ask, lead, contact):
    body = {"lead": lead.pk, "interaction_type": "EMAIL", "details": "Sent the catalog."}
    for given, checked in ({"contact": contact.pk}, "SELECT contact_contact"), ({}, "SELECT lead_restaurant"):
        assert ask("post", "/track/interactions/", {**body, **given}, status=201) == [
            USER,
            "BEGIN",
            checked,
            "INSERT track_interaction",
            "COMMIT",
        ]


def test_an_interaction_that_is_refused_writes_nothing(ask, lead, contact):
    for body in ({"lead": 0, "contact": contact.pk}, {"lead": 2**40, "contact": contact.pk}, {"lead": 2**40}):
        statements = ask("post", "/track/interactions/", {**body, "interaction_type": "EMAIL"}, status=400)
        assert not [sql for sql in statements if sql.startswith(("INSERT", "UPDATE"))]
    assert not Interaction.objects.exists()


def test_a_touch_and_an_order_are_written_in_one_transaction(ask, lead, plan):
    touch = {"lead": lead.pk, "interaction_type": "CALL"}
    order = {"product_details": "Oil", "quantity": 1, "total_price": 5}
    for body in (touch, {"lead": lead.pk, "interaction_type": "ORDER", "order": order}):
        _, begin, *inside, commit = ask("post", "/track/interactions/", body, status=201)
        assert (begin, commit) == ("BEGIN", "COMMIT")
        assert inside[:2] == ["SELECT lead_restaurant", "INSERT track_interaction"]
        assert not {"BEGIN", "COMMIT", "SAVEPOINT", "ROLLBACK"} & {sql.split()[0] for sql in inside}


# The view locks the row before it reads it, and the verb before it changes it, for every caller.
LEAD = [f"SELECT lead_restaurant{LOCKED}"] * 2


def test_a_change_locks_the_row_and_writes_it_in_one_transaction(ask, lead):
    assert ask("patch", f"/lead/restaurants/{lead.pk}/", {"notes": "Closed on Mondays."}) == [
        USER,
        "BEGIN",
        *LEAD,
        "UPDATE lead_restaurant",
        "COMMIT",
    ]


def test_a_change_that_changes_nothing_writes_nothing(ask, lead):
    assert ask("patch", f"/lead/restaurants/{lead.pk}/", {"notes": ""}) == [USER, "BEGIN", *LEAD, "COMMIT"]


def test_a_recorded_call_locks_the_plan_and_writes_it_with_its_event(ask, plan):
    for _ in range(2):
        assert ask("post", f"/call/{plan.pk}/record_call/") == [
            USER,
            "BEGIN",
            *[f"SELECT call_callplan{LOCKED}"] * 2,
            CALENDAR,
            "UPDATE call_callplan",
            "INSERT call_callevent",
            "COMMIT",
        ]


def test_a_status_that_changes_writes_lead_and_history_in_one_transaction(ask, lead):
    assert ask("post", f"/lead/restaurants/{lead.pk}/change_status/", {"status": "CONTACTED"}) == [
        USER,
        "BEGIN",
        *LEAD,
        "UPDATE lead_restaurant",
        "INSERT lead_statuschange",
        "COMMIT",
    ]


def test_a_post_that_may_be_sent_again_is_one_transaction(ask):
    key = {"Idempotency-Key": "once"}
    statements = ask("post", "/lead/restaurants/", {"name": "Bistro"}, status=201, **key)
    assert (statements[1], statements[-1]) == ("BEGIN", "COMMIT")
    assert statements.count("INSERT lead_restaurant") == 1
    again = ask("post", "/lead/restaurants/", {"name": "Bistro"}, status=201, **key)
    assert "INSERT lead_restaurant" not in again
