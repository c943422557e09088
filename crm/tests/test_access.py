"""Access: every route with every method, as an anonymous client, a user, a member of `Read only` and an admin."""

import pytest
from django.contrib.admindocs.views import simplify_regex
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from backoffice.exchange.imports import preview
from backoffice.models import Import
from call.models import FeedAddress
from contact.models import AddressBook, Contact
from crm import dates
from crm.tests import PASSWORD
from lead.models import Restaurant, Team

PEOPLE = ("anonymous", "user", "reader", "admin")
METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}

# The columns are PEOPLE's. What the table calls <pk> is the id of a row that exists.
TABLE = """
/lead/restaurants/                      GET HEAD OPTIONS         401 200 200 200
/lead/restaurants/                      POST                     401 201 403 201
/lead/restaurants/                      PUT PATCH DELETE         401 405 403 405
/lead/restaurants/<pk>/                 GET HEAD OPTIONS         401 200 200 200
/lead/restaurants/<pk>/                 PUT PATCH                401 200 403 200
/lead/restaurants/<pk>/                 DELETE                   401 204 403 204
/lead/restaurants/<pk>/                 POST                     401 405 403 405
/lead/restaurants/<pk>/change_status/   POST                     401 200 403 200
/lead/restaurants/<pk>/change_status/   OPTIONS                  401 200 200 200
/lead/restaurants/<pk>/change_status/   GET HEAD                 401 405 405 405
/lead/restaurants/<pk>/change_status/   PUT PATCH DELETE         401 405 403 405
/lead/restaurants/<pk>/status_history/  GET HEAD OPTIONS         401 200 200 200
/lead/restaurants/<pk>/status_history/  POST PUT PATCH DELETE    401 405 403 405
/lead/restaurants/<pk>/owner_history/   GET HEAD OPTIONS         401 200 200 200
/lead/restaurants/<pk>/owner_history/   POST PUT PATCH DELETE    401 405 403 405
/lead/restaurants/<pk>/timeline/        GET HEAD OPTIONS         401 200 200 200
/lead/restaurants/<pk>/timeline/        POST PUT PATCH DELETE    401 405 403 405
/lead/restaurants/<pk>/durations/       GET HEAD OPTIONS         401 200 200 200
/lead/restaurants/<pk>/durations/       POST PUT PATCH DELETE    401 405 403 405
/lead/duplicates/                       GET HEAD OPTIONS         401 200 200 200
/lead/duplicates/                       POST PUT PATCH DELETE    401 405 403 405
/lead/pipeline/                         GET HEAD OPTIONS         401 200 200 200
/lead/pipeline/                         POST PUT PATCH DELETE    401 405 403 405
/lead/restaurants/<pk>/merge/           POST                     401 200 403 200
/lead/restaurants/<pk>/merge/           OPTIONS                  401 200 200 200
/lead/restaurants/<pk>/merge/           GET HEAD                 401 405 405 405
/lead/restaurants/<pk>/merge/           PUT PATCH DELETE         401 405 403 405
/lead/restaurants/<pk>/unmerge/         POST                     401 200 403 200
/lead/restaurants/<pk>/unmerge/         OPTIONS                  401 200 200 200
/lead/restaurants/<pk>/unmerge/         GET HEAD                 401 405 405 405
/lead/restaurants/<pk>/unmerge/         PUT PATCH DELETE         401 405 403 405
/lead/restaurants/<pk>/external_ids/    GET HEAD OPTIONS         401 200 200 200
/lead/restaurants/<pk>/external_ids/    POST                     401 201 403 201
/lead/restaurants/<pk>/external_ids/    DELETE                   401 404 403 404
/lead/restaurants/<pk>/external_ids/    PUT PATCH                401 405 403 405
/lead/restaurants/<pk>/duplicates/      GET HEAD OPTIONS         401 200 200 200
/lead/restaurants/<pk>/duplicates/      POST PUT PATCH DELETE    401 405 403 405
/lead/restaurants/<pk>/not_duplicates/  GET HEAD OPTIONS         401 200 200 200
/lead/restaurants/<pk>/not_duplicates/  POST                     401 201 403 201
/lead/restaurants/<pk>/not_duplicates/  DELETE                   401 404 403 404
/lead/restaurants/<pk>/not_duplicates/  PUT PATCH                401 405 403 405
/lead/restaurants/hand_over/            POST                     401 200 403 200
/lead/restaurants/hand_over/            OPTIONS                  401 200 200 200
/lead/restaurants/hand_over/            GET HEAD                 401 405 405 405
/lead/restaurants/hand_over/            PUT PATCH DELETE         401 405 403 405

/contact/contacts/                      GET HEAD OPTIONS         401 200 200 200
/contact/contacts/                      POST                     401 201 403 201
/contact/contacts/                      PUT PATCH DELETE         401 405 403 405
/contact/contacts/<pk>/                 GET HEAD OPTIONS         401 200 200 200
/contact/contacts/<pk>/                 PUT PATCH                401 200 403 200
/contact/contacts/<pk>/                 DELETE                   401 204 403 204
/contact/contacts/<pk>/                 POST                     401 405 403 405
/contact/contacts/<pk>/card/            GET HEAD OPTIONS         401 200 200 200
/contact/contacts/<pk>/card/            POST PUT PATCH DELETE    401 405 403 405
/contact/cards/                         POST                     401 201 403 201
/contact/cards/                         DELETE                   401 204 403 204
/contact/cards/                         OPTIONS                  401 200 200 200
/contact/cards/                         GET HEAD                 401 405 405 405
/contact/cards/                         PUT PATCH                401 405 403 405
/contact/cards/<str:secret>.vcf         GET HEAD OPTIONS         200 200 200 200
/contact/cards/<str:secret>.vcf         POST PUT PATCH DELETE    405 405 405 405
/contact/contacts/<pk>/merge/           POST                     401 200 403 200
/contact/contacts/<pk>/merge/           OPTIONS                  401 200 200 200
/contact/contacts/<pk>/merge/           GET HEAD                 401 405 405 405
/contact/contacts/<pk>/merge/           PUT PATCH DELETE         401 405 403 405
/contact/contacts/<pk>/unmerge/         POST                     401 200 403 200
/contact/contacts/<pk>/unmerge/         OPTIONS                  401 200 200 200
/contact/contacts/<pk>/unmerge/         GET HEAD                 401 405 405 405
/contact/contacts/<pk>/unmerge/         PUT PATCH DELETE         401 405 403 405
/contact/contacts/duplicates/           GET HEAD OPTIONS         401 200 200 200
/contact/contacts/duplicates/           POST PUT PATCH DELETE    401 405 403 405
/contact/contacts/<pk>/duplicates/      GET HEAD OPTIONS         401 200 200 200
/contact/contacts/<pk>/duplicates/      POST PUT PATCH DELETE    401 405 403 405
/contact/contacts/<pk>/not_duplicates/  GET HEAD OPTIONS         401 200 200 200
/contact/contacts/<pk>/not_duplicates/  POST                     401 201 403 201
/contact/contacts/<pk>/not_duplicates/  DELETE                   401 404 403 404
/contact/contacts/<pk>/not_duplicates/  PUT PATCH                401 405 403 405

/track/interactions/                    GET HEAD OPTIONS         401 200 200 200
/track/interactions/                    POST                     401 201 403 201
/track/interactions/                    PUT PATCH DELETE         401 405 403 405
/track/interactions/orders/             GET HEAD OPTIONS         401 200 200 200
/track/interactions/orders/             POST PUT PATCH DELETE    401 405 403 405
/track/interactions/<pk>/               GET HEAD OPTIONS         401 200 200 200
/track/interactions/<pk>/               PUT PATCH DELETE         401 200 403 200
/track/interactions/<pk>/               POST                     401 405 403 405
/track/interactions/<pk>/order_details/ GET HEAD OPTIONS         401 200 200 200
/track/interactions/<pk>/order_details/ PUT PATCH                401 200 403 200
/track/interactions/<pk>/order_details/ DELETE                   401 204 403 204
/track/interactions/<pk>/order_details/ POST                     401 405 403 405
/track/performance/                     GET HEAD OPTIONS         401 200 200 200
/track/performance/                     POST PUT PATCH DELETE    401 405 403 405

/track/accounts/                        GET HEAD OPTIONS         401 200 200 200
/track/accounts/                        POST PUT PATCH DELETE    401 405 403 405
/track/accounts/<pk>/                   GET HEAD OPTIONS         401 200 200 200
/track/accounts/<pk>/                   PUT PATCH                401 200 403 200
/track/accounts/<pk>/                   POST DELETE              401 405 403 405

/call/                                  GET HEAD OPTIONS         401 200 200 200
/call/                                  POST                     401 201 403 201
/call/                                  PUT PATCH DELETE         401 405 403 405
/call/today/                            GET HEAD OPTIONS         401 200 200 200
/call/today/                            POST PUT PATCH DELETE    401 405 403 405
/call/<pk>/                             GET HEAD OPTIONS         401 200 200 200
/call/<pk>/                             PUT PATCH DELETE         401 200 403 200
/call/<pk>/                             POST                     401 405 403 405
/call/<pk>/record_call/                 POST                     401 200 403 200
/call/<pk>/record_call/                 OPTIONS                  401 200 200 200
/call/<pk>/record_call/                 GET HEAD                 401 405 405 405
/call/<pk>/record_call/                 PUT PATCH DELETE         401 405 403 405
/call/<pk>/set_frequency/               PATCH                    401 200 403 200
/call/<pk>/set_frequency/               OPTIONS                  401 200 200 200
/call/<pk>/set_frequency/               GET HEAD                 401 405 405 405
/call/<pk>/set_frequency/               POST PUT DELETE          401 405 403 405
/call/<pk>/snooze/                      POST                     401 200 403 200
/call/<pk>/snooze/                      OPTIONS                  401 200 200 200
/call/<pk>/snooze/                      GET HEAD                 401 405 405 405
/call/<pk>/snooze/                      PUT PATCH DELETE         401 405 403 405
/call/<pk>/skip/                        POST                     401 200 403 200
/call/<pk>/skip/                        OPTIONS                  401 200 200 200
/call/<pk>/skip/                        GET HEAD                 401 405 405 405
/call/<pk>/skip/                        PUT PATCH DELETE         401 405 403 405
/call/<pk>/pause/                       POST                     401 200 403 200
/call/<pk>/pause/                       OPTIONS                  401 200 200 200
/call/<pk>/pause/                       GET HEAD                 401 405 405 405
/call/<pk>/pause/                       PUT PATCH DELETE         401 405 403 405
/call/<pk>/resume/                      POST                     401 200 403 200
/call/<pk>/resume/                      OPTIONS                  401 200 200 200
/call/<pk>/resume/                      GET HEAD                 401 405 405 405
/call/<pk>/resume/                      PUT PATCH DELETE         401 405 403 405
/call/<pk>/history/                     GET HEAD OPTIONS         401 200 200 200
/call/<pk>/history/                     POST PUT PATCH DELETE    401 405 403 405
/call/overdue/                          GET HEAD OPTIONS         401 200 200 200
/call/overdue/                          POST PUT PATCH DELETE    401 405 403 405
/call/upcoming/                         GET HEAD OPTIONS         401 200 200 200
/call/upcoming/                         POST PUT PATCH DELETE    401 405 403 405
/call/agenda/                           GET HEAD OPTIONS         401 200 200 200
/call/agenda/                           POST PUT PATCH DELETE    401 405 403 405
/call/adherence/                        GET HEAD OPTIONS         401 200 200 200
/call/adherence/                        POST PUT PATCH DELETE    401 405 403 405
/call/me/                               GET HEAD OPTIONS         401 200 200 200
/call/me/                               PUT PATCH                401 200 403 200
/call/me/                               POST DELETE              401 405 403 405
/call/feed/                             POST                     401 201 403 201
/call/feed/                             DELETE                   401 204 403 204
/call/feed/                             OPTIONS                  401 200 200 200
/call/feed/                             GET HEAD                 401 405 405 405
/call/feed/                             PUT PATCH                401 405 403 405
/call/feed/<str:secret>.ics             GET HEAD OPTIONS         200 200 200 200
/call/feed/<str:secret>.ics             POST PUT PATCH DELETE    405 405 405 405

/api/token/                             POST OPTIONS             200 200 200 200
/api/token/                             GET HEAD PUT PATCH DELETE 405 405 405 405
/api/token/refresh/                     POST OPTIONS             200 200 200 200
/api/token/refresh/                     GET HEAD PUT PATCH DELETE 405 405 405 405
/api/token/verify/                      POST OPTIONS             200 200 200 200
/api/token/verify/                      GET HEAD PUT PATCH DELETE 405 405 405 405
/api/token/logout/                      POST                     204 204 204 204
/api/token/logout/                      OPTIONS                  200 200 200 200
/api/token/logout/                      GET HEAD PUT PATCH DELETE 405 405 405 405
/api/me/                                GET HEAD OPTIONS         401 200 200 200
/api/me/                                POST PUT PATCH DELETE    401 405 403 405
/api/lookup/                            GET HEAD OPTIONS         401 200 200 200
/api/lookup/                            POST PUT PATCH DELETE    401 405 403 405
/api/users/                             GET HEAD OPTIONS         401 200 200 200
/api/users/                             POST PUT PATCH DELETE    401 405 403 405
/api/teams/                             GET HEAD OPTIONS         401 200 200 200
/api/teams/                             POST                     401 403 403 201
/api/teams/                             PUT PATCH DELETE         401 403 403 405
/api/teams/<pk>/                        GET HEAD OPTIONS         401 200 200 200
/api/teams/<pk>/                        PUT PATCH                401 403 403 200
/api/teams/<pk>/                        DELETE                   401 403 403 204
/api/teams/<pk>/                        POST                     401 403 403 405

/api/imports/                           GET HEAD OPTIONS         401 200 200 200
/api/imports/                           POST                     401 201 403 201
/api/imports/                           PUT PATCH DELETE         401 405 403 405
/api/imports/<pk>/                      GET HEAD                 401 404 404 200
/api/imports/<pk>/                      OPTIONS                  401 200 200 200
/api/imports/<pk>/                      POST PUT PATCH DELETE    401 405 403 405
/api/imports/<pk>/confirm/              POST                     401 404 403 200
/api/imports/<pk>/confirm/              OPTIONS                  401 200 200 200
/api/imports/<pk>/confirm/              GET HEAD                 401 405 405 405
/api/imports/<pk>/confirm/              PUT PATCH DELETE         401 405 403 405
/api/imports/<pk>/failed.csv/           GET HEAD                 401 404 404 200
/api/imports/<pk>/failed.csv/           OPTIONS                  401 200 200 200
/api/imports/<pk>/failed.csv/           POST PUT PATCH DELETE    401 405 403 405
/api/imports/<pk>/revert/               POST                     401 404 403 400
/api/imports/<pk>/revert/               OPTIONS                  401 200 200 200
/api/imports/<pk>/revert/               GET HEAD                 401 405 405 405
/api/imports/<pk>/revert/               PUT PATCH DELETE         401 405 403 405

/                                       GET HEAD                 200 200 200 200
/                                       OPTIONS POST PUT PATCH DELETE 405 405 405 405
/api/schema/                            GET HEAD                 200 200 200 200
/api/schema/                            OPTIONS POST PUT PATCH DELETE 405 405 405 405
/api/docs/                              GET HEAD                 200 200 200 200
/api/docs/                              OPTIONS POST PUT PATCH DELETE 405 405 405 405
/api/redoc/                             GET HEAD                 200 200 200 200
/api/redoc/                             OPTIONS POST PUT PATCH DELETE 405 405 405 405
/healthz                                GET HEAD                 200 200 200 200
/healthz                                OPTIONS POST PUT PATCH DELETE 405 405 405 405
/readyz                                 GET HEAD                 200 200 200 200
/readyz                                 OPTIONS POST PUT PATCH DELETE 405 405 405 405
"""

