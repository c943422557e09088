"""Limits of sign-in attempts, in the API and on the login page of the admin."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.test import Client
from rest_framework.test import APIClient

from crm.api import login_limits
from crm.models import SignInAttempts
from crm.tests import PASSWORD

NOON = "2024-12-24T12:00:00Z"


@pytest.fixture(autouse=True)
def limits(settings):
    settings.THROTTLE = True


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def looked_at(monkeypatch) -> list:
    """The names whose passwords were looked at."""
    names = []
    authenticate = ModelBackend.authenticate

    def spy(self, request, username=None, password=None, **kwargs):
        names.append(username)
        return authenticate(self, request, username, password, **kwargs)

    monkeypatch.setattr(ModelBackend, "authenticate", spy)
    return names


def sign_in(password=PASSWORD, username="kam", address="192.0.2.1"):
    return APIClient(REMOTE_ADDR=address).post("/api/token/", {"username": username, "password": password})


def admin_sign_in(password=PASSWORD, username="kam", address="192.0.2.1"):
    return Client(REMOTE_ADDR=address).post("/admin/login/", {"username": username, "password": password})


def guess(times: int, how=sign_in, **whom) -> list[int]:
    return [how("wrong", **whom).status_code for _ in range(times)]


def test_after_ten_wrong_passwords_the_next_are_refused(user):
    assert guess(12) == [401] * 10 + [429] * 2


def test_the_refusal_is_json_with_retry_after(user):
    guess(10)
    answer = sign_in("wrong")
    assert answer["Content-Type"] == "application/json"
    assert answer["Retry-After"] == "900"
    assert list(answer.json()) == ["detail"]
    assert answer.json()["detail"].startswith("Too many wrong passwords.")


def test_beyond_the_limit_not_even_the_right_password_is_checked(user, looked_at):
    guess(10)
    assert sign_in(PASSWORD).status_code == 429
    assert looked_at == ["kam"] * 10


def test_an_unknown_name_is_counted_like_any_other(db):
    assert guess(11, username="nobody") == [401] * 10 + [429]


def test_the_admins_login_page_has_the_same_limit(user):
    assert guess(11, admin_sign_in) == [200] * 10 + [429]
    answer = admin_sign_in(PASSWORD)
    assert (answer.status_code, answer["Retry-After"]) == (429, "900")


def test_the_api_and_the_admin_count_together(user):
    assert guess(5) + guess(6, admin_sign_in) == [401] * 5 + [200] * 5 + [429]
    assert sign_in().status_code == 429


def test_the_right_password_releases_its_attempt(user):
    assert [sign_in().status_code for _ in range(12)] == [200] * 12
    assert [row.times for row in SignInAttempts.objects.all()] == [[], []]


def test_the_right_password_does_not_release_the_wrong_ones(user):
    assert guess(9) == [401] * 9
    assert sign_in().status_code == 200
    assert guess(2) == [401, 429]


def test_the_right_password_of_a_deactivated_user_counts(user):
    get_user_model().objects.update(is_active=False)
    assert [sign_in().status_code for _ in range(11)] == [401] * 10 + [429]


def test_the_window_slides(user, noon):
    guess(1)
    noon.move_to("2024-12-24T12:10:00Z")
    assert guess(10) == [401] * 9 + [429]
    assert sign_in("wrong")["Retry-After"] == "300"
    noon.move_to("2024-12-24T12:14:59Z")
    assert guess(1) == [429]
    noon.move_to("2024-12-24T12:15:01Z")
    assert guess(2) == [401, 429]
    noon.move_to("2024-12-24T12:25:01Z")
    assert guess(10) == [401] * 9 + [429]


def test_a_sign_in_after_the_retry_after_is_allowed(user, noon):
    guess(10)
    noon.shift(float(sign_in()["Retry-After"]))
    assert sign_in().status_code == 200


def test_refused_attempts_do_not_extend_the_wait(user, noon):
    guess(10)
    noon.shift(14 * 60)
    guess(5)
    noon.shift(61)
    assert sign_in().status_code == 200


def test_names_are_counted_apart(user, reader):
    guess(10)
    assert sign_in(username="reader").status_code == 200


def test_a_name_is_the_same_however_its_letters_are_cased(user):
    assert guess(5) + guess(5, username="KAM") + guess(1, username="Kam") == [401] * 10 + [429]


def test_addresses_are_counted_apart(user):
    guess(10)
    assert sign_in(address="192.0.2.2").status_code == 200
    assert sign_in(address="2001:db8::1").status_code == 200


def test_the_limits_are_10_per_name_and_100_per_address_in_15_minutes():
    assert login_limits.PER_NAME == 10
    assert login_limits.PER_ADDRESS == 100
    assert timedelta(minutes=15) == login_limits.WINDOW


def test_an_address_has_a_limit_of_its_own_whatever_the_name(user, reader, monkeypatch):
    monkeypatch.setattr(login_limits, "PER_ADDRESS", 12)
    assert [sign_in("wrong", username=f"name{number}").status_code for number in range(12)] == [401] * 12
    assert sign_in().status_code == sign_in(username="reader").status_code == 429
    assert sign_in(address="192.0.2.2").status_code == 200


def test_the_longer_of_two_waits_is_returned(user, noon, monkeypatch):
    monkeypatch.setattr(login_limits, "PER_ADDRESS", 11)
    guess(1, username="other")
    noon.shift(600)
    guess(10)
    assert sign_in()["Retry-After"] == "900"


def test_other_forwarding_headers_do_not_change_the_address(user):
    for number in range(10):
        client = APIClient(REMOTE_ADDR="192.0.2.1", headers={"X-Forwarded-For": f"198.51.100.{number}"})
        assert client.post("/api/token/", {"username": "kam", "password": "wrong"}).status_code == 401
    assert sign_in().status_code == 429


def test_behind_a_trusted_proxy_the_clients_are_counted_apart(user, settings):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]

    def through_proxy(client, password):
        api = APIClient(REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": client})
        return api.post("/api/token/", {"username": "kam", "password": password}).status_code

    assert [through_proxy("192.0.2.1", "wrong") for _ in range(11)] == [401] * 10 + [429]
    assert through_proxy("192.0.2.2", PASSWORD) == 200


def test_with_throttle_off_no_attempt_is_counted(user, settings):
    settings.THROTTLE = False
    assert guess(15) == [401] * 15
    assert not SignInAttempts.objects.exists()


def test_the_table_of_counters_has_no_names_or_addresses(user):
    guess(1)
    assert SignInAttempts.objects.count() == 2
    for row in SignInAttempts.objects.all():
        assert len(row.key) == 64 and set(row.key) <= set("0123456789abcdef")


def test_a_request_without_a_password_is_no_attempt(user):
    for body in ({"username": "kam"}, {"username": "kam", "password": ""}, {"password": PASSWORD}):
        assert APIClient(REMOTE_ADDR="192.0.2.1").post("/api/token/", body).status_code == 400
    assert not SignInAttempts.objects.exists()


def test_an_attempt_has_the_moment_at_which_it_got_the_lock(user, noon, monkeypatch):
    locked = login_limits._locked

    def wait_for(who):
        noon.shift(1)
        return locked(who)

    monkeypatch.setattr(login_limits, "_locked", wait_for)
    guess(1)
    assert {tuple(row.times) for row in SignInAttempts.objects.all()} == {(1735041602.0,)}
