"""Signing in to the admin in a browser, and what its session is worth."""

from http.cookies import Morsel

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains

from crm.tests import PASSWORD
from crm.tests.support import form_of

NOON = "2024-12-24T12:00:00Z"


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def staff(db):
    return get_user_model().objects.create_superuser("asha", password=PASSWORD)


@pytest.fixture
def browser():
    return Client(enforce_csrf_checks=False)


def sign_in(browser, password=PASSWORD, username="asha", **extra):
    return browser.post("/admin/login/", {"username": username, "password": password, "next": "/admin/"}, **extra)


def cookie(browser) -> Morsel:
    return browser.cookies["sessionid"]


def is_in(browser) -> bool:
    return browser.get("/admin/password_change/").status_code == 200


def lock_out(browser) -> None:
    for _ in range(10):
        sign_in(browser, "wrong")


def test_the_right_password_leads_to_the_start_page(staff, browser):
    answer = sign_in(browser)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert is_in(browser)


def test_signing_in_leads_to_the_requested_page(staff, browser):
    answer = browser.get("/admin/password_change/")
    assert answer["Location"] == "/admin/login/?next=/admin/password_change/"
    form = form_of(browser.get(answer["Location"]), "login-form")
    answer = browser.post(answer["Location"], {**form, "username": "asha", "password": PASSWORD})
    assert answer["Location"] == "/admin/password_change/"


def test_a_redirect_to_another_host_is_refused(staff, browser):
    form = {"username": "asha", "password": PASSWORD, "next": "https://example.com/"}
    answer = browser.post("/admin/login/", form, follow=True)
    assert answer.redirect_chain == [("/admin/", 302)]


def test_the_login_page_redirects_a_signed_in_user(staff, browser):
    sign_in(browser)
    assert browser.get("/admin/login/")["Location"] == "/admin/"


def test_an_account_without_staff_status_is_refused(user, browser):
    answer = sign_in(browser, username="kam")
    assert answer.status_code == 200
    assert "for a staff account" in answer.content.decode()
    assert not is_in(browser)


# --- Too many wrong passwords ---------------------------------------------------------------------


def test_too_many_wrong_passwords_are_answered_429_with_the_wait(staff, browser, limits):
    lock_out(browser)
    answer = sign_in(browser)
    assert (answer.status_code, answer["Retry-After"]) == (429, "900")
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    page = answer.content.decode()
    assert "Too many wrong attempts. Please wait 15 minutes, then try again." in page
    assert 'value="asha"' in page and PASSWORD not in page
    assert not is_in(browser)


def test_the_wait_is_shown_in_minutes_and_at_the_end_in_seconds(staff, browser, limits, noon):
    lock_out(browser)
    noon.shift(10 * 60 + 1)
    assert "Please wait 5 minutes," in sign_in(browser).content.decode()
    noon.shift(4 * 60 + 9)
    assert "Please wait 50 seconds," in sign_in(browser).content.decode()
    noon.shift(49)
    assert "Please wait 1 second," in sign_in(browser).content.decode()


def test_signing_in_works_again_after_the_wait(staff, browser, limits, noon):
    lock_out(browser)
    noon.shift(float(sign_in(browser)["Retry-After"]))
    assert sign_in(browser).status_code == 302


# --- The session ----------------------------------------------------------------------------------


def test_the_session_cookie_is_http_only_same_site_and_lasts_12_hours(staff, browser):
    sign_in(browser)
    sent = cookie(browser)
    assert (sent["httponly"], sent["samesite"], sent["max-age"], sent["path"]) == (True, "Lax", 12 * 3600, "/")
    assert not sent["domain"]


def test_cookies_are_secure_with_https(staff, browser, settings):
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True  # what HTTPS=1 sets
    browser.get("/admin/login/", secure=True)
    sign_in(browser, secure=True)
    assert [browser.cookies[name]["secure"] for name in ("sessionid", "csrftoken")] == [True, True]


def test_a_session_expires_after_twelve_hours(staff, browser, noon):
    sign_in(browser)
    noon.shift(12 * 3600 - 1)
    assert is_in(browser)
    noon.shift(2)
    assert not is_in(browser)


