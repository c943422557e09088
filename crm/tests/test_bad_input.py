"""Whatever is sent: a 4xx in JSON that names the field, nothing stored, and every list still answers.

Values are written as raw JSON, since much of what is bad about them (`1e400`, `"\\ud800"`) has no form in Python.
"""

import json
from io import BytesIO
from wsgiref.util import setup_testing_defaults

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from call.models import CallPlan
from conftest import PASSWORD
from contact.models import Contact
from crm.wsgi import application
from lead.models import Restaurant, StatusChange
from track.models import Interaction, OrderDetails

TABLES = (Restaurant, StatusChange, Contact, Interaction, OrderDetails, CallPlan)
LISTS = (
    "/lead/restaurants/",
    "/lead/restaurants/{lead}/status_history/",
    "/contact/contacts/",
    "/track/interactions/",
    "/track/interactions/orders/",
    "/call/",
    "/call/today/",
    "/api/users/",
)

LONG = json.dumps("x" * 70_000)
DEEP = "[" * 700 + "]" * 700
CONTAINERS = ["[]", "{}", '["CALL"]', '{"id": 1}', DEEP]
BROKEN = [r'"\u0000"', r'"a\u0000b"', r'"\ud800"', r'"a\udfffb"', LONG]

TEXT = [*BROKEN, *CONTAINERS, "true", "1e400"]
REQUIRED_TEXT = [*TEXT, '""', '"  "', "null"]
CHOICE = [*BROKEN, *CONTAINERS, "true", "1e400", "0", '""', "null", '"NOPE"', '"call"']
TRUTH = [*BROKEN, *CONTAINERS, "1e400", "2", "null", '"maybe"']
NINES = f'"{"9" * 5_000}"'  # more digits than int() takes
ID = [
    *BROKEN,
    *CONTAINERS,
    "true",
    "1e400",
    "-1",
    "0",
    "1.5",
    '"abc"',
    '"1.0"',
    '"٣²"',
    "9" * 20,
    f'"{"9" * 20}"',
    NINES,
]
COUNT = [*BROKEN, *CONTAINERS, "true", "1e400", "-1", "0", "1.5", '""', "null", "2147483648", "9" * 20, NINES]
MONEY = [
    *BROKEN,
    *CONTAINERS,
    *("true", "1e400", "1e1000000", '"1e1000000"', '"Infinity"', '"-Infinity"', '"NaN"', '"sNaN"'),
    *("-0.01", "1.005", "1e-400", "1000000000000", '"1,5"', NINES),
]
INSTANT = [
    *BROKEN,
    *CONTAINERS,
    *("true", "0", "1735380000", "1e400", '"yesterday"', '"2024-02-30T00:00:00Z"', '"2024-12-28T25:00:00Z"'),
    *('"0001-01-01T00:00:00+14:00"', '"9999-12-31T23:59:59-14:00"', '"0001-01-01T00:00:00"', '"9999-12-31T23:59:59"'),
    *('"1969-12-31T23:59:59Z"', '"2101-01-01T00:00:00Z"', '"2024-12-28T10:00:00+99:99"'),
]
ORDER = ['"x"', "1", "true", "null", "[]", "[[]]", '{"quantity": 1}', '{"quantity": {}}', DEEP]

LEAD = dict.fromkeys(["city", "state", "pincode", "contact_person", "phone", "email", "notes", "address"], TEXT) | {
    "name": REQUIRED_TEXT,
    "restaurant_type": TEXT,
    "cuisine_type": TEXT,
    "lead_status": CHOICE,
    "potential_revenue": MONEY,
    "assigned_to": ID,
}
CONTACT = dict.fromkeys(["role", "email", "phone", "address"], TEXT) | {"name": REQUIRED_TEXT, "restaurant": ID}
INTERACTION = {
    "lead": ID,
    "contact": ID,
    "interaction_type": CHOICE,
    "details": TEXT,
    "order_placed": TRUTH,
    "date": INSTANT,
    "order": ORDER,
}
ORDER_DETAILS = {
    "product_details": REQUIRED_TEXT,
    "quantity": COUNT,
    "total_price": [*MONEY, "null", '""'],
    "order_date": INSTANT,
}
PLAN = {"lead": ID, "frequency": CHOICE, "next_call_date": INSTANT, "notes": TEXT}

