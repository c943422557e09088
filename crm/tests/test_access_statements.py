"""What row access costs: with ACCESS=all nothing, else one query of the policy, and one for each id in a body."""

import json

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

import lead.views
from crm.api import lists
from crm.tests.rows import Cast
from crm.tests.support import client_of
from crm.tests.test_access import QUERIES, as_json
from lead.models import Restaurant, Team
from track.models import Interaction, OrderDetails

READS = [
    "/lead/restaurants/",
    "/lead/restaurants/?page=1",
    "/lead/restaurants/?assigned_to=none",
    "/lead/restaurants/?search=bistro",
    "/lead/restaurants/<pk>/",
    "/lead/restaurants/<pk>/status_history/",
    "/lead/restaurants/<pk>/owner_history/",
    "/lead/restaurants/<pk>/timeline/",
    "/lead/restaurants/<pk>/durations/",
    "/lead/restaurants/<pk>/external_ids/",
    "/lead/restaurants/<pk>/duplicates/",
    "/lead/restaurants/<pk>/not_duplicates/",
    "/lead/duplicates/",
    "/lead/restaurants/?stale=1",
    "/lead/pipeline/" + QUERIES["/call/adherence/"],
    "/api/lookup/" + QUERIES["/api/lookup/"],
    "/contact/contacts/",
    "/contact/contacts/<pk>/",
    "/contact/contacts/<pk>/card/",
    "/contact/contacts/duplicates/" + QUERIES["/contact/contacts/duplicates/"],
    "/contact/contacts/<pk>/duplicates/",
    "/contact/contacts/<pk>/not_duplicates/",
    "/track/accounts/",
    "/track/accounts/?verdict=SILENT&page=1",
    "/track/accounts/<pk>/",
    "/track/interactions/",
    "/track/interactions/?search=bistro",
    "/track/interactions/?page=1",
    "/track/interactions/orders/",
    "/track/interactions/<pk>/",
    "/track/interactions/<pk>/order_details/",
    "/track/performance/" + QUERIES["/track/performance/"],
    "/call/",
    "/call/today/",
    "/call/overdue/",
    "/call/upcoming/",
    "/call/agenda/",
    "/call/adherence/" + QUERIES["/call/adherence/"],
    "/call/<pk>/",
    "/call/<pk>/history/",
]
# Writes of the owner, and the ids in the body.
WRITES = [
    ("POST", "/lead/restaurants/", {"name": "A"}, 0),
    ("POST", "/lead/restaurants/", {"name": "A", "assigned_to": "owner"}, 0),  # looked up with ACCESS=all as well
    ("PATCH", "/lead/restaurants/<pk>/", {"notes": "A"}, 0),
    ("POST", "/lead/restaurants/<pk>/change_status/", {"status": "LOST"}, 0),
    ("POST", "/contact/contacts/", {"restaurant": "lead", "name": "A"}, 0),
    ("PATCH", "/contact/contacts/<pk>/", {"name": "A"}, 0),
    ("POST", "/track/interactions/", {"lead": "lead", "interaction_type": "EMAIL"}, 1),
    ("POST", "/track/interactions/", {"lead": "lead", "contact": "contact", "interaction_type": "EMAIL"}, 2),
    ("PATCH", "/track/interactions/<pk>/", {"details": "A"}, 0),
    ("PUT", "/track/interactions/<pk>/", {"lead": "lead", "contact": "contact", "interaction_type": "CALL"}, 0),
    ("POST", "/call/", {"lead": "lead", "frequency": "DAILY"}, 0),
    ("POST", "/call/<pk>/record_call/", {}, 0),
    ("POST", "/call/<pk>/record_call/", {"contact": "contact"}, 0),
    ("POST", "/call/<pk>/snooze/", {"days": 1}, 0),
]