def test_signing_in_gives_the_session_another_key(staff, browser):
    session = browser.session
    session["planted"] = "by another user"
    session.save()
    browser.cookies["sessionid"] = planted = session.session_key
    sign_in(browser)
    assert cookie(browser).value != planted
    assert not Session.objects.filter(pk=planted).exists()


def test_signing_out_ends_the_session(staff, browser):
    sign_in(browser)
    session_key = cookie(browser).value
    browser.post("/admin/logout/")
    assert not Session.objects.exists()
    browser.cookies["sessionid"] = session_key
    assert not is_in(browser)


def test_signing_out_takes_more_than_a_link(staff, browser):
    sign_in(browser)
    assert browser.get("/admin/logout/").status_code == 405
    assert is_in(browser)


def test_a_changed_password_ends_the_other_sessions(staff, browser):
    elsewhere = Client()
    sign_in(browser)
    sign_in(elsewhere)
    form = {"old_password": PASSWORD, "new_password1": "a fresh horse 42", "new_password2": "a fresh horse 42"}
    assert browser.post("/admin/password_change/", form).status_code == 302
    assert (is_in(browser), is_in(elsewhere)) == (True, False)


def test_deactivating_an_account_ends_its_sessions(staff, browser):
    sign_in(browser)
    get_user_model().objects.update(is_active=False)
    assert not is_in(browser)


def test_the_api_accepts_no_session(staff, browser):
    sign_in(browser)
    assert browser.get("/api/me/").status_code == 401


@pytest.mark.parametrize("path", ["/", "/api/token/", "/api/me/", "/lead/restaurants/", "/healthz", "/api/docs/"])
def test_requests_beside_the_admin_get_no_cookie(path, staff, browser):
    for method in (browser.get, browser.post):
        assert not method(path, {"username": "asha", "password": PASSWORD}).cookies


def test_no_page_of_the_admin_may_be_cached(staff, browser):
    pages = [browser.get("/admin/login/"), browser.get("/admin/")]
    sign_in(browser)
    names = ("index", "password_change", "password_change_done", "jsi18n", "second_factor", "auth_user_changelist")
    pages += [browser.get(reverse(f"admin:{name}")) for name in names]
    for page in pages:
        assert "no-store" in page["Cache-Control"], page
        assert "Cookie" in page["Vary"], page


def test_only_staff_can_distinguish_a_page_from_a_missing_one(user, browser):
    browser.force_login(user)
    for path in ("/admin/auth/user/", "/admin/nothing/", "/admin/second-factor/"):
        assert browser.get(path)["Location"].startswith("/admin/login/")
    assert not LogEntry.objects.exists()


# --- Being refused --------------------------------------------------------------------------------


def test_a_page_beyond_the_role_is_refused_with_links(browser, reader):
    get_user_model().objects.filter(pk=reader.pk).update(is_staff=True)
    browser.force_login(reader)
    answer = browser.get("/admin/auth/user/add/")
    assert answer.status_code == 403
    assertContains(answer, "You may not do this", status_code=403)
    assertContains(answer, 'href="/admin/"', status_code=403)


def test_a_missing_page_is_answered_with_a_404_page(staff, browser):
    browser.force_login(staff)
    assertContains(browser.get("/admin/nothing/"), "There is nothing here", status_code=404)


def test_a_form_with_an_expired_csrf_token_explains_what_to_do(staff):
    browser = Client(enforce_csrf_checks=True)
    answer = sign_in(browser)
    assertContains(answer, "This form is out of date", status_code=403)
    assert not is_in(browser)


def test_a_500_page_shows_no_details(staff, browser, monkeypatch):
    def break_down(self, **kwargs):
        raise RuntimeError("a secret")

    browser.force_login(staff)
    browser.raise_request_exception = False
    monkeypatch.setattr("django.contrib.auth.views.PasswordChangeDoneView.get_context_data", break_down)
    answer = browser.get("/admin/password_change/done/")
    assertContains(answer, "Something went wrong on the server", status_code=500)
    assert b"a secret" not in answer.content
