"""The one media type is JSON: a request that accepts it by DRF's rules gets it, without DRF's work."""

import pytest
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from crm.api.renderers import JSONNegotiation, JSONRenderer

TAKEN = [
    None,
    "*/*",
    "application/json",
    " application/json ",
    "application/*",
    "application/json; charset=utf-8",
    "application/json;q=0.5",
    "application/json; indent=4",
    "text/html, application/json",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "text/html;q=1.0, */*",
    "text/html,, application/json",
    "application/xml,application/*;q=0.1",
    "*/*;q=0.1",
]
REFUSED = [
    "text/html",
    "text/*",
    "application/jsonp",
    "application/json-patch+json",
    "xapplication/json",
    "application/xml, text/csv;q=0.5",
    "text/html;a=application/json",
    "application / json",
    "json",
]


@pytest.mark.parametrize("accept", TAKEN)
def test_a_request_that_accepts_json_gets_json(api, accept):
    answer = api.get("/api/me/", headers={} if accept is None else {"Accept": accept})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json()["username"] == "kam"


@pytest.mark.parametrize("accept", REFUSED)
def test_a_request_that_accepts_no_json_is_a_406_in_json_and_not_done(api, lead, accept):
    requested = api.get("/api/me/", headers={"Accept": accept})
    refused = api.delete(f"/lead/restaurants/{lead.pk}/", headers={"Accept": accept})
    for answer in (requested, refused):
        assert (answer.status_code, answer["Content-Type"]) == (406, "application/json")
        assert answer.json() == {"detail": "Could not satisfy the request Accept header."}
    lead.refresh_from_db()


def chosen_by(negotiation, accept: str | None):
    request = Request(APIRequestFactory().get("/", headers={} if accept is None else {"Accept": accept}))
    try:
        renderer, media_type = negotiation.select_renderer(request, [JSONRenderer()])
    except NotAcceptable:
        return None
    return type(renderer), media_type.split(";")[0]


@pytest.mark.parametrize(
    "accept", [*TAKEN, *REFUSED, "", "application/json;q=0", "application/json;q=0, */*", "APPLICATION/JSON", ",", ";"]
)
def test_the_choice_is_that_of_django_rest_framework(settings, accept):
    assert chosen_by(JSONNegotiation(), accept) == chosen_by(DefaultContentNegotiation(), accept)


def test_a_weight_of_zero_is_ignored(api):
    """DRF looks at no weights; RFC 9110, section 12.5.1, lets a server answer whatever it has."""
    assert api.get("/api/me/", headers={"Accept": "application/json;q=0"}).status_code == 200
