"""Every invalid body, path, header or parameter is a 4xx in JSON; nothing is stored, and every list still answers."""

import json
from io import BytesIO
from wsgiref.util import setup_testing_defaults

import pytest

from crm.tests.bad_values import LISTS, WRITES, fill, refused
from crm.wsgi import application

# --- Bodies ---------------------------------------------------------------------------------------

NO_OBJECT = [
    *(b"[]", b'"x"', b"1", b"null", b"true", b" ", b"{", b"{'name': 1}", b'{"name": "a",}', b'{"name": "a"} x'),
    *(b'{"name": NaN}', b'{"name": Infinity}', b'{"name": -Infinity}', b'{"name": 01}', b"\0", b'{"name": "\0"}'),
    *(b"\xff\xfe", b'{"name": "\xff"}', b"\xef\xbb\xbf{}", '{"name": "a"}'.encode("utf-16")),
    *(b"[" * 50_000, b'{"name":' * 50_000, b'{"name": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"),
    *(b'{"name": ' + b"9" * 5_000 + b"}", b'{"name": 1e99999999999999999999}'),
]


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.usefixtures("nothing_stored")
def test_a_body_other_than_a_json_object_is_a_400(strict_client, ids, name):
    method, path, *_ = WRITES[name]
    for body in NO_OBJECT:
        response = strict_client.generic(method, fill(path, ids), body, content_type="application/json")
        assert list(refused(response, 400)) == ["detail"], body[:40]


@pytest.mark.parametrize("megabytes", [3, 20])
@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"]
)
@pytest.mark.parametrize("path", ["/lead/restaurants/", "/api/token/", "/nothing/"])
@pytest.mark.usefixtures("nothing_stored")
def test_a_body_over_the_limit_is_a_413(strict_client, path, kind, megabytes):
    refused(strict_client.generic("POST", path, b"x" * (megabytes * 1_000_000), content_type=kind), 413)


@pytest.mark.parametrize("length", ["abc", "-1", "1e3", "٣", "9" * 5_000])
@pytest.mark.usefixtures("nothing_stored")
def test_an_invalid_content_length_is_refused(strict_client, length):
    response = strict_client.generic(
        "POST", "/lead/restaurants/", '{"name": "A"}', content_type="application/json", CONTENT_LENGTH=length
    )

    refused(response, 400, 413)


FOREIGN_TYPES = [
    *("", "text/plain", "application/xml", "application/octet-stream", "json", "/", ";;;", "application/vnd.api+json"),
    *("multipart/mixed; boundary=b", "application/json; charset=utf-16", "application/json; charset=latin-1"),
    *("application/json; charset=", "application/x-www-form-urlencoded; charset=utf-16", "application/json; charset=é"),
]


@pytest.mark.parametrize("query", ["", "?city=%E9%FF"])
@pytest.mark.parametrize("kind", FOREIGN_TYPES)
@pytest.mark.usefixtures("nothing_stored")
def test_an_unsupported_content_type_or_charset_is_a_415(strict_client, kind, query):
    refused(strict_client.generic("POST", f"/lead/restaurants/{query}", b'{"name": "A"}', content_type=kind), 415)


@pytest.mark.parametrize("query", ["", "city=%E9%FF"])
@pytest.mark.parametrize(
    "kind",
    [
        *("application/json; charset=base64", "application/json; charset=undefined", "application/json; charset=rot13"),
        *(
            "application/json; charset=idna",
            "application/json; charset*=nope''utf-8",
            "multipart/form-data; charset=zip",
        ),
    ],
)
def test_a_charset_that_is_not_for_text_is_a_415_of_the_whole_application(db, kind, query):
    """Django's request itself fails on them, before any middleware: so the whole application is asked."""
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/lead/restaurants/", "QUERY_STRING": query, "CONTENT_TYPE": kind}
    environ |= {"wsgi.input": BytesIO(b"{}"), "CONTENT_LENGTH": "2", "HTTP_HOST": "localhost"}
    setup_testing_defaults(environ)
    statuses = []

    body = b"".join(application(environ, lambda status, headers: statuses.append(status)))

    assert statuses == ["415 Unsupported Media Type"]
    assert list(json.loads(body)) == ["detail"]


FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
BAD_FORMS = {
    "no boundary": ("multipart/form-data", PART % (b"name", b"", b"A")),
    "empty boundary": ("multipart/form-data; boundary=", PART % (b"name", b"", b"A")),
    "foreign boundary": ('multipart/form-data; boundary="é"', PART % (b"name", b"", b"A")),
    "a file for a text": (MULTIPART, PART % (b"name", b'; filename="a.txt"', b"A") + b"--b--\r\n"),
    "200 files": (MULTIPART, b"".join(PART % (b"f", b'; filename="a"', b"A") for _ in range(200)) + b"--b--\r\n"),
    "base64 that is none": (
        MULTIPART,
        PART % (b"name", b"\r\nContent-Transfer-Encoding: base64", b"!!!") + b"--b--\r\n",
    ),
    "2,000 parts": (MULTIPART, b"".join(PART % (b"f", b"", b"A") for _ in range(2_000)) + b"--b--\r\n"),
    "2,000 fields": (FORM, b"name=A&" + b"&".join(b"f%d=1" % i for i in range(2_000))),
    "NUL": (FORM, b"name=%00"),
    "nothing": (FORM, b""),
    "JSON": (FORM, b'{"name": "A"}'),
    "a list for a scalar": (FORM, b"name="),
}


@pytest.mark.parametrize("form", BAD_FORMS)
@pytest.mark.usefixtures("nothing_stored")
def test_an_invalid_form_is_a_400(strict_client, form):
    kind, body = BAD_FORMS[form]

    refused(strict_client.generic("POST", "/lead/restaurants/", body, content_type=kind), 400)


@pytest.mark.usefixtures("nothing_stored")
def test_a_nested_order_in_a_form_is_a_400_that_asks_for_json(strict_client, ids):
    fields = {"lead": ids["lead"], "interaction_type": "ORDER", "order.quantity": 5}

    assert refused(strict_client.post("/track/interactions/", fields, format="multipart"), 400) == {
        "order": ["Send nested objects as JSON."]
    }


# --- Paths, methods, headers ----------------------------------------------------------------------

NO_IDS = [
    "9" * 20,
    "9" * 5_000,
    "123456789012345678",
    "0",
    "-1",
    "abc",
    "1.0",
    "%00",
    "1%00",
    "%ff",
    "%D9%A1",
    "1%0A",
    "%20",
]


@pytest.mark.parametrize("template", [path for _, path, *_ in WRITES.values() if "{" in path] + [LISTS[1]])
@pytest.mark.usefixtures("nothing_stored")
def test_an_invalid_id_is_a_404(strict_client, template):
    for pk in NO_IDS:
        path = fill(template, dict.fromkeys(["lead", "contact", "interaction", "plan"], pk))
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            refused(strict_client.generic(method, path, "{}", content_type="application/json"), 404, 405)


@pytest.mark.parametrize("path", ["/nothing", "/nothing/", "/lead", "/api/", "/%00", "/%ff%fe", "/" + "x" * 70_000])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path_is_a_404(strict_client, method, path):
    assert list(refused(strict_client.generic(method, path, "{}", content_type="application/json"), 404)) == ["detail"]


@pytest.mark.parametrize("path", [*LISTS, *(path for _, path, *_ in WRITES.values())])
@pytest.mark.usefixtures("nothing_stored")
def test_an_unknown_method_is_a_405(strict_client, ids, path):
    for method in ("FOO", "TRACE", "CONNECT", "PROPFIND"):
        response = strict_client.generic(method, fill(path, ids), "{}", content_type="application/json")
        assert list(refused(response, 405)) == ["detail"]