FORMS = {"/api/imports/"}  # that take a file
PERIOD = "?from=2024-01-01&to=2024-12-31"
QUERIES = {
    "/call/adherence/": PERIOD,
    "/track/performance/": PERIOD,
    "/api/lookup/": "?phone=%2B919876543210",
    "/contact/contacts/duplicates/": "?restaurant=1",
}


def rows_of(table: str):
    for line in filter(None, table.splitlines()):
        route, *words = line.split()
        yield route, words[: -len(PEOPLE)], [int(word) for word in words[-len(PEOPLE) :]]


ROWS = list(rows_of(TABLE))


def routes(patterns=None, prefix="") -> list[str]:
    """Every route of the project, as the table writes it."""
    found = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(pattern.pattern)
        found += [simplify_regex(path)] if isinstance(pattern, URLPattern) else routes(pattern.url_patterns, path)
    return found


OPEN = ("/admin/login/", "/admin/logout/")


@pytest.fixture
def admin(db):
    return get_user_model().objects.create_superuser("admin", password=PASSWORD)


@pytest.fixture
def bodies(user, admin, lead, contact, interaction, plan):
    """What each route needs to hear for a success."""
    interaction.write_order(product_details="50 units", quantity=50, total_price=500)
    refresh = RefreshToken.for_user(user)
    person = {"restaurant": lead.pk, "name": "Asha Rao"}
    call = {"lead": lead.pk, "interaction_type": "CALL"}
    rhythm = {"lead": lead.pk, "frequency": "DAILY"}
    twin = Restaurant.objects.create(name="Bistro Ana", assigned_to=user)
    merged = Restaurant.objects.create(name="Bistro Ana", assigned_to=user)
    lead.merge(merged.pk)
    double, gone = (Contact.objects.create(restaurant=lead, name="A. Rao") for _ in range(2))
    contact.merge(gone.pk)
    order = {"product_details": "5 units", "quantity": 5, "total_price": 50}
    return {
        "/lead/restaurants/": {"name": "Cafe Blau"},
        "/lead/restaurants/<pk>/": {"name": "Cafe Blau"},
        "/lead/restaurants/<pk>/change_status/": {"status": "CONTACTED"},
        "/lead/restaurants/<pk>/external_ids/": {"source": "erp", "value": "ALFKI"},
        "/lead/restaurants/hand_over/": {"from": user.pk, "to": admin.pk, "leads": [lead.pk]},
        "/lead/restaurants/<pk>/merge/": {"other": twin.pk},
        "/lead/restaurants/<pk>/unmerge/": {"other": merged.pk},
        "/lead/restaurants/<pk>/not_duplicates/": {"other": twin.pk},
        "/contact/contacts/<pk>/merge/": {"other": double.pk},
        "/contact/contacts/<pk>/not_duplicates/": {"other": double.pk},
        "/contact/contacts/<pk>/unmerge/": {"other": gone.pk},
        "/contact/contacts/": person,
        "/contact/contacts/<pk>/": person,
        "/track/interactions/": call,
        "/track/interactions/<pk>/": call,
        "/track/interactions/<pk>/order_details/": order,
        "/call/": rhythm,
        "/call/<pk>/": rhythm,
        "/call/<pk>/record_call/": {},
        "/call/<pk>/set_frequency/": {"frequency": "WEEKLY"},
        "/call/<pk>/snooze/": {"days": 1},
        "/api/teams/": {"name": "North"},
        "/api/teams/<pk>/": {"name": "North"},
        "/api/imports/": {"kind": "leads", "file": SimpleUploadedFile("leads.csv", b"name\nBistro Ben\n")},
        "/api/token/": {"username": user.username, "password": PASSWORD},
        "/api/token/refresh/": {"refresh": str(refresh)},
        "/api/token/verify/": {"token": str(refresh)},
        "/api/token/logout/": {"refresh": str(refresh)},
    }


