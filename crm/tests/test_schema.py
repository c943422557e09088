"""The OpenAPI description is complete, as committed, and true of the responses."""

import re
from functools import cache
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.urls import URLPattern, get_resolver
from jsonschema import Draft202012Validator

from crm.api.openapi.components import TAGS
from crm.api.openapi.schema import Generator

METHODS = {"get", "post", "put", "patch", "delete"}
PAGES = {"/", "/api/schema/", "/api/docs/", "/api/redoc/"}  # they lead to the description, and are not in it


@cache
def document() -> dict[str, Any]:
    return Generator().get_schema(public=True)


def operations() -> dict[str, dict[str, Any]]:
    """By `POST /call/`."""
    return {
        f"{method.upper()} {path}": operation
        for path, item in document()["paths"].items()
        for method, operation in item.items()
    }


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in part:
        return part
    _, _, kind, name = part["$ref"].split("/")
    return document()["components"][kind][name]


def assert_valid(value: Any, schema: dict[str, Any]) -> None:
    Draft202012Validator({**schema, "components": document()["components"]}).validate(value)


each_operation = pytest.mark.parametrize("name", sorted(operations()))


def test_the_committed_description_is_generated_without_a_warning():
    given = StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=given)
    committed = (settings.BASE_DIR / "docs" / "openapi.yaml").read_text()
    assert committed == given.getvalue(), "Run `python manage.py spectacular --file docs/openapi.yaml`."


def routes(patterns: list, prefix: str = "/") -> set[str]:
    """Method and path of everything in the URL conf, as the description writes them."""
    found: set[str] = set()
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if not isinstance(pattern, URLPattern):
            found |= set() if pattern.app_name == "admin" else routes(pattern.url_patterns, path)
            continue
        path = re.sub(r"\(\?P<pk>[^)]*\)", "{id}", path).replace("^", "").removesuffix("$")
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)
        view = getattr(pattern.callback, "cls", None)
        methods = getattr(pattern.callback, "actions", None) or (view.http_method_names if view else ["get"])
        found |= {
            f"{method.upper()} {path}"
            for method in METHODS & set(methods)
            if path not in PAGES and (hasattr(pattern.callback, "actions") or not view or hasattr(view, method))
        }
    return found


def test_the_description_has_exactly_the_routes():
    assert set(operations()) == routes(get_resolver().url_patterns)


def test_operation_ids_are_unique():
    names = [operation["operationId"] for operation in operations().values()]
    assert len(names) == len(set(names))


@each_operation
def test_an_operation_says_what_it_does_in_its_section(name):
    operation = operations()[name]
    assert operation["summary"]
    assert operation["tags"][0] in {tag for _, tag, _ in TAGS}


@each_operation
def test_an_operation_has_examples_that_fit_its_body_and_its_answers(name):
    operation = operations()[name]
    answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    for part in [operation.get("requestBody", {}), *answers]:
        for shown in [kind for name, kind in part.get("content", {}).items() if name == "application/json"]:
            assert shown["examples"], f"{operation['operationId']} has none"
            for example in shown["examples"].values():
                assert_valid(example["value"], shown["schema"])


@pytest.mark.parametrize(
    ("name", "statuses"),
    {
        "GET /lead/restaurants/": "200 400 401 406 429 503",
        "POST /lead/restaurants/": "201 400 401 403 406 409 413 415 422 429 503",
        "GET /lead/restaurants/{id}/": "200 304 308 401 404 406 429 503",
        "PATCH /lead/restaurants/{id}/": "200 308 400 401 403 404 406 409 412 413 415 429 503",
        "DELETE /lead/restaurants/{id}/": "204 308 400 401 403 404 406 409 412 429 503",
        "POST /lead/restaurants/{id}/change_status/": "200 308 400 401 403 404 406 409 412 413 415 422 429 503",
        "PUT /track/interactions/{id}/order_details/": "200 201 400 401 403 404 406 409 412 413 415 429 503",
        "POST /api/token/": "200 400 401 406 409 413 415 429 503",
        "GET /healthz": "200",
    }.items(),
)
def test_the_statuses_of_an_operation_follow_from_its_kind(name, statuses):
    assert " ".join(operations()[name]["responses"]) == statuses


