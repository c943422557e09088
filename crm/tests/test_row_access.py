"""Row access: every route with every method, for seven users around a lead, with each value of ACCESS."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from rest_framework_simplejwt.tokens import RefreshToken

from crm.tests import PASSWORD
from crm.tests.rows import MODES, PEOPLE, SEES_LEAD, SEES_TEAM, Cast
from crm.tests.support import client_of
from crm.tests.test_access import FORMS, METHODS, QUERIES, ROWS, as_form, as_json, routes

# Per route the status, and the methods that have it, for a user who does not see the row. All else is as in the access
# table of crm/tests/test_access.py, which is about what one may do: there a user sees everything.
HIDDEN = """
/lead/restaurants/
/lead/restaurants/<pk>/                 404 GET HEAD PUT PATCH DELETE
/lead/restaurants/<pk>/change_status/   404 POST
/lead/restaurants/<pk>/status_history/  404 GET HEAD
/lead/restaurants/<pk>/owner_history/   404 GET HEAD
/lead/restaurants/<pk>/timeline/        404 GET HEAD
/lead/restaurants/<pk>/durations/       404 GET HEAD
/lead/restaurants/<pk>/external_ids/    404 GET HEAD POST DELETE
/lead/restaurants/<pk>/duplicates/      404 GET HEAD
/lead/restaurants/<pk>/not_duplicates/  404 GET HEAD POST DELETE
/lead/restaurants/<pk>/merge/           404 POST
/lead/restaurants/<pk>/unmerge/         404 POST
/lead/restaurants/hand_over/            400 POST
/lead/pipeline/
/lead/duplicates/

/contact/contacts/                      400 POST
/contact/contacts/<pk>/                 404 GET HEAD PUT PATCH DELETE
/contact/contacts/<pk>/card/            404 GET HEAD
/contact/contacts/duplicates/
/contact/contacts/<pk>/duplicates/      404 GET HEAD
/contact/contacts/<pk>/not_duplicates/  404 GET HEAD POST DELETE
/contact/contacts/<pk>/merge/           404 POST
/contact/contacts/<pk>/unmerge/         404 POST
/contact/cards/
/contact/cards/<str:secret>.vcf

/track/accounts/
/track/accounts/<pk>/                   404 GET HEAD PUT PATCH
/track/interactions/                    400 POST
/track/interactions/orders/
/track/interactions/<pk>/               404 GET HEAD PUT PATCH DELETE
/track/interactions/<pk>/order_details/ 404 GET HEAD PUT PATCH DELETE
/track/performance/

/call/                                  400 POST
/call/today/
/call/<pk>/                             404 GET HEAD PUT PATCH DELETE
/call/<pk>/record_call/                 404 POST
/call/<pk>/set_frequency/               404 PATCH
/call/<pk>/snooze/                      404 POST
/call/<pk>/skip/                        404 POST
/call/<pk>/pause/                       404 POST
/call/<pk>/resume/                      404 POST
/call/<pk>/history/                     404 GET HEAD
/call/overdue/
/call/upcoming/
/call/agenda/
/call/adherence/
/call/me/
/call/feed/
/call/feed/<str:secret>.ics

/api/token/
/api/token/refresh/
/api/token/verify/
/api/token/logout/
/api/me/
/api/users/
/api/teams/
/api/teams/<pk>/                        404 GET HEAD
/api/lookup/
/api/imports/
/api/imports/<pk>/
/api/imports/<pk>/confirm/
/api/imports/<pk>/failed.csv/
/api/imports/<pk>/revert/