@pytest.fixture
def clients(user, reader, admin):
    clients = {"anonymous": APIClient()}
    for name, person in {"user": user, "reader": reader, "admin": admin}.items():
        clients[name] = APIClient(headers={"Authorization": f"Bearer {AccessToken.for_user(person)}"})
    return clients


@pytest.fixture
def path_of(user, reader, admin, lead, contact, interaction, plan):
    """The path of a route of the table. The import is a preview with a row in error."""
    team = Team.establish(name="West", members=[user.pk, reader.pk])
    content = {"content": b"name,email\nBistro Ben,b@\nBistro Cem,\n", "source": "import", "partial": True}
    imported = Import.store(user=admin, kind="leads", name="leads.csv", moment=dates.now(), **content)
    preview(imported)
    rows = {"lead": lead, "contact": contact, "track": interaction, "call": plan}
    further = {"/track/accounts/": lead, "/api/teams/": team, "/api/imports/": imported}
    secrets = {"call": FeedAddress.renew(user), "contact": AddressBook.renew(user)}

    def path(route: str) -> str:
        for start, row in further.items():
            if route.startswith(start):
                route = route.replace("<pk>", str(row.pk))
        if "<pk>" in route:
            route = route.replace("<pk>", str(rows[route.split("/")[1]].pk))
        return route.replace("<str:secret>", secrets.get(route.split("/")[1], "")) + QUERIES.get(route, "")

    return path