# Each write: method, path, a body that is good, and what is bad for each of its fields.
WRITES = {
    "POST lead": ("POST", "/lead/restaurants/", '{"name": "A"}', LEAD),
    "PATCH lead": ("PATCH", "/lead/restaurants/{lead}/", "{}", LEAD),
    "change_status": (
        "POST",
        "/lead/restaurants/{lead}/change_status/",
        '{"status": "LOST"}',
        {"status": CHOICE, "note": TEXT},
    ),
    "POST contact": ("POST", "/contact/contacts/", '{"restaurant": {lead}, "name": "A"}', CONTACT),
    "PATCH contact": ("PATCH", "/contact/contacts/{contact}/", "{}", CONTACT),
    "POST interaction": (
        "POST",
        "/track/interactions/",
        '{"lead": {lead}, "interaction_type": "CALL"}',
        INTERACTION,
    ),
    "PATCH interaction": ("PATCH", "/track/interactions/{interaction}/", "{}", INTERACTION),
    "PUT order_details": (
        "PUT",
        "/track/interactions/{interaction}/order_details/",
        '{"product_details": "A", "quantity": 1, "total_price": 1}',
        ORDER_DETAILS,
    ),
    "POST call": ("POST", "/call/", '{"lead": {lead}, "frequency": "DAILY"}', PLAN),
    "PATCH call": ("PATCH", "/call/{plan}/", "{}", PLAN | {"last_called": INSTANT}),
    "record_call": ("POST", "/call/{plan}/record_call/", "{}", {"last_called": [*INSTANT, "null", '""']}),
    "set_frequency": ("PATCH", "/call/{plan}/set_frequency/", '{"frequency": "DAILY"}', {"frequency": CHOICE}),
    "token": ("POST", "/api/token/", '{"username": "a", "password": "b"}', {}),
    "refresh": ("POST", "/api/token/refresh/", '{"refresh": "a"}', {}),
    "verify": ("POST", "/api/token/verify/", '{"token": "a"}', {}),
    "logout": ("POST", "/api/token/logout/", '{"refresh": "a"}', {}),
}
FIELDS = [(name, field) for name, (_, _, _, fields) in WRITES.items() for field in fields]


@pytest.fixture
def ids(lead, contact, interaction, plan):
    return {"lead": lead.pk, "contact": contact.pk, "interaction": interaction.pk, "plan": plan.pk}


@pytest.fixture
def blunt(user):
    """A client that has signed in, sees a bug as status 500, and comes without a CSRF token."""
    client = APIClient(raise_request_exception=False, enforce_csrf_checks=True)
    answer = client.post("/api/token/", {"username": user.username, "password": PASSWORD})
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
    return client


@pytest.fixture
def nothing_stored(lists_still_answer):
    """What the tables hold is the same afterwards, and every list can still be read."""
    before = [list(table.objects.values()) for table in TABLES]
    yield
    assert [list(table.objects.values()) for table in TABLES] == before


@pytest.fixture
def lists_still_answer(blunt, ids):
    yield
    for path in LISTS:
        assert blunt.get(fill(path, ids)).status_code == 200


def fill(template: str, ids: dict[str, int]) -> str:
    for name, pk in ids.items():
        template = template.replace(f"{{{name}}}", str(pk))
    return template


def refused(response, *statuses: int) -> dict:
    """The body of an answer that is one of the `statuses`, in JSON."""
    assert response.status_code in statuses, response.content[:200]
    assert response["Content-Type"] == "application/json"
    return response.json()


