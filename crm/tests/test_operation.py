"""What operators rely on: probes, headers, request ids, CORS, and an unavailable database."""

import re
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from crm.tests import PASSWORD
from lead.models import Restaurant

AWAY = {"detail": "The database does not answer. Send the request again later."}
APP = "https://app.example.com"


@pytest.fixture
def no_database():
    """Call it for a database that does not answer from now on, or only to some statements."""

    @contextmanager
    def away(matching: str = ""):
        def refuse(execute, sql, params, many, context):
            if sql.startswith(("ROLLBACK", "RELEASE")) or not re.search(matching, sql):
                return execute(sql, params, many, context)
            raise OperationalError("server closed the connection unexpectedly")

        with connection.execute_wrapper(refuse):
            yield

    return away


# --- Probes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("log_json", [False, True])
def test_healthz_queries_no_database_not_even_for_a_session(settings, log_json):
    settings.LOG_JSON = log_json
    client = Client()
    client.cookies["sessionid"] = "x" * 32
    answer = client.get("/healthz")  # pytest-django refuses a database here
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_readyz_is_200_with_a_migrated_database(db):
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_readyz_is_503_while_a_migration_is_pending(db):
    (latest,) = MigrationLoader(connection).graph.leaf_nodes("call")
    MigrationRecorder(connection).record_unapplied(*latest)
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"detail": "Migrations are pending: 1."})
    assert answer["Retry-After"] == "5"


def test_readyz_is_503_while_the_database_is_unavailable(db, no_database):
    with no_database():
        answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"detail": "The database does not answer."})
    assert answer["Retry-After"] == "5"
    assert Client().get("/readyz").status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_are_not_to_be_stored_and_refuse_other_methods_in_json(db, path):
    assert Client().get(path)["Cache-Control"] == "no-store"
    answer = Client(enforce_csrf_checks=True).post(path)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
    assert answer.json() == {"detail": 'Method "POST" not allowed.'}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_are_answered_under_any_host(db, path):
    assert Client().get(path, headers={"Host": "10.0.0.7:8000"}).json() == {"status": "ok"}
    assert Client().get("/api/docs/", headers={"Host": "10.0.0.7:8000"}).status_code == 400


# --- A database that is away --------------------------------------------------------------------------


def requests(lead, refresh) -> list:
    return [
        ("GET", "/lead/restaurants/", None),
        ("GET", f"/lead/restaurants/{lead.pk}/", None),
        ("POST", "/lead/restaurants/", {"name": "Cafe Blau"}),
        ("PATCH", f"/lead/restaurants/{lead.pk}/", {"name": "Cafe Blau"}),
        ("DELETE", f"/lead/restaurants/{lead.pk}/", None),
        ("POST", f"/lead/restaurants/{lead.pk}/change_status/", {"status": "LOST"}),
        ("GET", "/api/me/", None),
        ("POST", "/api/token/", {"username": "kam", "password": PASSWORD}),
        ("POST", "/api/token/refresh/", {"refresh": refresh}),
        ("POST", "/api/token/verify/", {"token": refresh}),
        ("POST", "/api/token/logout/", {"refresh": refresh}),
    ]


@pytest.mark.parametrize("number", range(11))
@pytest.mark.parametrize("throttle", [True, False])
def test_an_unavailable_database_is_a_503_and_no_error_once_it_is_back(
    api, user, lead, no_database, settings, number, throttle
):
    settings.THROTTLE = throttle
    method, path, body = requests(lead, str(RefreshToken.for_user(user)))[number]
    with no_database():
        answer = api.generic(method, path, *encoded(body))
    assert (answer.status_code, answer.json()) == (503, AWAY)
    assert answer["Retry-After"] == "5"
    assert answer["Cache-Control"] == "no-store"
    assert api.generic(method, path, *encoded(body)).status_code < 300


def encoded(body) -> tuple:
    return APIClient()._encode_data(body, "json") if body is not None else ()


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "k1"}])
def test_a_write_during_which_the_database_fails_leaves_no_row(api, lead, no_database, key):
    path = f"/lead/restaurants/{lead.pk}/change_status/"
    with no_database("INSERT INTO .?lead_statuschange"):
        assert api.post(path, {"status": "LOST"}, headers=key).status_code == 503
    assert Restaurant.objects.get().lead_status == "NEW"
    assert api.post(path, {"status": "LOST"}, headers=key).json()["lead_status"] == "LOST"