@pytest.mark.parametrize("path", ["/call/today/", "/track/interactions/orders/", "/api/me/", "/healthz", "/readyz"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_write_to_a_read_only_path_is_a_405(strict_client, path, method):
    refused(strict_client.generic(method, path, "{}", content_type="application/json"), 405)


@pytest.mark.parametrize("host", ["evil.example", "a b", "[::1", "é", "127.0.0.1:abc", "x" * 5_000])
@pytest.mark.parametrize("path", ["/lead/restaurants/", "/nothing/", "/api/token/"])
def test_a_host_that_is_not_allowed_is_a_400(strict_client, path, host):
    refused(strict_client.get(path, HTTP_HOST=host), 400)


@pytest.mark.parametrize(
    "header",
    [
        *(
            "",
            "Bearer",
            "Bearer ",
            "Bearer a b",
            "Bearer x",
            "bearer x",
            "Basic YTpi",
            "x",
            "Bearer \xff\xfe",
        ),
        *("Bearer \0", "Bearer ....", "Bearer e30.e30.e30", "Bearer " + "[" * 3_000, "Bearer " + "x" * 60_000),
        "Bearer eyJhbGciOiJub25lIn0.eyJ1c2VyX2lkIjoxfQ.",  # "alg": "none"
    ],
)
def test_an_invalid_authorization_header_is_a_401(anonymous_client, header):
    response = anonymous_client.get("/lead/restaurants/", HTTP_AUTHORIZATION=header)

    assert list(refused(response, 401)) == ["detail"]
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("accept", ["application/xml", "text/html", "image/*", "garbage", "x" * 5_000])
@pytest.mark.parametrize("path", [*LISTS, "/lead/restaurants/{lead}/"])
def test_a_request_that_accepts_no_json_is_a_406(strict_client, ids, path, accept):
    refused(strict_client.get(fill(path, ids), HTTP_ACCEPT=accept), 406)


# --- Filters --------------------------------------------------------------------------------------

BAD = ["abc", "%00", "a%00b", "%ed%a0%80", "%ff", "[]", "{}", "NaN", "Infinity", "1e400", "x" * 7_000, "9" * 5_000]
BAD_ID = [*BAD, "9" * 20, "-1", "1.5", "%D9%A1", "1_0", "true"]
BAD_MONEY = [*BAD, "9" * 20, "1e1000000", "1.005", "sNaN"]
BAD_INSTANT = [
    *BAD,
    *("9" * 20, "0001-01-01", "9999-12-31", "999999-01-01", "2024-13-45", "2024-12-28T25:00:00Z", "1899-12-31"),
    *("0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "2024-12-28T10:00:00%2B99:99"),
]
BAD_TEXT = ["%00", "a%00b", "x" * 7_000]
BAD_SEARCH = [*BAD_TEXT, "a+" * 1_500]
BAD_PAGE = [*BAD_ID, "0"]
BAD_FILTERS = {
    "/lead/restaurants/": {
        "lead_status": BAD,
        "assigned_to": BAD_ID,
        **dict.fromkeys(["city", "state", "cuisine_type", "restaurant_type"], BAD_TEXT),
        **dict.fromkeys(["potential_revenue_min", "potential_revenue_max"], BAD_MONEY),
        **dict.fromkeys(["created_after", "created_before", "updated_after"], BAD_INSTANT),
        "search": BAD_SEARCH,
        "ordering": [*BAD, "-", "--id", "password", "assigned_to__password"],
        "page": BAD_PAGE,
        "page_size": [*BAD_PAGE, "1001"],
    },
    "/contact/contacts/": {
        "restaurant": BAD_ID,
        "role": BAD_TEXT,
        "email": BAD_TEXT,
        "updated_after": BAD_INSTANT,
        "search": BAD_SEARCH,
        "ordering": BAD,
    },
    "/track/interactions/": {
        "lead": BAD_ID,
        "contact": BAD_ID,
        "interaction_type": BAD,
        "order_placed": BAD,
        **dict.fromkeys(["date_after", "date_before", "updated_after"], BAD_INSTANT),
        "search": BAD_SEARCH,
        "ordering": BAD,
    },
    "/track/interactions/orders/": {"lead": BAD_ID, "page": BAD_PAGE},
    "/call/": {
        "lead": BAD_ID,
        "frequency": BAD,
        **dict.fromkeys(["next_call_after", "next_call_before", "updated_after"], BAD_INSTANT),
        "search": BAD_SEARCH,
        "ordering": BAD,
    },
    "/call/today/": {"lead": BAD_ID, "page": BAD_PAGE},
    "/lead/restaurants/{lead}/status_history/": {"ordering": BAD, "page": BAD_PAGE},
    "/api/users/": {"ordering": BAD, "page": BAD_PAGE},
}


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, names in BAD_FILTERS.items() for name in names])
def test_an_invalid_parameter_is_a_400_that_names_it(strict_client, ids, path, name):
    for value in BAD_FILTERS[path][name]:
        response = strict_client.get(f"{fill(path, ids)}?{name}={value}")
        assert list(refused(response, 400)) == [name], (value[:40], response.content[:200])


@pytest.mark.parametrize("query", ["%00=%00&&&===%zz", "&".join(f"a{i}=1" for i in range(900)), "x" * 70_000])
@pytest.mark.parametrize("path", LISTS)
def test_unknown_parameters_are_ignored(strict_client, ids, path, query):
    assert strict_client.get(f"{fill(path, ids)}?{query}").status_code == 200


def test_too_many_parameters_are_a_400(strict_client):
    refused(strict_client.get("/lead/restaurants/?" + "city=x&" * 2_000), 400)
