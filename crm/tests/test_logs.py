"""Logs that can be handed on: what happened, to which user, and no secret or personal data."""

import json
import logging
import logging.config

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.test import Client
from rest_framework.test import APIClient

from crm.logging import JSONFormatter, request_id
from crm.tests import PASSWORD
from lead.models import Restaurant

CANARY = "canary@example.com"


in_both_forms = pytest.mark.parametrize("log", ["json", "text"], indirect=True)


# --- The access log -----------------------------------------------------------------------------------


def test_each_request_is_a_line(api, user, lead, log):
    api.get(f"/lead/restaurants/{lead.pk}/", headers={"X-Request-ID": "abc"}, REMOTE_ADDR="192.0.2.1")
    (line,) = log.lines("crm.access")
    assert line.pop("ms") > 0
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "INFO",
        "logger": "crm.access",
        "message": "request",
        "request_id": "abc",
        "method": "GET",
        "route": "/lead/restaurants/(?P<pk>[0-9]{1,18})/$",
        "id": str(lead.pk),
        "status": 200,
        "user": user.pk,
        "address": "192.0.2.1",
    }


def test_errors_before_any_view_are_logged_too(log):
    Client().get("/nowhere")
    Client().get("/lead/restaurants/", HTTP_HOST="evil.example")
    assert [(line["route"], line["status"], line["user"]) for line in log.lines("crm.access")] == [
        (None, 404, None),
        (None, 400, None),
    ]


def test_the_address_is_the_clients_behind_a_trusted_proxy(settings, log):
    settings.TRUSTED_PROXIES = ["10.0.0.1"]
    Client().get("/healthz", headers={"X-Forwarded-For": "192.0.2.7"}, REMOTE_ADDR="10.0.0.1")
    assert log.lines("crm.access")[0]["address"] == "192.0.2.7"


@pytest.mark.parametrize("log", ["text"], indirect=True)
def test_without_log_json_requests_are_not_logged(api, log):
    api.get("/lead/restaurants/")
    assert log.getvalue() == ""


def test_no_token_password_query_string_path_or_body_is_in_the_log(anonymous_client, user, log):
    tokens = anonymous_client.post("/api/token/", {"username": "kam", "password": PASSWORD}).json()
    anonymous_client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    body = {"name": CANARY, "email": CANARY, "phone": "5550199", "lead_status": CANARY}
    anonymous_client.get(f"/lead/restaurants/?search={CANARY}&city={CANARY}")
    anonymous_client.get(f"/lead/restaurants/{CANARY}/")
    anonymous_client.get(f"/secret-{CANARY}/")
    anonymous_client.post("/lead/restaurants/", body)
    anonymous_client.post("/lead/restaurants/", body | {"lead_status": "NEW"}, headers={"Idempotency-Key": CANARY})
    anonymous_client.post("/api/token/refresh/", {"refresh": tokens["refresh"]})
    anonymous_client.post("/api/token/", {"username": CANARY, "password": "wrong-secret"})
    anonymous_client.get("/api/me/", headers={"Authorization": "Bearer stolen-secret", "Referer": f"https://{CANARY}/"})
    anonymous_client.post("/api/token/logout/", {"refresh": tokens["refresh"]})
    Client().post("/admin/login/", {"username": CANARY, "password": "wrong-secret"})
    assert len(log.lines("crm.access")) == 11
    for secret in (CANARY, "secret", PASSWORD, "5550199", *tokens.values(), *tokens["access"].split(".")):
        assert secret not in log.getvalue()


# --- The error log ------------------------------------------------------------------------------------


@pytest.fixture
def failing(monkeypatch):
    """Call it with what the view for a list of leads is to do."""

    def fail(function):
        monkeypatch.setattr("lead.views.RestaurantViewSet.list", lambda self, request: function())

    return fail


@pytest.fixture
def client(api) -> APIClient:
    api.raise_request_exception = False
    return api


@in_both_forms
def test_a_bug_is_logged_with_traceback_and_route_and_without_the_query(client, failing, log):
    def bug():
        raise RuntimeError("a bug")

    failing(bug)
    answer = client.get(f"/lead/restaurants/?search={CANARY}", headers={"X-Request-ID": "abc"})
    assert (answer.status_code, list(answer.json())) == (500, ["detail"])
    assert "RuntimeError: a bug" in log.getvalue()
    assert "in bug" in log.getvalue()
    assert "Internal Server Error: /lead/restaurants/$" in log.getvalue()
    assert CANARY not in log.getvalue()