@pytest.mark.parametrize(("route", "methods", "expected"), ROWS, ids=[f"{row[0]} {' '.join(row[1])}" for row in ROWS])
def test_each_user_gets_the_status_of_the_access_table(route, methods, expected, clients, bodies, path_of):
    path = path_of(route)
    got = {}
    for method in methods:
        for person in PEOPLE:
            with transaction.atomic():
                body = None if method in ("GET", "HEAD") else bodies.get(route)
                sent = as_form(body) if route in FORMS else as_json(body)
                got[method, person] = clients[person].generic(method, path, **sent).status_code
                transaction.set_rollback(True)
    assert got == {(method, person): expected[PEOPLE.index(person)] for method in methods for person in PEOPLE}


def as_form(body) -> dict:
    if body is None:
        return {}
    body["file"].seek(0)
    data, content_type = APIClient()._encode_data(body, "multipart")
    return {"data": data, "content_type": content_type}


def as_json(body) -> dict:
    return (
        {} if body is None else {"data": APIClient()._encode_data(body, "json")[0], "content_type": "application/json"}
    )


def test_the_access_table_has_every_route_and_each_method_once():
    listed = [(route, method) for route, methods, _ in ROWS for method in methods]
    exist = {route for route in routes() if not route.startswith("/admin/")}
    assert sorted(listed) == sorted((route, method) for route in exist for method in METHODS)


@pytest.mark.parametrize("name", ["anonymous", "user", "reader"])
def test_every_page_of_the_admin_is_closed_to_users_who_are_not_staff(name, request):
    client = Client()
    if name != "anonymous":
        client.force_login(request.getfixturevalue(name))
    closed = [route for route in routes() if route.startswith("/admin/") and route not in OPEN]
    for route in closed:
        answer = client.get(route.replace("<path:object_id>", "1").replace("<app_label>", "auth"))
        assert (answer.status_code, answer.get("Location", "")[:13]) == (302, "/admin/login/"), route


def test_the_admin_is_open_to_staff(admin, client):
    client.force_login(admin)
    assert client.get("/admin/").status_code == 200
