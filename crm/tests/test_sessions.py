"""Sessions, CSRF and messages belong to the admin; the API neither reads nor sends them."""

import json

import pytest
from django.contrib.auth import get_user_model
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from crm.middleware.pages_only import PAGES
from crm.tests import PASSWORD
from lead.models import Restaurant

LIST = "/lead/restaurants/"


@pytest.fixture
def browser(user):
    """Signed in to the admin, with its cookies, and as strict about CSRF as a server is."""
    user.is_staff = user.is_superuser = True
    user.save()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)
    return browser


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", LIST),
        ("GET", "/lead/restaurants/{pk}/"),
        ("POST", LIST),
        ("PATCH", "/lead/restaurants/{pk}/"),
        ("OPTIONS", LIST),
        ("GET", "/lead/restaurants/0/"),
        ("GET", "/nowhere/"),
        ("GET", "/api/me/"),
        ("GET", "/"),
        ("GET", "/healthz"),
        ("GET", "/administrators/"),
    ],
)
def test_the_api_reads_no_session_though_a_browser_sends_its_cookie(browser, lead, user, method, path):
    sent = {"name": "Bistro"} if method in ("POST", "PATCH") else {}
    token = {"Authorization": f"Bearer {AccessToken.for_user(user)}"}
    with CaptureQueriesContext(connection) as queries:
        body = json.dumps(sent) if sent else ""
        answer = browser.generic(method, path.format(pk=lead.pk), body, "application/json", headers=token)
    assert answer.status_code in (200, 201, 404)
    assert not [query["sql"] for query in queries if "django_session" in query["sql"]]
    assert not {"session", "_messages"} & set(vars(answer.wsgi_request))
    assert not answer.cookies
    assert "Cookie" not in answer.get("Vary", "")


def test_a_session_of_the_admin_is_no_token(browser, lead):
    assert browser.get(LIST).status_code == 401
    assert browser.post(LIST, {"name": "Forged"}, content_type="application/json").status_code == 401
    assert not Restaurant.objects.filter(name="Forged").exists()


def test_signing_in_to_the_api_needs_no_csrf_token_and_starts_no_session(user):
    client = APIClient(enforce_csrf_checks=True)
    answer = client.post("/api/token/", {"username": user.username, "password": PASSWORD})
    assert (answer.status_code, dict(answer.cookies)) == (200, {})


def test_the_admin_is_among_the_pages():
    assert reverse("admin:index").startswith(PAGES)


def test_the_admin_identifies_the_user_by_the_session(browser, user):
    page = browser.get("/admin/")
    assert (page.status_code, page.wsgi_request.user) == (200, user)
    assert "Cookie" in page["Vary"]
    assert Client().get("/admin/").status_code == 302


def test_a_form_of_the_admin_without_its_csrf_token_is_refused(browser, user):
    path = reverse("admin:auth_group_add")
    assert browser.post(path, {"name": "Forged"}).status_code == 403
    token = browser.get(path).cookies["csrftoken"].value

    sent = browser.post(path, {"name": "Meant", "csrfmiddlewaretoken": token})

    assert sent.status_code == 302
    assert [str(message) for message in get_messages(sent.wsgi_request)][0].startswith("The group")
    assert "was added successfully" in browser.get(sent["Location"]).content.decode()


def test_signing_in_to_the_admin_starts_a_session_and_signing_out_ends_it(db):
    get_user_model().objects.create_superuser("asha", password=PASSWORD)
    browser = Client()
    signed_in = browser.post("/admin/login/?next=/admin/", {"username": "asha", "password": PASSWORD})
    assert (signed_in.status_code, signed_in["Location"]) == (302, "/admin/")
    assert signed_in.cookies["sessionid"]["httponly"]
    assert browser.get("/admin/").status_code == 200
    browser.post("/admin/logout/")
    assert browser.get("/admin/").status_code == 302
