"""The second factor in use: signing in with it, guesses at it, where it is required, and its secrecy."""

import logging
import re

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import get_resolver, reverse
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from rest_framework.test import APIClient

from backoffice.tests.support import (
    SECOND_FACTOR,
    SECRET,
    code_error,
    draft_key,
    give_code,
    give_password,
    is_signed_in,
    sign_in_with_code,
    totp_code,
)
from crm.tests import PASSWORD

pytestmark = pytest.mark.usefixtures("noon")


# --- Signing in -----------------------------------------------------------------------------------


def test_the_password_alone_leads_to_the_code_and_no_further(device, browser):
    answer = give_password(browser)
    assert answer["Location"] == "/admin/login/code/?next=%2Fadmin%2F"
    assert browser.get(answer["Location"]).status_code == 200
    assert not is_signed_in(browser)


def test_the_code_opens_the_page_that_was_requested(device, browser):
    give_password(browser, next="/admin/password_change/")
    answer = give_code(browser, totp_code(), next="/admin/password_change/")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/password_change/")
    assert is_signed_in(browser)


def test_the_code_may_be_typed_in_two_groups(device, browser):
    give_password(browser)
    assert give_code(browser, f" {totp_code()[:3]} {totp_code()[3:]} ").status_code == 302


@pytest.mark.parametrize("wrong", ["000000", "", "12345", "abcdef", "x" * 33, "0" * 5000, "\0", "éé"])
def test_a_wrong_code_opens_nothing(wrong, device, recovery, browser):
    give_password(browser)
    answer = give_code(browser, wrong)
    assert answer.status_code == 200 and code_error(answer)
    assert not is_signed_in(browser)


def test_a_code_is_good_once(device, browser):
    sign_in_with_code(browser)
    another = Client()
    give_password(another)
    assert "has been used" in code_error(give_code(another, totp_code()))


@pytest.mark.parametrize(("late", "right"), [(-60, False), (-30, True), (30, True), (60, False)])
def test_a_clock_may_be_half_a_minute_off(late, right, device, browser):
    give_password(browser)
    give_code(browser, totp_code(late))
    assert is_signed_in(browser) is right


def test_a_redirect_to_another_host_is_refused(device, browser):
    give_password(browser)
    assert give_code(browser, totp_code(), next="//example.com/")["Location"] == "/admin/"


def test_the_code_without_the_password_leads_back_to_the_password(device, browser):
    for answer in (give_code(browser, totp_code()), browser.get("/admin/login/code/")):
        assert answer["Location"].startswith("/admin/login/")
    assert not is_signed_in(browser)


def test_ten_minutes_after_the_password_it_is_required_again(device, browser, noon):
    give_password(browser)
    noon.shift(601)
    assert give_code(browser, totp_code())["Location"].startswith("/admin/login/?")
    assert not is_signed_in(browser)


def test_a_password_changed_meanwhile_is_required_again(superuser, device, browser):
    give_password(browser)
    superuser.set_password("another horse 42")
    superuser.save()
    assert give_code(browser, totp_code())["Location"].startswith("/admin/login/?")


def test_an_account_deactivated_meanwhile_is_refused(superuser, device, browser):
    give_password(browser)
    get_user_model().objects.update(is_active=False)
    assert give_code(browser, totp_code())["Location"].startswith("/admin/login/?")


def test_the_session_gets_another_key_with_the_password_and_with_the_code(device, browser):
    keys = set()
    give_password(browser)
    keys.add(browser.cookies["sessionid"].value)
    give_code(browser, totp_code())
    keys.add(browser.cookies["sessionid"].value)
    assert len(keys) == 2


def test_another_users_password_ends_the_session_before(device, browser, user):
    get_user_model().objects.filter(pk=user.pk).update(is_staff=True)
    give_password(browser, username="kam")
    assert is_signed_in(browser)
    give_password(browser)
    assert not is_signed_in(browser)


def test_a_recovery_code_signs_in_once_however_it_is_typed(recovery, browser):
    give_password(browser)
    assert give_code(browser, f"{recovery[0][:4]} {recovery[0][4:]}".upper()).status_code == 302
    assert is_signed_in(browser)
    another = Client()
    give_password(another)
    assert code_error(give_code(another, recovery[0]))
    assert give_code(another, recovery[1]).status_code == 429  # the device counts too: one second to wait


def test_the_api_requires_no_second_factor(device, settings):
    settings.REQUIRE_SECOND_FACTOR = True
    answer = APIClient().post("/api/token/", {"username": "asha", "password": PASSWORD})
    assert list(answer.json()) == ["access", "refresh"]


# --- Guessing -------------------------------------------------------------------------------------