def test_the_admin_too_is_a_503_while_the_database_is_unavailable(user, no_database):
    client = Client(raise_request_exception=False)
    client.force_login(user)
    with no_database():
        answer = client.get("/admin/")
    assert (answer.status_code, answer.json(), answer["Retry-After"]) == (503, AWAY, "5")


@pytest.mark.parametrize(
    ("message", "status"),
    [("database is locked", 409), ("disk I/O error", 503)],
)
def test_a_lock_that_is_held_too_long_is_a_409_with_retry_after(api, lead, monkeypatch, message, status):
    def fail(*args, **kwargs):
        raise OperationalError(message)

    monkeypatch.setattr(Restaurant, "change_status", fail)
    answer = api.post(f"/lead/restaurants/{lead.pk}/change_status/", {"status": "LOST"})
    assert (answer.status_code, answer["Retry-After"], list(answer.json())) == (status, "5", ["detail"])


# --- Headers ------------------------------------------------------------------------------------------

PATHS = ["/lead/restaurants/", "/lead/restaurants/0/", "/nowhere", "/api/token/", "/healthz", "/admin/login/"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_security_headers(api, path):
    answer = api.get(path)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy


def test_answers_before_any_view_have_the_security_headers_too(api):
    for answer in (
        api.get("/lead/restaurants/", HTTP_HOST="evil.example"),
        api.post("/lead/restaurants/", "{}", content_type="application/json; charset=latin-1"),
        api.post("/lead/restaurants/", "{}", content_type="application/json", CONTENT_LENGTH="9" * 5000),
    ):
        assert answer.status_code in (400, 415)
        assert answer["Content-Type"] == "application/json"
        assert answer["X-Request-ID"] and answer["Content-Security-Policy"] and answer["Cache-Control"] == "no-store"


# --- Request ids --------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["abc-123_X.y", "x" * 64, "8e03978e-40d5-43dd-bc93-6894a57f9324"])
def test_a_request_id_is_returned(given):
    assert Client().get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "two words", "a\nb", 'a"b', "<script>", "é", "٣"])
def test_an_unsafe_request_id_is_replaced(given):
    assert re.fullmatch("[0-9a-f]{32}", Client().get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"])


def test_without_a_request_id_each_request_gets_its_own():
    assert Client().get("/healthz")["X-Request-ID"] != Client().get("/healthz")["X-Request-ID"]


@pytest.mark.parametrize("path", ["/nowhere", "/lead/restaurants/", "/api/token/"])
def test_errors_have_a_request_id_too(db, path):
    assert Client().get(path, headers={"X-Request-ID": "abc"})["X-Request-ID"] == "abc"


# --- CORS ---------------------------------------------------------------------------------------------


@pytest.fixture
def cors(settings):
    settings.CORS_ALLOWED_ORIGINS = [APP]
    settings.MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", *settings.MIDDLEWARE]  # which is not there without


def preflight(origin: str, headers: str):
    return Client().options(
        "/lead/restaurants/1/",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": headers,
        },
    )


def test_a_preflight_of_an_allowed_origin_lists_the_allowed_headers(cors):
    answer = preflight(APP, "authorization, content-type, if-match")
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == APP
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} <= set(answer["Access-Control-Allow-Methods"].split(", "))
    assert {
        "authorization",
        "content-type",
        "if-match",
        "if-none-match",
        "idempotency-key",
        "prefer",
        "x-request-id",
    } <= set(answer["Access-Control-Allow-Headers"].split(", "))
    assert "Access-Control-Allow-Credentials" not in answer


@pytest.mark.parametrize("origin", ["https://evil.example", "http://app.example.com", f"{APP}.evil.example", "null"])
def test_other_origins_get_no_cors_headers(cors, origin):
    assert "Access-Control-Allow-Origin" not in preflight(origin, "if-match")
    assert "Access-Control-Allow-Origin" not in Client().get("/healthz", headers={"Origin": origin})


def test_by_default_no_origin_is_allowed():
    assert "Access-Control-Allow-Origin" not in preflight(APP, "if-match")


@pytest.mark.parametrize("path", ["/lead/restaurants/?page=1", "/lead/restaurants/0/", "/nowhere"])
def test_an_allowed_origin_may_read_the_exposed_headers(cors, api, path):
    answer = api.get(path, headers={"Origin": APP})
    assert answer["Access-Control-Allow-Origin"] == APP
    assert {
        "ETag",
        "Link",
        "X-Total-Count",
        "Retry-After",
        "Idempotency-Replayed",
        "X-Request-ID",
    } <= set(answer["Access-Control-Expose-Headers"].split(", "))
    assert "origin" in answer["Vary"].lower()
