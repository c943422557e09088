"""A token whose signature was looked at once is taken again for no longer than it is valid."""

from datetime import timedelta

import pytest
import time_machine
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.state import token_backend
from rest_framework_simplejwt.tokens import AccessToken

from crm.api.authentication import verified

INVALID = {"detail": "Given token not valid for any token type"}
ISSUED = "2026-01-19T09:00:00Z"


@pytest.fixture(autouse=True)
def nothing_kept(settings):
    settings.FAST, settings.FAST_WITHOUT = True, []
    verified.cache_clear()
    yield
    verified.cache_clear()


@pytest.fixture
def clock():
    with time_machine.travel(ISSUED, tick=False) as clock:
        yield clock


def told(client, token) -> tuple:
    answer = client.get("/api/me/", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json()


def status(client, token) -> int:
    return told(client, token)[0]


def test_a_signature_is_looked_at_once(stranger, user, monkeypatch):
    token = str(AccessToken.for_user(user))
    assert status(stranger, token) == 200
    monkeypatch.setattr(type(token_backend), "decode", lambda *args, **kwargs: pytest.fail("looked at again"))
    assert status(stranger, token) == 200
    assert verified.cache_info().hits == 1


def test_a_token_expires_while_it_is_kept(stranger, user, clock):
    token = AccessToken.for_user(user)
    assert status(stranger, token) == 200
    clock.shift(timedelta(minutes=59, seconds=59))
    assert status(stranger, token) == 200
    clock.shift(1)
    assert told(stranger, token) == (401, INVALID)
    clock.shift(timedelta(days=1))
    assert told(stranger, token) == (401, INVALID)
    assert verified.cache_info().hits >= 3


def test_another_signing_key_refuses_what_was_signed_before_and_kept(stranger, user, monkeypatch):
    token = str(AccessToken.for_user(user))
    assert status(stranger, token) == 200

    def sign_with(key: str) -> None:
        monkeypatch.setattr(api_settings, "SIGNING_KEY", key)
        monkeypatch.setattr(token_backend, "signing_key", key)
        monkeypatch.setitem(vars(token_backend), "prepared_signing_key", token_backend._prepare_key(key))

    before = token_backend.signing_key
    sign_with("another key, as long as a key for HS256 has to be: no shorter")
    new = str(AccessToken.for_user(user))
    assert told(stranger, token) == (401, INVALID)
    assert status(stranger, new) == 200
    sign_with(before)
    assert status(stranger, token) == 200
    assert told(stranger, new) == (401, INVALID)


def test_refused_tokens_are_not_kept(stranger, user, clock):
    good = AccessToken.for_user(user)
    expired = AccessToken.for_user(user)
    expired.set_exp(lifetime=timedelta(seconds=-1))
    head, claims, signature = str(good).split(".")
    for number in range(5):
        for token in (expired, f"{head}.{claims}.{signature[:-4]}AAA{number}", "x" * 10_000, "..", number):
            assert told(stranger, token) == (401, INVALID)
    assert verified.cache_info().currsize == 0
    assert status(stranger, good) == 200
    assert verified.cache_info().currsize == 1


def test_no_more_are_kept_than_fit(stranger, user, clock):
    token = AccessToken.for_user(user)
    assert status(stranger, token) == 200
    for number in range(1_100):
        token["jti"] = f"{number}"
        verified(str(token).encode(), api_settings.SIGNING_KEY)
    assert verified.cache_info().currsize == verified.cache_info().maxsize == 1_024


def test_what_befalls_user_or_session_is_seen_on_a_kept_token_at_once(stranger, user):
    token = str(AccessToken.for_user(user))
    assert status(stranger, token) == 200
    user.is_active = False
    user.save()
    assert told(stranger, token) == (401, {"detail": "The user of this token is no longer active."})
    user.is_active = True
    user.set_password("another one")
    user.save()
    assert told(stranger, token) == (401, {"detail": "The password has changed since this token was made."})


def test_a_kept_token_is_as_it_came(stranger, user):
    token = str(AccessToken.for_user(user))
    for _ in range(3):
        assert status(stranger, token) == 200
    assert verified(token.encode(), api_settings.SIGNING_KEY).payload == AccessToken(token).payload


@pytest.mark.parametrize("off", [{"FAST": False}, {"FAST_WITHOUT": ["tokens"]}])
def test_turned_off_nothing_is_kept(stranger, user, clock, settings, off):
    token = AccessToken.for_user(user)
    for name, value in off.items():
        setattr(settings, name, value)
    for _ in range(2):
        assert status(stranger, token) == 200
    assert verified.cache_info().currsize == 0
    clock.shift(timedelta(hours=1))
    assert told(stranger, token) == (401, INVALID)
