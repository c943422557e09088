"""Tokens: which are valid, for how long, and how they are revoked."""

from datetime import UTC, datetime

import jwt
import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import RequestFactory
from rest_framework.test import APIClient
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken

from crm.api.authentication import SessionToken, TokenAuthentication
from crm.models import RevokedToken
from crm.tests import PASSWORD
from crm.tests.tokens import (
    ENDED,
    INACTIVE,
    INVALID,
    INVALID_ACCESS,
    NEW_PASSWORD,
    forged,
    get_me,
    log_out,
    refresh,
    response_everywhere,
    status_and_body,
    verify,
)


@pytest.fixture
def rotating(monkeypatch):
    """As under ROTATE_REFRESH_TOKENS=1."""
    monkeypatch.setattr(api_settings, "ROTATE_REFRESH_TOKENS", True)


# --- Signing in -------------------------------------------------------------------------------------


def test_signing_in_answers_an_access_and_a_refresh_token_and_nothing_else(tokens):
    assert list(tokens) == ["access", "refresh"]


def test_the_access_token_opens_the_api(anonymous_client, tokens, user):
    assert get_me(anonymous_client, tokens["access"]).json()["id"] == user.pk


def test_the_scheme_may_be_in_any_case(anonymous_client, tokens):
    assert get_me(anonymous_client, tokens["access"], scheme="bearer").status_code == 200


@pytest.mark.parametrize(
    ("username", "password"), [("kam", "wrong"), ("nobody", PASSWORD), ("KAM", PASSWORD), ("kam", PASSWORD + " ")]
)
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(anonymous_client, user, username, password):
    answer = anonymous_client.post("/api/token/", {"username": username, "password": password})
    assert status_and_body(answer) == (401, {"detail": "No active account found with the given credentials"})
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


def test_a_password_may_begin_and_end_with_blanks(anonymous_client, user):
    user.set_password(" blank ")
    user.save()
    assert anonymous_client.post("/api/token/", {"username": "kam", "password": " blank "}).status_code == 200


def test_a_deactivated_user_cannot_sign_in(anonymous_client, user):
    get_user_model().objects.update(is_active=False)
    assert anonymous_client.post("/api/token/", {"username": "kam", "password": PASSWORD}).status_code == 401


@pytest.mark.parametrize("path", ["token", "token/refresh", "token/verify", "token/logout"])
def test_a_missing_field_is_named(anonymous_client, db, path):
    answer = anonymous_client.post(f"/api/{path}/", {})
    fields = {"token": ["username", "password"], "token/verify": ["token"]}.get(path, ["refresh"])
    assert status_and_body(answer) == (400, {name: ["This field is required."] for name in fields})


# --- Lifetimes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("moment", "status"), [("2024-12-24T09:59:59Z", 200), ("2024-12-24T10:00:00Z", 401)])
def test_an_access_token_lives_for_60_minutes(anonymous_client, user, moment, status):
    with time_machine.travel("2024-12-24T09:00:00Z", tick=False):
        access = anonymous_client.post("/api/token/", {"username": "kam", "password": PASSWORD}).json()["access"]
    with time_machine.travel(moment, tick=False):
        assert get_me(anonymous_client, access).status_code == verify(anonymous_client, access).status_code == status


@pytest.mark.parametrize(("moment", "status"), [("2025-01-07T08:59:59Z", 200), ("2025-01-07T09:00:00Z", 401)])
def test_a_refresh_token_lives_for_14_days(anonymous_client, user, moment, status):
    with time_machine.travel("2024-12-24T09:00:00Z", tick=False):
        token = anonymous_client.post("/api/token/", {"username": "kam", "password": PASSWORD}).json()["refresh"]
    with time_machine.travel(moment, tick=False):
        assert refresh(anonymous_client, token).status_code == verify(anonymous_client, token).status_code == status


def test_an_expired_token_is_a_401_in_the_contracts_form(anonymous_client, user):
    with time_machine.travel("2024-12-24T09:00:00Z", tick=False):
        pair = anonymous_client.post("/api/token/", {"username": "kam", "password": PASSWORD}).json()
    with time_machine.travel("2025-12-24T09:00:00Z", tick=False):
        assert response_everywhere(anonymous_client, pair) == [(401, INVALID_ACCESS), *[(401, INVALID)] * 3]
        assert status_and_body(log_out(anonymous_client, pair["refresh"])) == (401, INVALID)


# --- Refreshing -------------------------------------------------------------------------------------


def test_a_refresh_token_gives_new_access_any_number_of_times(anonymous_client, tokens):
    for _ in range(3):
        answer = refresh(anonymous_client, tokens["refresh"])
        assert list(answer.json()) == ["access"]
        assert get_me(anonymous_client, answer.json()["access"]).status_code == 200


