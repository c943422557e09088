"""Every invalid value is a 4xx in JSON that names its field; nothing is stored, and every list still answers."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.tests import PASSWORD
from crm.tests.bad_values import CONTAINERS, FIELDS, REQUIRED_TEXT, WRITES, fill, refused

# --- Values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "field"), FIELDS)
@pytest.mark.usefixtures("nothing_stored")
def test_an_invalid_value_is_a_400_that_names_its_field(strict_client, ids, name, field):
    method, path, valid, fields = WRITES[name]
    for value in fields[field]:
        body = json.loads(fill(valid, ids))
        body.pop(field, None)
        raw = json.dumps(body)[:-1] + ("," if body else "") + f'"{field}": {value}}}'

        response = strict_client.generic(method, fill(path, ids), raw, content_type="application/json")

        assert list(refused(response, 400)) == [field], (value[:40], response.content[:200])


@pytest.mark.parametrize("field", ["username", "password"])
@pytest.mark.parametrize("value", REQUIRED_TEXT[:4] + CONTAINERS + ["null", "1e400", "true"])
def test_an_invalid_name_or_password_is_a_400_that_names_the_field(strict_client, field, value):
    valid = {"username": "kam", "password": PASSWORD}
    del valid[field]
    raw = json.dumps(valid)[:-1] + f', "{field}": {value}}}'

    assert list(refused(strict_client.generic("POST", "/api/token/", raw, content_type="application/json"), 400)) == [
        field
    ]


@pytest.mark.parametrize("token", ["", "a.b.c", "..", "e30.e30.e30", "[" * 5_000, "\0", "é", 'x"', "9" * 70_000])
@pytest.mark.parametrize("path", ["refresh", "verify", "logout"])
def test_a_malformed_token_is_refused(strict_client, path, token):
    body = {"token" if path == "verify" else "refresh": token}

    refused(strict_client.post(f"/api/token/{path}/", body), 400, 401)


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
def test_no_generated_body_breaks_a_write_or_a_list_after_it(strict_client, ids, lists_still_answer, name, bad):
    method, path, valid, _ = WRITES[name]
    body = json.dumps(json.loads(fill(valid, ids)) | bad)

    response = strict_client.generic(method, fill(path, ids), body, content_type="application/json")

    assert response.status_code < 500, body
    assert response["Content-Type"] == "application/json"