@in_both_forms
def test_a_path_is_never_in_the_error_log(client, log, monkeypatch):
    def bug(self, request):
        raise RuntimeError

    monkeypatch.setattr("crm.middleware.append_slash.AppendSlashMiddleware.__call__", bug)
    assert client.get(f"/feed/{'x' * 43}/{CANARY}/").status_code == 500
    assert "RuntimeError" in log.getvalue()
    assert CANARY not in log.getvalue()


def test_each_error_is_one_line_of_json_with_the_requests_id(client, failing, log):
    def bug():
        raise RuntimeError("of two\nlines")

    failing(bug)
    client.get("/lead/restaurants/", headers={"X-Request-ID": "abc"})
    (line,) = log.lines("django.request")
    assert (line["level"], line["request_id"], line["message"]) == (
        "ERROR",
        "abc",
        "Internal Server Error: /lead/restaurants/$",
    )
    assert line["traceback"].endswith("RuntimeError: of two\nlines")


def provoke(email: str):
    """An IntegrityError whose text holds the row, as PostgreSQL's does; SQLite's does not."""
    try:
        Restaurant.objects.update(name="", email=email)
    except IntegrityError as error:
        if connection.vendor == "sqlite":
            raise IntegrityError(f"{error}\nDETAIL:  Failing row contains (1, {email}, null).") from error
        raise


@in_both_forms
@pytest.mark.parametrize("email", [CANARY, f"a\n\n{CANARY}", f"a\n\nTraceback {CANARY}", f"a\n  File {CANARY}"])
def test_the_database_errors_details_are_withheld(client, lead, failing, log, email):
    def bug():
        try:
            provoke(email)
        except IntegrityError as error:
            assert CANARY in str(error)
            raise RuntimeError("could not save") from error

    failing(bug)
    assert client.get("/lead/restaurants/").status_code == 500
    assert "IntegrityError: (message withheld)" in log.getvalue()
    assert "RuntimeError: could not save" in log.getvalue()
    assert "in provoke" in log.getvalue()
    assert CANARY not in log.getvalue()


@in_both_forms
def test_the_details_of_a_database_error_in_the_context_are_withheld(client, lead, failing, log):
    def bug():
        try:
            provoke(CANARY)
        except IntegrityError:
            {}["missing"]  # noqa: B018

    failing(bug)
    client.get("/lead/restaurants/")
    assert "KeyError: 'missing'" in log.getvalue()
    assert "IntegrityError: (message withheld)" in log.getvalue()
    assert CANARY not in log.getvalue()


@in_both_forms
def test_a_suppressed_context_is_left_out(client, failing, log):
    def bug():
        try:
            raise ValueError("first")
        except ValueError:
            raise RuntimeError("second") from None

    failing(bug)
    client.get("/lead/restaurants/")
    assert "second" in log.getvalue()
    assert "first" not in log.getvalue()


@in_both_forms
def test_an_unavailable_database_is_logged_without_its_message(client, failing, log):
    def away():
        raise OperationalError(f"connection to {CANARY} failed")

    failing(away)
    assert client.get("/lead/restaurants/").status_code == 503
    assert "The database does not answer: OperationalError" in log.getvalue()
    assert CANARY not in log.getvalue()


def test_a_message_without_utf_8_is_still_a_line():
    record = logging.makeLogRecord({"msg": "%s came", "args": ("\ud800",), "levelname": "ERROR"})
    assert json.loads(JSONFormatter().format(record))["message"] == "? came"


def test_the_query_string_of_the_development_servers_lines_is_left_out(log):
    request_id.set("")
    logging.getLogger("django.server").info('"%s" %s %s', f"GET /lead/?search={CANARY} HTTP/1.1", "200", "17")
    assert log.lines("django.server")[0]["message"] == '"GET /lead/ HTTP/1.1" 200 17'


def test_a_line_outside_of_a_request_has_no_request_id(log):
    request_id.set("")
    logging.getLogger("crm.anything").warning("hello %s", "there")
    (line,) = log.lines()
    assert (line["message"], "request_id" in line) == ("hello there", False)