def test_a_rotated_refresh_token_works_once_and_gives_its_successor(anonymous_client, tokens, rotating):
    first = refresh(anonymous_client, tokens["refresh"]).json()
    assert list(first) == ["access", "refresh"]
    assert refresh(anonymous_client, tokens["refresh"]).status_code == 401
    assert verify(anonymous_client, tokens["refresh"]).status_code == 401
    assert get_me(anonymous_client, first["access"]).status_code == 200
    assert refresh(anonymous_client, first["refresh"]).status_code == 200


def test_of_two_clients_that_passed_the_check_at_once_one_succeeds(anonymous_client, tokens, rotating, monkeypatch):
    monkeypatch.setattr(
        "crm.api.authentication.get_active_user", lambda token: None
    )  # as if both had been looked at before
    assert [refresh(anonymous_client, tokens["refresh"]).status_code for _ in range(2)] == [200, 401]


def test_a_successor_lives_for_14_days_of_its_own(anonymous_client, user, rotating):
    token = None
    for day in ("2024-12-01", "2024-12-11", "2024-12-21", "2024-12-31"):
        with time_machine.travel(f"{day}T09:00:00Z", tick=False):
            token = refresh(anonymous_client, token or SessionToken.for_user(user)).json()["refresh"]
    with time_machine.travel("2025-01-14T08:59:59Z", tick=False):
        assert verify(anonymous_client, token).status_code == 200
    with time_machine.travel("2025-01-14T09:00:00Z", tick=False):
        assert verify(anonymous_client, token).status_code == 401


@pytest.mark.parametrize("made_by", ["signing in", "for_user"])
def test_logging_out_revokes_the_rotated_tokens_of_the_session(anonymous_client, user, tokens, rotating, made_by):
    first = tokens["refresh"] if made_by == "signing in" else SessionToken.for_user(user)
    second = refresh(anonymous_client, first).json()
    third = refresh(anonymous_client, second["refresh"]).json()
    assert log_out(anonymous_client, first).status_code == 204
    assert [status_and_body(get_me(anonymous_client, pair["access"])) for pair in (second, third)] == [(401, ENDED)] * 2
    assert status_and_body(refresh(anonymous_client, third["refresh"])) == (401, ENDED)


# --- Taking tokens back -------------------------------------------------------------------------------


def test_logging_out_revokes_access_and_refresh_at_once(anonymous_client, tokens):
    later = refresh(anonymous_client, tokens["refresh"]).json()["access"]
    answer = log_out(anonymous_client, tokens["refresh"])
    assert (answer.status_code, answer.content) == (204, b"")
    assert response_everywhere(anonymous_client, tokens) == [(401, ENDED)] * 4
    assert status_and_body(get_me(anonymous_client, later)) == (401, ENDED)


def test_logging_out_leaves_the_users_other_sessions_alone(anonymous_client, user, tokens):
    other = anonymous_client.post("/api/token/", {"username": "kam", "password": PASSWORD}).json()
    log_out(anonymous_client, tokens["refresh"])
    assert [status for status, _ in response_everywhere(anonymous_client, other)] == [200] * 4


def test_logging_out_twice_is_no_error(anonymous_client, tokens):
    assert [log_out(anonymous_client, tokens["refresh"]).status_code for _ in range(2)] == [204, 204]
    assert RevokedToken.objects.count() == 1


def test_only_a_refresh_token_logs_out(anonymous_client, tokens):
    assert status_and_body(log_out(anonymous_client, tokens["access"])) == (401, INVALID)
    assert get_me(anonymous_client, tokens["access"]).status_code == 200


def test_a_revoked_session_is_stored_until_its_last_token_expires(anonymous_client, user):
    with time_machine.travel("2024-12-24T09:00:00Z", tick=False):
        log_out(anonymous_client, SessionToken.for_user(user))
    assert RevokedToken.objects.get().expires_at == datetime(2025, 1, 21, 9, tzinfo=UTC)


def deactivate(user):
    type(user).objects.filter(pk=user.pk).update(is_active=False)


def change_password(user):
    user.set_password("another battery staple")
    user.save()


@pytest.mark.parametrize(
    ("blow", "detail"),
    [(deactivate, INACTIVE), (lambda user: user.delete(), INACTIVE), (change_password, NEW_PASSWORD)],
    ids=["deactivated", "deleted", "password changed"],
)
@pytest.mark.parametrize("made_by", ["signing in", "for_user"])
def test_a_change_of_the_user_revokes_all_tokens_at_once(anonymous_client, user, tokens, blow, detail, made_by):
    pair = tokens
    if made_by == "for_user":
        pair = {"access": AccessToken.for_user(user), "refresh": SessionToken.for_user(user)}
    assert [status for status, _ in response_everywhere(anonymous_client, pair)] == [200] * 4
    blow(user)
    assert response_everywhere(anonymous_client, pair) == [(401, detail)] * 4


