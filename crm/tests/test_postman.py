"""The Postman collection shows the routes and methods of the URLs and of the OpenAPI schema, each with assertions."""

import json
import re
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.urls import Resolver404, URLPattern, get_resolver, resolve

from crm.api.openapi.schema import Generator

COLLECTION = settings.BASE_DIR / "postman" / "crm.postman_collection.json"
ENVIRONMENT = settings.BASE_DIR / "postman" / "crm.postman_environment.json"
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
PAGES = {"", "api/schema/", "api/docs/", "api/redoc/"}  # they lead to the schema, and are not in it

collection = json.loads(COLLECTION.read_text())
requests = [pytest.param(item, id=item["name"]) for folder in collection["item"] for item in folder["item"]]
each_request = pytest.mark.parametrize("item", requests)


def script(item: dict, moment: str) -> str:
    """The script of a request (or of the collection) that runs at that moment: `prerequest` or `test`."""
    return "\n".join(line for event in item["event"] if event["listen"] == moment for line in event["script"]["exec"])


def asserted_statuses(item: dict) -> list[int]:
    return [int(code) for code in re.findall(r"pm\.response\.to\.have\.status\((\d{3})\)", script(item, "test"))]


def route_of(url: str) -> str:
    """The URL conf's name for the path, or the path itself where there is no such route."""
    path = re.sub(r"\{+\w+\}+", "1", url.removeprefix("{{base_url}}").partition("?")[0])
    try:
        return resolve(path).route
    except Resolver404:
        return path


def shown() -> set[tuple[str, str]]:
    """Routes and methods of the requests that expect a success."""
    items = [param.values[0] for param in requests]
    return {
        (item["request"]["method"], route_of(item["request"]["url"]))
        for item in items
        if all(code < 400 for code in asserted_statuses(item))
    }


def views(patterns: list, prefix: str = "") -> Iterator[tuple[str, Callable]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLPattern):
            yield route, pattern.callback
        elif pattern.app_name != "admin":
            yield from views(pattern.url_patterns, route)


def methods(view: Callable) -> set[str]:
    """What a ViewSet's route, a class-based view or a plain function (GET alone) answers."""
    view_class = getattr(view, "cls", None) or getattr(view, "view_class", None)
    names = getattr(view, "actions", None) or [name for name in METHODS if hasattr(view_class, name.lower())]
    return {name.upper() for name in names} & METHODS or {"GET"}


def offered() -> set[tuple[str, str]]:
    return {(method, route) for route, view in views(get_resolver().url_patterns) for method in methods(view)}


def described() -> set[tuple[str, str]]:
    paths = Generator().get_schema(public=True)["paths"]
    return {(method.upper(), route_of(path)) for path, operations in paths.items() for method in operations}


def test_every_route_and_method_has_a_request_that_succeeds():
    assert offered() - shown() == set()


def test_every_request_that_succeeds_has_its_route_and_method():
    assert shown() - offered() == set()


def test_every_operation_of_the_schema_has_a_request_that_succeeds():
    assert described() - shown() == set()


def test_every_request_that_succeeds_is_an_operation_of_the_schema():
    assert {(method, route) for method, route in shown() - described() if route not in PAGES} == set()


@each_request
def test_a_request_asserts_one_status(item):
    assert len(asserted_statuses(item)) == 1


@each_request
def test_a_request_carries_an_example_with_the_status_that_it_asserts(item):
    assert [example["code"] for example in item["response"]] == asserted_statuses(item)


@each_request
def test_a_request_says_what_it_is_about(item):
    assert item["request"]["description"]


def test_every_variable_is_set_before_a_request_uses_it():
    known = {variable["key"] for variable in collection["variable"]}
    known |= {value["key"] for value in json.loads(ENVIRONMENT.read_text())["values"]}
    for item in [collection, *(param.values[0] for param in requests)]:
        known |= variables_set_by(script(item, "prerequest"))
        used = set(re.findall(r"\{\{(\w+)\}\}", json.dumps(item.get("request", {}))))
        assert used <= known, item["name"]
        known |= variables_set_by(script(item, "test"))


def variables_set_by(text: str) -> set[str]:
    return set(re.findall(r'\.set\("(\w+)"', text))


@pytest.mark.parametrize("path", [COLLECTION, ENVIRONMENT], ids=lambda path: path.stem)
def test_no_token_is_in_the_collection(path):
    json_web_token = r"eyJ[\w-]+\.[\w-]+\.[\w-]+"  # its first part starts with `{"`, in base64
    assert re.findall(json_web_token, path.read_text()) == []


def test_no_password_but_a_wrong_one_is_in_the_collection():
    passwords = re.findall(r'"password\\": \\"([^"\\]*)', COLLECTION.read_text())
    assert set(passwords) == {"{{password}}", "wrong"}