# --- Values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "field"), FIELDS)
@pytest.mark.usefixtures("nothing_stored")
def test_a_bad_value_is_a_400_that_names_its_field(blunt, ids, name, field):
    method, path, good, fields = WRITES[name]
    for value in fields[field]:
        body = json.loads(fill(good, ids))
        body.pop(field, None)
        raw = json.dumps(body)[:-1] + ("," if body else "") + f'"{field}": {value}}}'

        response = blunt.generic(method, fill(path, ids), raw, content_type="application/json")

        assert list(refused(response, 400)) == [field], (value[:40], response.content[:200])


@pytest.mark.parametrize("field", ["username", "password"])
@pytest.mark.parametrize("value", REQUIRED_TEXT[:4] + CONTAINERS + ["null", "1e400", "true"])
def test_a_bad_name_or_password_is_a_400_that_names_it(blunt, field, value):
    good = {"username": "kam", "password": PASSWORD}
    del good[field]
    raw = json.dumps(good)[:-1] + f', "{field}": {value}}}'

    assert list(refused(blunt.generic("POST", "/api/token/", raw, content_type="application/json"), 400)) == [field]


@pytest.mark.parametrize("token", ["", "a.b.c", "..", "e30.e30.e30", "[" * 5_000, "\0", "é", 'x"', "9" * 70_000])
@pytest.mark.parametrize("path", ["refresh", "verify", "logout"])
def test_a_token_that_is_none_is_refused(blunt, path, token):
    body = {"token" if path == "verify" else "refresh": token}

    refused(blunt.post(f"/api/token/{path}/", body), 400, 401)


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
def test_a_body_that_is_no_json_object_is_a_400(blunt, ids, name):
    method, path, *_ = WRITES[name]
    for body in NO_OBJECT:
        response = blunt.generic(method, fill(path, ids), body, content_type="application/json")
        assert list(refused(response, 400)) == ["detail"], body[:40]


@pytest.mark.parametrize("megabytes", [3, 20])
@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"]
)
@pytest.mark.parametrize("path", ["/lead/restaurants/", "/api/token/", "/nothing/"])
@pytest.mark.usefixtures("nothing_stored")
def test_a_body_over_the_limit_is_a_413(blunt, path, kind, megabytes):
    refused(blunt.generic("POST", path, b"x" * (megabytes * 1_000_000), content_type=kind), 413)


