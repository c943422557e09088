"""The address and the scheme of a request behind proxies, and which forwarding headers are trusted."""

import pytest
from django.test import RequestFactory

from crm.middleware.proxies import TrustedProxyMiddleware


@pytest.fixture(autouse=True)
def proxies(settings):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8", "2001:db8:1::/48", "192.0.2.99"]


def seen(peer: str, **headers: str):
    """The request as the rest of the code sees it."""
    request = RequestFactory().get(
        "/", headers={name.replace("_", "-"): value for name, value in headers.items()}, REMOTE_ADDR=peer
    )
    return TrustedProxyMiddleware(lambda request: request)(request)


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("192.0.2.99", "192.0.2.1", "192.0.2.1"),
        ("2001:db8:1::1", "2001:db8:2::1", "2001:db8:2::1"),
        ("10.0.0.1", "192.0.2.1, 10.0.0.2", "192.0.2.1"),
        ("10.0.0.1", " 192.0.2.1 ,10.9.9.9 , 2001:db8:1::5", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.1, 192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "192.0.2.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.1, nonsense, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", ",", "10.0.0.1"),
    ],
)
def test_behind_trusted_proxies_the_last_other_address_is_the_client(peer, forwarded, address):
    assert seen(peer, X_Forwarded_For=forwarded).META["REMOTE_ADDR"] == address


def test_a_trusted_proxy_that_forwards_nothing_is_the_client_itself():
    assert seen("10.0.0.1").META["REMOTE_ADDR"] == "10.0.0.1"


@pytest.mark.parametrize("peer", ["192.0.2.1", "11.0.0.1", "2001:db8:2::1", "", "nonsense"])
def test_headers_of_other_peers_are_ignored(peer):
    request = seen(
        peer,
        X_Forwarded_For="198.51.100.1",
        X_Forwarded_Proto="https",
        X_Forwarded_Host="evil.example",
        Forwarded="for=198.51.100.1;proto=https",
    )
    assert request.META["REMOTE_ADDR"] == peer
    assert not request.is_secure()
    assert not [name for name in request.META if "FORWARDED" in name]


def test_without_trusted_proxies_all_forwarding_headers_are_ignored(settings):
    settings.TRUSTED_PROXIES = []
    assert seen("10.0.0.1", X_Forwarded_For="192.0.2.1").META["REMOTE_ADDR"] == "10.0.0.1"


def test_a_trusted_proxy_may_say_that_the_client_came_by_https():
    assert seen("10.0.0.1", X_Forwarded_Proto="https").is_secure()
    assert not seen("10.0.0.1", X_Forwarded_Proto="http").is_secure()


def test_the_links_of_a_page_follow_the_proxys_scheme(user, api):
    headers = {"X-Forwarded-Proto": "https"}
    assert 'rel="first"' in api.get("/lead/restaurants/?page=1", headers=headers)["Link"]
    assert api.get("/lead/restaurants/?page=1", headers=headers, REMOTE_ADDR="192.0.2.1")["Link"].startswith("<http://")
    assert api.get("/lead/restaurants/?page=1", headers=headers, REMOTE_ADDR="10.0.0.1")["Link"].startswith("<https://")