def test_the_parameters_of_a_list_are_its_filters_with_their_types():
    parameters = [resolved(parameter) for parameter in operations()["GET /track/interactions/"]["parameters"]]
    schemas = {parameter["name"]: parameter["schema"] for parameter in parameters}
    assert schemas["lead"]["type"] == "integer"
    assert schemas["order_placed"]["type"] == "boolean"
    assert schemas["interaction_type"]["items"]["enum"][:2] == ["CALL", "EMAIL"]
    assert schemas["ordering"]["items"]["enum"][:4] == ["id", "-id", "date", "-date"]
    assert schemas["page_size"]["maximum"] == 1000
    assert {"search", "date_after", "page", "count", "Prefer", "X-Request-ID"} <= set(schemas)


def test_an_import_is_sent_as_a_form_with_a_file():
    body = operations()["POST /api/imports/"]["requestBody"]
    (media_type, content), *others = body["content"].items()
    assert (media_type, others) == ("multipart/form-data", [])
    assert resolved(content["schema"])["properties"]["file"] == {"type": "string", "format": "binary"}


def test_an_order_is_written_with_its_interaction_and_never_shown_in_it():
    schemas = document()["components"]["schemas"]
    assert "order" in schemas["InteractionRequest"]["properties"]
    assert "order" not in schemas["Interaction"]["properties"]


@pytest.mark.parametrize(
    ("name", "required"),
    {
        "PATCH /lead/restaurants/{id}/": None,
        "PUT /lead/restaurants/{id}/": ["name"],
        "PATCH /call/{id}/set_frequency/": ["frequency"],
    }.items(),
)
def test_a_patch_of_a_resource_may_leave_keys_out_and_a_verb_may_not(name, required):
    body = operations()[name]["requestBody"]["content"]["application/json"]["schema"]
    assert resolved(body).get("required") == required


def test_an_answer_shows_all_its_keys_and_null_where_the_column_may_be():
    shown = document()["components"]["schemas"]["StatusChange"]
    assert shown["required"] == ["id", "lead", "old_status", "new_status", "changed_by", "changed_at", "note"]
    assert shown["properties"]["changed_by"]["type"] == ["integer", "null"]


@pytest.mark.parametrize(
    ("name", "status", "body", "headers"),
    [
        ("POST /lead/restaurants/", 201, {"name": "Bistro Anna"}, {"Idempotency-Key": "k"}),
        ("POST /lead/restaurants/", 400, {}, {}),
        ("POST /lead/restaurants/", 400, {"name": "Bistro Anna"}, {"Idempotency-Key": "k k"}),
        ("GET /lead/restaurants/", 200, None, {}),
        ("GET /lead/restaurants/", 401, None, {}),
        ("GET /lead/restaurants/", 406, None, {"Accept": "text/html"}),
        ("GET /lead/restaurants/{id}/", 200, None, {}),
        ("GET /lead/restaurants/{id}/", 304, None, {"If-None-Match": "*"}),
        ("PATCH /lead/restaurants/{id}/", 412, {"city": "Pune"}, {"If-Match": '"other"'}),
        ("PATCH /lead/restaurants/{id}/", 415, "city", {"Content-Type": "text/plain"}),
        ("DELETE /lead/restaurants/{id}/", 204, None, {}),
        ("PATCH /contact/contacts/{id}/", 404, {"role": "Chef"}, {}),
        ("POST /track/interactions/", 400, {"lead": 1, "interaction_type": "ORDER", "order": {}}, {}),
        ("POST /api/token/", 401, {"username": "kam", "password": "wrong"}, {}),
        ("GET /api/me/", 200, None, {}),
        ("GET /readyz", 200, None, {}),
    ],
)
def test_an_answer_is_as_the_description_says(api, lead, name, status, body, headers):
    method, path = name.split()
    if status == 401:
        api.credentials()
    content = {"content_type": headers.pop("Content-Type")} if "Content-Type" in headers else {}
    answer = getattr(api, method.lower())(path.replace("{id}", str(lead.pk)), body, headers=headers, **content)
    assert answer.status_code == status
    described = resolved(operations()[name]["responses"][str(status)])
    for header, details in described["headers"].items():
        assert header in answer or not resolved(details).get("required"), header
    if "content" in described:
        assert_valid(answer.json(), described["content"]["application/json"]["schema"])
    else:
        assert answer.content == b""