def test_after_a_wrong_code_the_next_waits_longer_and_longer(device, browser, noon):
    give_password(browser)
    give_code(browser, "000000")
    refused = give_code(browser, totp_code())
    assert (refused.status_code, refused["Retry-After"]) == (429, "1")
    assert "Please wait 1 second," in code_error(refused)
    noon.shift(1)
    give_code(browser, "000000")
    assert give_code(browser, totp_code())["Retry-After"] == "2"
    noon.shift(2)
    assert give_code(browser, totp_code()).status_code == 302


def test_wrong_codes_and_wrong_passwords_count_together(device, browser, noon, limits):
    for _ in range(6):
        give_password(browser, password="wrong")
    give_password(browser)
    for waited in (0, 1, 2, 4):
        noon.shift(waited)
        assert give_code(browser, "000000").status_code == 200
    noon.shift(8)
    assert give_code(browser, totp_code()).status_code == 429
    assert give_password(Client()).status_code == 429


def test_a_code_refused_unread_does_not_count(device, browser, noon, limits):
    give_password(browser)
    give_code(browser, "000000")
    assert [give_code(browser, "000000").status_code for _ in range(12)] == [429] * 12
    noon.shift(1)
    assert give_code(browser, totp_code()).status_code == 302


# --- Where it is required -------------------------------------------------------------------------


@pytest.fixture
def required(settings):
    settings.REQUIRE_SECOND_FACTOR = True


def admin_pages() -> list[str]:
    """The paths of all pages of the admin, with 1 for every part that varies."""
    (prefix,) = (entry for entry in get_resolver().url_patterns if str(entry.pattern) == "admin/")

    def walk(entries, path):
        for entry in entries:
            here = path + re.sub(r"\(\?P<\w+>(\w+)[^)]*\)|<[^>]+>", r"\1", str(entry.pattern)).strip("^$")
            yield from walk(entry.url_patterns, here) if hasattr(entry, "url_patterns") else [here]

    return list(walk(prefix.url_patterns, "/admin/"))


def test_no_other_page_opens_before_a_required_one_is_set_up(signed_in, required):
    pages = {page for page in admin_pages() if not page.startswith(("/admin/login/", "/admin/logout/", SECOND_FACTOR))}
    assert len(pages) > 40
    for page in pages:
        assert signed_in.get(page).get("Location", "").startswith(f"{SECOND_FACTOR}?next="), page


def test_a_required_set_up_leads_on_to_the_requested_page(superuser, browser, required):
    answer = browser.post(
        "/admin/login/", {"username": "asha", "password": PASSWORD, "next": "/admin/auth/user/"}, follow=True
    )
    assert answer.redirect_chain[-1][0] == f"{SECOND_FACTOR}?next=%2Fadmin%2Fauth%2Fuser%2F"
    assert "A second factor is required here" in answer.content.decode()
    browser.post(SECOND_FACTOR, {"do": "begin", "next": "/admin/auth/user/"})
    form = {"do": "confirm", "code": totp_code(key=draft_key()), "next": "/admin/auth/user/"}
    assert '<a class="button" href="/admin/auth/user/">' in browser.post(SECOND_FACTOR, form).content.decode()
    assert is_signed_in(browser)


def test_a_user_with_a_required_one_signs_in(device, browser, required):
    sign_in_with_code(browser)
    assert is_signed_in(browser)


def test_signing_out_is_possible_before_a_required_set_up(signed_in, required):
    signed_in.post("/admin/logout/")
    assert "_auth_user_id" not in signed_in.session


def test_removing_a_required_one_leads_to_the_set_up(verified, required):
    verified.post(SECOND_FACTOR, {"do": "remove", "code": PASSWORD})
    assert verified.get("/admin/")["Location"].startswith(SECOND_FACTOR)


# --- Secrecy --------------------------------------------------------------------------------------


def test_the_admin_has_no_page_of_devices_or_keys():
    assert not admin.site.is_registered(TOTPDevice)
    assert not admin.site.is_registered(StaticDevice)


def test_the_users_pages_show_no_secret(verified, superuser, recovery):
    for name in ("change", "history", "delete"):
        page = verified.get(reverse(f"admin:auth_user_{name}", args=[superuser.pk])).content.decode()
        assert SECRET not in page
        assert not any(code in page for code in recovery)


def test_the_logs_contain_neither_passwords_nor_codes(device, recovery, browser, caplog, settings):
    settings.LOG_JSON = True
    with caplog.at_level(logging.INFO, "crm.access"):
        give_password(browser)
        for given in (totp_code(), recovery[0], "000000"):
            give_code(browser, given)
    assert caplog.records
    logged = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert not any(secret in logged for secret in (PASSWORD, totp_code(), recovery[0], SECRET))


def test_a_session_takes_no_extra_query_for_its_device(verified, django_assert_num_queries):
    with django_assert_num_queries(3):  # the session; its user, with the device; the saved lists of the navigation
        verified.get("/admin/password_change/")
