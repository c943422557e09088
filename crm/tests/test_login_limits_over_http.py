"""Limits of sign-in attempts over HTTP with 16 threads, and which forwarding headers are trusted."""

from collections import Counter

import pytest

from crm.tests import PASSWORD
from crm.tests.server import at_once, running

pytestmark = pytest.mark.server

PROXY = "127.0.0.9"
WRONG = "a wrong guess"


@pytest.fixture(scope="module")
def guarded(database):
    """A server that counts guesses and stands behind PROXY."""
    with running(database, THROTTLE="1", TRUSTED_PROXIES=PROXY) as server:
        yield server


def statuses(answers):
    return Counter(answer.status for answer in answers)


def test_exactly_ten_guesses_of_a_name_from_an_address_are_checked(guarded):
    answers = at_once(80, lambda i: guarded.sign_in("kam", WRONG, peer="127.0.0.2"), threads=16)

    assert statuses(answers) == {401: 10, 429: 70}
    waits = {int(answer.headers["Retry-After"]) for answer in answers if answer.status == 429}
    assert all(0 < wait <= 15 * 60 for wait in waits)


def test_after_ten_guesses_the_right_password_is_refused_there_alone(guarded):
    at_once(10, lambda i: guarded.sign_in("kam", WRONG, peer="127.0.0.3"))

    refused = guarded.sign_in("kam", PASSWORD, peer="127.0.0.3")

    assert refused.status == 429
    assert list(refused.json()) == ["detail"]
    assert guarded.sign_in("kam", PASSWORD, peer="127.0.0.4").status == 200
    assert guarded.sign_in("asha", PASSWORD, peer="127.0.0.3").status == 200


def test_guesses_in_the_admin_and_in_the_api_are_counted_together(guarded):
    page = guarded.send("GET", "/admin/login/")
    token = page.headers["Set-Cookie"].split("csrftoken=")[1].split(";")[0]

    def knock(i):
        form = f"username=ravi&password=wrong&csrfmiddlewaretoken={token}".encode()
        return guarded.send(
            "POST",
            "/admin/login/",
            form,
            peer="127.0.0.5",
            Content_Type="application/x-www-form-urlencoded",
            Cookie=f"csrftoken={token}",
        )

    assert statuses(at_once(4, lambda i: guarded.sign_in("ravi", WRONG, peer="127.0.0.5"))) == {401: 4}
    answers = at_once(32, knock, threads=16)

    assert statuses(answers) == {200: 6, 429: 26}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers if answer.status == 429)


def test_exactly_a_hundred_guesses_from_an_address_are_checked(guarded):
    answers = at_once(160, lambda i: guarded.sign_in(f"name {i}", WRONG, peer="127.0.0.6"), threads=16)

    assert statuses(answers) == {401: 100, 429: 60}


def test_only_a_trusted_proxy_can_name_another_address(guarded):
    def guess(i, peer):
        return guarded.sign_in("kam", WRONG, peer=peer, X_Forwarded_For=f"203.0.113.{i}")

    assert statuses(at_once(12, lambda i: guess(i, peer="127.0.0.7"))) == {401: 10, 429: 2}
    assert statuses(at_once(12, lambda i: guess(i, peer=PROXY))) == {401: 12}


def test_an_address_forwarded_by_the_client_itself_is_ignored(guarded):
    def guess(i):
        return guarded.sign_in("kam", WRONG, peer=PROXY, X_Forwarded_For=f"192.0.2.{i}, 198.51.100.1")

    assert statuses(at_once(12, guess)) == {401: 10, 429: 2}


def test_only_a_trusted_proxy_can_name_another_scheme(guarded):
    token = guarded.client("kam").token

    def link(peer):
        page = guarded.send("GET", "/api/users/?page_size=1", token=token, peer=peer, X_Forwarded_Proto="https")
        return page.headers["Link"]

    assert link(peer="127.0.0.1").startswith("<http://")
    assert link(peer=PROXY).startswith("<https://")
