"""A token whose signature was verified once is accepted from the cache no longer than it is valid."""

from datetime import timedelta

import pytest
import time_machine
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.state import token_backend
from rest_framework_simplejwt.tokens import AccessToken

from crm.api.authentication import decode_cached

INVALID = {"detail": "Given token not valid for any token type"}
ISSUED = "2026-01-19T09:00:00Z"


@pytest.fixture(autouse=True)
def empty_cache(settings):
    settings.FAST, settings.FAST_WITHOUT = True, []
    decode_cached.cache_clear()
    yield
    decode_cached.cache_clear()


@pytest.fixture
def clock():
    with time_machine.travel(ISSUED, tick=False) as clock:
        yield clock


def status_and_body(client, token) -> tuple:
    answer = client.get("/api/me/", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json()


def status(client, token) -> int:
    return status_and_body(client, token)[0]


def test_a_signature_is_verified_once(anonymous_client, user, monkeypatch):
    token = str(AccessToken.for_user(user))
    assert status(anonymous_client, token) == 200
    monkeypatch.setattr(type(token_backend), "decode", lambda *args, **kwargs: pytest.fail("verified again"))
    assert status(anonymous_client, token) == 200
    assert decode_cached.cache_info().hits == 1


def test_a_cached_token_expires(anonymous_client, user, clock):
    token = AccessToken.for_user(user)
    assert status(anonymous_client, token) == 200
    clock.shift(timedelta(minutes=59, seconds=59))
    assert status(anonymous_client, token) == 200
    clock.shift(1)
    assert status_and_body(anonymous_client, token) == (401, INVALID)
    clock.shift(timedelta(days=1))
    assert status_and_body(anonymous_client, token) == (401, INVALID)
    assert decode_cached.cache_info().hits >= 3


def test_a_cached_token_is_refused_under_another_signing_key(anonymous_client, user, monkeypatch):
    token = str(AccessToken.for_user(user))
    assert status(anonymous_client, token) == 200

    def sign_with(key: str) -> None:
        monkeypatch.setattr(api_settings, "SIGNING_KEY", key)
        monkeypatch.setattr(token_backend, "signing_key", key)
        monkeypatch.setitem(vars(token_backend), "prepared_signing_key", token_backend._prepare_key(key))

    before = token_backend.signing_key
    sign_with("another key, as long as a key for HS256 has to be: no shorter")
    new = str(AccessToken.for_user(user))
    assert status_and_body(anonymous_client, token) == (401, INVALID)
    assert status(anonymous_client, new) == 200
    sign_with(before)
    assert status(anonymous_client, token) == 200
    assert status_and_body(anonymous_client, new) == (401, INVALID)


def test_refused_tokens_are_not_cached(anonymous_client, user, clock):
    good = AccessToken.for_user(user)
    expired = AccessToken.for_user(user)
    expired.set_exp(lifetime=timedelta(seconds=-1))
    head, claims, signature = str(good).split(".")
    for number in range(5):
        for token in (expired, f"{head}.{claims}.{signature[:-4]}AAA{number}", "x" * 10_000, "..", number):
            assert status_and_body(anonymous_client, token) == (401, INVALID)
    assert decode_cached.cache_info().currsize == 0
    assert status(anonymous_client, good) == 200
    assert decode_cached.cache_info().currsize == 1


def test_the_cache_has_a_maximum_size(anonymous_client, user, clock):
    token = AccessToken.for_user(user)
    assert status(anonymous_client, token) == 200
    for number in range(1_100):
        token["jti"] = f"{number}"
        decode_cached(str(token).encode(), api_settings.SIGNING_KEY)
    assert decode_cached.cache_info().currsize == decode_cached.cache_info().maxsize == 1_024


def test_a_change_of_the_user_is_seen_on_a_cached_token_at_once(anonymous_client, user):
    token = str(AccessToken.for_user(user))
    assert status(anonymous_client, token) == 200
    user.is_active = False
    user.save()
    assert status_and_body(anonymous_client, token) == (401, {"detail": "The user of this token is no longer active."})
    user.is_active = True
    user.set_password("another one")
    user.save()
    assert status_and_body(anonymous_client, token) == (
        401,
        {"detail": "The password has changed since this token was made."},
    )


def test_a_cached_token_is_unchanged_by_requests(anonymous_client, user):
    token = str(AccessToken.for_user(user))
    for _ in range(3):
        assert status(anonymous_client, token) == 200
    assert decode_cached(token.encode(), api_settings.SIGNING_KEY).payload == AccessToken(token).payload


@pytest.mark.parametrize("off", [{"FAST": False}, {"FAST_WITHOUT": ["tokens"]}])
def test_with_fast_off_no_token_is_cached(anonymous_client, user, clock, settings, off):
    token = AccessToken.for_user(user)
    for name, value in off.items():
        setattr(settings, name, value)
    for _ in range(2):
        assert status(anonymous_client, token) == 200
    assert decode_cached.cache_info().currsize == 0
    clock.shift(timedelta(hours=1))
    assert status_and_body(anonymous_client, token) == (401, INVALID)