@pytest.fixture
def statements(db, settings):
    """The SQL of a request, by the value of ACCESS, with a token and through the middleware."""
    settings.FAST, settings.FAST_WITHOUT = True, []
    cast = Cast.create()
    clients = {
        name: APIClient(headers={"Authorization": f"Bearer {AccessToken.for_user(user)}"})
        for name, user in cast.users.items()
    }
    ids = {"lead": cast.lead.pk, "contact": cast.contact.pk, "owner": cast.users["owner"].pk}

    def ask(access: str, method: str, route: str, body=None, by: str = "owner") -> list[str]:
        settings.ACCESS = access
        sent = body and {name: ids.get(value, value) for name, value in body.items()}
        with transaction.atomic():
            with CaptureQueriesContext(connection) as queries:
                answer = clients[by].generic(method, cast.path(route), **as_json(sent))
            transaction.set_rollback(True)
        assert answer.status_code < 300, answer.content
        return [query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]

    return ask


def policies(statements: list[str]) -> int:
    return sum("lead_team_managers" in sql for sql in statements)


OWN_ROWS = {"/lead/restaurants/<pk>/", "/contact/contacts/<pk>/", "/track/interactions/<pk>/", "/call/<pk>/"}


@pytest.mark.parametrize("access", ["team", "own"])
def test_a_read_asks_the_policy_once_and_nothing_else(access, statements):
    """Not at all where the row that is read says that it is the user's own."""
    for route in READS:
        usual, narrowed = statements("all", "GET", route), statements(access, "GET", route)
        assert (policies(usual), policies(narrowed)) == (0, route not in OWN_ROWS), route
        assert len(narrowed) == len(usual) + (route not in OWN_ROWS), (route, usual, narrowed)


def test_another_users_row_takes_one_query_of_the_policy(statements):
    for route in OWN_ROWS:
        usual, narrowed = (statements(access, "GET", route, by="teammate") for access in ("all", "team"))
        assert (policies(narrowed), len(narrowed)) == (1, len(usual) + 1), (route, usual, narrowed)


def test_the_policy_is_one_parameter_for_however_many_users(db, django_user_model, settings):
    settings.ACCESS = "own"
    members = [django_user_model.objects.create_user(f"member {number}") for number in range(30)]
    lead = Restaurant.objects.create(name="Bistro Anna", assigned_to=members[-1])
    Interaction.log(lead=lead, interaction_type="CALL")
    for count in (0, 3, 30):
        manager = django_user_model.objects.create_user(f"manager {count}")
        Team.establish(name="North", members=[user.pk for user in members[:count]], managers=[manager.pk])
        for model in (Restaurant, Interaction, OrderDetails):
            rows = model.objects.visible_to(manager)
            assert len(rows.query.sql_with_params()[1]) == 1, model
        seen = [model.objects.visible_to(manager).count() for model in (Restaurant, Interaction)]
        assert seen == [int(count == 30)] * 2


@pytest.mark.django_db
@pytest.mark.parametrize("access", ["team", "own"])
def test_a_streamed_timeline_asks_the_policy_once(access, settings, monkeypatch):
    """Its later pages are read when the middleware has ended."""
    for module in (lists, lead.views):
        monkeypatch.setattr(module, "CHUNK", 2)
    monkeypatch.setattr(lists, "WHOLE", 3)
    settings.ACCESS = access
    cast = Cast.create()
    for _ in range(8):
        Interaction.log(lead=cast.lead, interaction_type="EMAIL")
    with CaptureQueriesContext(connection) as queries:
        answer = client_of(cast.users["owner"]).get(cast.path("/lead/restaurants/<pk>/timeline/"))
        rows = json.loads(b"".join(answer.streaming_content))
    assert len(rows) >= 9
    assert policies([query["sql"] for query in queries]) == 1


@pytest.mark.parametrize("access", ["team", "own"])
def test_a_write_asks_the_policy_once_and_for_each_id_once(access, statements):
    lock = 2 if connection.vendor == "postgresql" else 0  # a hidden row is not waited for, so it is looked up first
    for method, route, body, ids in WRITES:
        usual, narrowed = statements("all", method, route, body), statements(access, method, route, body)
        assert (policies(usual), policies(narrowed)) == (0, 1), route
        extra = len(narrowed) - len(usual) - 1 - ids
        assert 0 <= extra <= (lock if "<pk>" in route else 0), (method, route, extra, usual, narrowed)