/
/api/schema/
/api/docs/
/api/redoc/
/healthz
/readyz
"""
HIDDEN_STATUS = {
    route: dict.fromkeys(words[1:], int(words[0])) if words else {}
    for route, *words in map(str.split, filter(None, HIDDEN.splitlines()))
}
MAY_DO = {(route, method): expected for route, methods, expected in ROWS for method in methods}
USER, READER = 1, 2  # columns of the access table
LISTS = ["/lead/restaurants/", "/contact/contacts/", "/track/interactions/", "/track/interactions/orders/", "/call/"]


def bodies_of(cast: Cast, person: str) -> dict:
    """What each route needs to hear for a success."""
    lead, refresh = cast.lead.pk, str(RefreshToken.for_user(cast.users["owner"]))
    to = cast.users["teammate" if person == "owner" else person].pk
    return {
        "/lead/restaurants/": {"name": "Cafe Blau"},
        "/lead/restaurants/<pk>/": {"name": "Cafe Blau"},
        "/lead/restaurants/<pk>/change_status/": {"status": "CONTACTED"},
        "/lead/restaurants/hand_over/": {"from": cast.users["owner"].pk, "to": to, "leads": [lead]},
        "/lead/restaurants/<pk>/merge/": {"other": cast.twins["lead"]},
        "/lead/restaurants/<pk>/unmerge/": {"other": cast.merged["lead"]},
        "/lead/restaurants/<pk>/external_ids/": {"source": "erp", "value": "1"},
        "/lead/restaurants/<pk>/not_duplicates/": {"other": cast.twins["lead"]},
        "/contact/contacts/<pk>/merge/": {"other": cast.twins["contact"]},
        "/contact/contacts/<pk>/not_duplicates/": {"other": cast.twins["contact"]},
        "/contact/contacts/<pk>/unmerge/": {"other": cast.merged["contact"]},
        "/track/accounts/<pk>/": {"quiet_until": None},
        "/contact/contacts/": {"restaurant": lead, "name": "Asha Rao"},
        "/contact/contacts/<pk>/": {"restaurant": lead, "name": "Asha Rao"},
        "/track/interactions/": {"lead": lead, "interaction_type": "CALL"},
        "/track/interactions/<pk>/": {"lead": lead, "contact": cast.contact.pk, "interaction_type": "CALL"},
        "/track/interactions/<pk>/order_details/": {"product_details": "Oil", "quantity": 5, "total_price": 50},
        "/call/": {"lead": lead, "frequency": "DAILY"},
        "/call/<pk>/": {"lead": lead, "frequency": "DAILY"},
        "/call/<pk>/record_call/": {"contact": cast.contact.pk},
        "/call/<pk>/set_frequency/": {"frequency": "WEEKLY"},
        "/call/<pk>/snooze/": {"days": 1},
        "/api/imports/": {"kind": "leads", "file": SimpleUploadedFile("leads.csv", b"name\nBistro Ben\n")},
        "/api/token/": {"username": "owner", "password": PASSWORD},
        "/api/token/refresh/": {"refresh": refresh},
        "/api/token/verify/": {"token": refresh},
        "/api/token/logout/": {"refresh": refresh},
    }


def expected_status(mode: str, person: str, route: str, method: str) -> int:
    status = MAY_DO[route, method][READER if person == "reader" else USER]
    if (mode, person, route, method) == ("own", "owner", "/lead/restaurants/hand_over/", "POST"):
        return 400  # to a teammate, whose leads one does not see
    sees = SEES_TEAM if "teams" in route else SEES_LEAD[mode]
    return status if status == 403 or person in sees else HIDDEN_STATUS[route].get(method, status)


def depends_on_user(route: str, method: str) -> bool:
    """Whether it needs a token, and more is looked at than whether the route has the method."""
    anonymous, user, *_ = MAY_DO[route, method]
    return anonymous == 401 and method != "OPTIONS" and user != 405


@pytest.mark.parametrize("mode", MODES)
def test_every_route_answers_each_user_as_the_tables_say(mode, db, settings):
    settings.ACCESS = mode
    cast = Cast.create()
    got, expected = {}, {}
    for person in PEOPLE:
        client, bodies = client_of(cast.users[person]), bodies_of(cast, person)
        for route, method in MAY_DO:
            if not depends_on_user(route, method) and (mode, person) != ("own", "outsider"):
                continue  # once is enough
            if method == "HEAD" and person not in ("owner", "outsider"):
                continue  # it is GET's handler
            body = None if method in ("GET", "HEAD") else bodies.get(route)
            sent = as_form(body) if route in FORMS else as_json(body)
            with transaction.atomic():
                answer = client.generic(method, cast.path(route, QUERIES.get(route, "")), **sent)
                transaction.set_rollback(True)
            expected[person, method, route] = expected_status(mode, person, route, method)
            got[person, method, route] = answer.status_code
    assert {key: status for key, status in got.items() if status != expected[key]} == {}


def test_the_table_of_hidden_rows_has_every_route():
    assert set(HIDDEN_STATUS) == {route for route in routes() if not route.startswith("/admin/")}
    assert {method for methods in HIDDEN_STATUS.values() for method in methods} <= METHODS


@pytest.mark.parametrize("mode", MODES)
def test_lists_totals_and_searches_have_the_rows_that_one_sees(mode, db, settings):
    settings.ACCESS = mode
    cast = Cast.create()
    for person in PEOPLE:
        client, there = client_of(cast.users[person]), int(person in SEES_LEAD[mode])
        for path in LISTS:
            twins = 2 if path in ("/lead/restaurants/", "/contact/contacts/") else 1
            assert len(client.get(path).json()) == there * twins, (person, path)
            there = there * 2 if path == "/lead/restaurants/" else int(person in SEES_LEAD[mode])
            found = client.get(f"{path}?search={'asha' if 'contacts' in path else 'bistro'}&page_size=1")
            assert (len(found.json()), found["X-Total-Count"]) == (min(there, 1), str(there)), (person, path)
            there = min(there, 1)
