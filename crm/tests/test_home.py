"""`/` links to the pages about the API, which are public and load nothing from another host."""

import re

import pytest
from django.contrib.staticfiles import finders

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_a_browser_gets_a_page_with_links(client):
    page = client.get("/", headers={"Accept": BROWSER})
    assert page["Content-Type"] == "text/html; charset=utf-8"
    links = re.findall('<a href="([^"]*)"', page.text)
    assert links == ["/api/docs/", "/api/redoc/", "/api/schema/", "/admin/"]


@pytest.mark.parametrize("accept", ["application/json", "*/*", ""])
def test_other_clients_get_the_links_as_json(client, accept):
    assert client.get("/", headers={"Accept": accept}).json() == {
        "docs": "http://testserver/api/docs/",
        "redoc": "http://testserver/api/redoc/",
        "schema": "http://testserver/api/schema/",
        "admin": "http://testserver/admin/",
        "token": "http://testserver/api/token/",
    }


@pytest.mark.parametrize("path", ["/", "/api/docs/", "/api/redoc/"])
def test_a_page_loads_nothing_from_another_host(client, path):
    page = client.get(path, headers={"Accept": BROWSER})
    needed = re.findall('(?:src|data-schema|link rel="[a-z]+" href)="([^"]*)"', page.text)
    assert needed
    for url in needed:
        assert url == "/api/schema/" or finders.find(url.removeprefix("/static/")), url
    assert "//" not in page.text.replace("<!DOCTYPE html>", "")
    assert "default-src 'self'" in page["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/", "/api/docs/", "/api/redoc/"])
def test_a_page_has_no_script_in_itself(client, path):
    page = client.get(path, headers={"Accept": BROWSER}).text
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page) in ([], ["", ""])


def test_the_description_is_yaml(client):
    answer = client.get("/api/schema/", headers={"Accept": BROWSER})
    assert answer["Content-Type"] == "application/yaml"
    assert answer.text.startswith("openapi: 3.1.0\n")


def test_the_description_is_json_where_that_is_accepted(client):
    answer = client.get("/api/schema/", headers={"Accept": "application/json,*/*"})
    assert answer.json()["openapi"] == "3.1.0"


@pytest.mark.parametrize("path", ["/", "/api/schema/", "/api/docs/", "/api/redoc/"])
def test_nothing_can_be_posted_to_a_page(client, path):
    answer = client.post(path)
    assert answer.status_code == 405
    assert answer.json() == {"detail": 'Method "POST" not allowed.'}