@pytest.mark.parametrize("length", ["abc", "-1", "1e3", "٣", "9" * 5_000])
@pytest.mark.usefixtures("nothing_stored")
def test_a_content_length_that_is_no_number_is_refused(blunt, length):
    response = blunt.generic(
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
def test_a_content_type_or_charset_that_nobody_reads_is_a_415(blunt, kind, query):
    refused(blunt.generic("POST", f"/lead/restaurants/{query}", b'{"name": "A"}', content_type=kind), 415)


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
def test_a_charset_that_is_no_text_is_a_415_from_the_server(db, kind, query):
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
def test_a_bad_form_is_a_400(blunt, form):
    kind, body = BAD_FORMS[form]

    refused(blunt.generic("POST", "/lead/restaurants/", body, content_type=kind), 400)


@pytest.mark.usefixtures("nothing_stored")
def test_a_nested_order_in_a_form_is_a_400_that_says_so(blunt, ids):
    fields = {"lead": ids["lead"], "interaction_type": "ORDER", "order.quantity": 5}

    assert refused(blunt.post("/track/interactions/", fields, format="multipart"), 400) == {
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
def test_an_id_that_is_none_is_a_404(blunt, template):
    for pk in NO_IDS:
        path = fill(template, dict.fromkeys(["lead", "contact", "interaction", "plan"], pk))
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            refused(blunt.generic(method, path, "{}", content_type="application/json"), 404, 405)


@pytest.mark.parametrize("path", ["/nothing", "/nothing/", "/lead", "/api/", "/%00", "/%ff%fe", "/" + "x" * 70_000])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_path_that_nobody_knows_is_a_404(blunt, method, path):
    assert list(refused(blunt.generic(method, path, "{}", content_type="application/json"), 404)) == ["detail"]


@pytest.mark.parametrize("path", [*LISTS, *(path for _, path, *_ in WRITES.values())])
@pytest.mark.usefixtures("nothing_stored")
def test_a_method_that_nobody_knows_is_a_405(blunt, ids, path):
    for method in ("FOO", "TRACE", "CONNECT", "PROPFIND"):
        response = blunt.generic(method, fill(path, ids), "{}", content_type="application/json")
        assert list(refused(response, 405)) == ["detail"]


@pytest.mark.parametrize("path", ["/call/today/", "/track/interactions/orders/", "/api/me/", "/healthz", "/readyz"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_writing_where_only_reading_is_served_is_a_405(blunt, path, method):
    refused(blunt.generic(method, path, "{}", content_type="application/json"), 405)


@pytest.mark.parametrize("host", ["evil.example", "a b", "[::1", "é", "127.0.0.1:abc", "x" * 5_000])
@pytest.mark.parametrize("path", ["/lead/restaurants/", "/nothing/", "/api/token/"])
def test_a_host_that_is_not_ours_is_a_400(blunt, path, host):
    refused(blunt.get(path, HTTP_HOST=host), 400)


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
def test_an_authorization_that_is_none_is_a_401(stranger, header):
    response = stranger.get("/lead/restaurants/", HTTP_AUTHORIZATION=header)

    assert list(refused(response, 401)) == ["detail"]
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("accept", ["application/xml", "text/html", "image/*", "garbage", "x" * 5_000])
@pytest.mark.parametrize("path", [*LISTS, "/lead/restaurants/{lead}/"])
def test_an_answer_in_another_form_than_json_is_a_406(blunt, ids, path, accept):
    refused(blunt.get(fill(path, ids), HTTP_ACCEPT=accept), 406)


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
def test_a_parameter_that_makes_no_sense_is_a_400_that_names_it(blunt, ids, path, name):
    for value in BAD_FILTERS[path][name]:
        response = blunt.get(f"{fill(path, ids)}?{name}={value}")
        assert list(refused(response, 400)) == [name], (value[:40], response.content[:200])


@pytest.mark.parametrize("query", ["%00=%00&&&===%zz", "&".join(f"a{i}=1" for i in range(900)), "x" * 70_000])
@pytest.mark.parametrize("path", LISTS)
def test_parameters_that_nobody_knows_are_ignored(blunt, ids, path, query):
    assert blunt.get(f"{fill(path, ids)}?{query}").status_code == 200


def test_more_parameters_than_anybody_needs_are_a_400(blunt):
    refused(blunt.get("/lead/restaurants/?" + "city=x&" * 2_000), 400)


# --- Anything -------------------------------------------------------------------------------------

KEYS = sorted(
    {field for *_, fields in WRITES.values() for field in fields} | {"username", "password", "refresh", "token"}
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=20)  # lone surrogates and NUL among them
    | st.sampled_from(
        ["CALL", "ORDER", "DAILY", "MONTHLY", "LOST", "2024-12-28T10:00:00Z", "0001-01-01", "1", "500.00"]
    )
    | st.datetimes().map(str)
    | st.decimals().map(str)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("name", WRITES)
@settings(
    max_examples=30,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(bad=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4))
def test_no_body_at_all_breaks_a_write_or_a_list_after_it(blunt, ids, lists_still_answer, name, bad):
    method, path, good, _ = WRITES[name]
    body = json.dumps(json.loads(fill(good, ids)) | bad)

    response = blunt.generic(method, fill(path, ids), body, content_type="application/json")

    assert response.status_code < 500, body
    assert response["Content-Type"] == "application/json"