def test_tokens_work_again_for_a_user_who_is_activated_again(anonymous_client, user, tokens):
    deactivate(user)
    assert get_me(anonymous_client, tokens["access"]).status_code == 401
    get_user_model().objects.update(is_active=True)
    assert get_me(anonymous_client, tokens["access"]).status_code == 200


def test_a_password_change_does_not_end_another_users_tokens(anonymous_client, tokens, reader):
    change_password(reader)
    assert [status for status, _ in response_everywhere(anonymous_client, tokens)] == [200] * 4


# --- Tokens made in code ------------------------------------------------------------------------------


def test_tokens_made_with_for_user_work(anonymous_client, user):
    made = SessionToken.for_user(user)
    for access in (AccessToken.for_user(user), made.access_token, refresh(anonymous_client, made).json()["access"]):
        assert get_me(anonymous_client, access).json()["id"] == user.pk


def test_logging_out_revokes_a_session_made_with_for_user(anonymous_client, user):
    with time_machine.travel("2024-12-24T09:00:00Z", tick=False):
        made = SessionToken.for_user(user)
        first = made.access_token
    with time_machine.travel("2024-12-24T09:30:00Z", tick=False):
        second = refresh(anonymous_client, made).json()["access"]
        assert log_out(anonymous_client, made).status_code == 204
        assert response_everywhere(anonymous_client, {"access": first, "refresh": made}) == [(401, ENDED)] * 4
        assert status_and_body(get_me(anonymous_client, second)) == (401, ENDED)


def test_two_sessions_made_in_the_same_moment_are_two(anonymous_client, user):
    with time_machine.travel("2024-12-24T09:00:00Z", tick=False):
        one, other, alone = SessionToken.for_user(user), SessionToken.for_user(user), AccessToken.for_user(user)
        log_out(anonymous_client, one)
        pair = {"access": other.access_token, "refresh": other}
        assert [status for status, _ in response_everywhere(anonymous_client, pair)] == [200] * 4
        assert get_me(anonymous_client, alone).status_code == 200


def test_a_refresh_token_without_a_session_can_be_revoked_and_rotated(anonymous_client, user, rotating):
    bare = forged({"user_id": str(user.pk), "token_type": "refresh"})
    successor = refresh(anonymous_client, bare).json()
    assert get_me(anonymous_client, successor["access"]).status_code == 200
    assert refresh(anonymous_client, bare).status_code == 401
    log_out(anonymous_client, successor["refresh"])
    assert status_and_body(get_me(anonymous_client, successor["access"])) == (401, ENDED)


def test_force_authenticate_works_and_respects_the_read_only_group(user, reader):
    client = APIClient()
    client.force_authenticate(user)
    assert client.post("/lead/restaurants/", {"name": "Cafe Blau"}).status_code == 201
    client.force_authenticate(reader)
    assert client.get("/lead/restaurants/").status_code == 200
    assert client.post("/lead/restaurants/", {"name": "Cafe Blau"}).status_code == 403


# --- What it costs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["user", "reader"])
def test_one_query_checks_user_and_session_and_the_right_to_write(name, request, django_assert_num_queries):
    person = request.getfixturevalue(name)
    request = RequestFactory().get("/", headers={"Authorization": f"Bearer {AccessToken.for_user(person)}"})
    with django_assert_num_queries(1) as queries:
        authenticated, _ = TokenAuthentication().authenticate(request)
        assert authenticated.read_only == (name == "reader")
    tables = [model._meta.db_table for model in (get_user_model(), RevokedToken, Group)]
    assert all(table in queries.captured_queries[0]["sql"] for table in tables)


def test_a_refused_write_costs_one_query_and_a_detail_two(anonymous_client, reader, lead, django_assert_num_queries):
    anonymous_client.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(reader)}")
    with django_assert_num_queries(1):
        assert anonymous_client.delete(f"/lead/restaurants/{lead.pk}/").status_code == 403
    with django_assert_num_queries(2):
        assert anonymous_client.get(f"/lead/restaurants/{lead.pk}/").status_code == 200


def test_tokens_carry_no_password_and_no_name(tokens):
    for token in tokens.values():
        claims = jwt.decode(token, options={"verify_signature": False})
        assert set(claims) == {"token_type", "exp", "iat", "jti", "user_id", "hash_password", "sid"}
