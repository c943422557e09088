"""Tokens that are forged, expired or malformed, and Authorization headers without a token, are a 401."""

from datetime import UTC, datetime

import pytest

from crm.tests.tokens import (
    INACTIVE,
    INVALID,
    INVALID_ACCESS,
    forged,
    get_me,
    log_out,
    refresh,
    response_everywhere,
    status_and_body,
)

NONSENSE_USERS = [
    "abc",
    "",
    " 1",
    "-1",
    "1.0",
    "1e3",
    "²",
    "١",
    "9" * 11,
    "9" * 5000,
    str(2**31),
    True,
    1.5,
    [1],
    {"pk": 1},
    None,
    "\x00",
    "\ud800",
]


@pytest.mark.parametrize("user_id", NONSENSE_USERS, ids=lambda value: ascii(value)[:12])
def test_an_invalid_user_id_is_a_401(anonymous_client, user, user_id):
    pair = {kind: forged({"user_id": user_id, "token_type": kind}) for kind in ("access", "refresh")}
    assert response_everywhere(anonymous_client, pair) == [(401, {"detail": "The token names no user."})] * 4


def test_a_token_of_a_missing_user_is_a_401(anonymous_client, user):
    assert status_and_body(get_me(anonymous_client, forged({"user_id": str(2**31 - 1)}))) == (401, INACTIVE)


@pytest.fixture
def bad_token(request, user, tokens) -> str:
    head, claims, signature = tokens["access"].split(".")
    me = {"user_id": str(user.pk)}
    return {
        "signed by others": lambda: forged(me, key="x" * 64),
        "alg none": lambda: forged(me, key="", algorithm="none"),
        "another algorithm": lambda: forged(me, algorithm="HS512"),
        "expired": lambda: forged(me | {"exp": datetime(2020, 1, 1, tzinfo=UTC)}),
        "no expiry": lambda: forged(me | {"exp": None}),
        "no id": lambda: forged(me | {"jti": None}),
        "no type": lambda: forged(me | {"token_type": None}),
        "unknown type": lambda: forged(me | {"token_type": "sliding"}),
        "changed": lambda: f"{head}.{claims[:-2]}AA.{signature}",
        "cut": lambda: tokens["access"][:-5],
        "unsigned": lambda: f"{head}.{claims}.",
        "nonsense": lambda: "abc",
        "dots": lambda: "..",
        "long": lambda: "x" * 100_000,
    }[request.param]()


BAD_TOKENS = [
    "signed by others",
    "alg none",
    "another algorithm",
    "expired",
    "no expiry",
    "no id",
    "no type",
    "unknown type",
    "changed",
    "cut",
    "unsigned",
    "nonsense",
    "dots",
    "long",
]


@pytest.mark.parametrize("bad_token", BAD_TOKENS, indirect=True)
def test_an_invalid_token_is_a_401_everywhere(anonymous_client, bad_token):
    pair = {"access": bad_token, "refresh": bad_token}
    assert response_everywhere(anonymous_client, pair) == [(401, INVALID_ACCESS), *[(401, INVALID)] * 3]
    assert status_and_body(log_out(anonymous_client, bad_token)) == (401, INVALID)


def test_a_forged_token_with_our_key_is_valid(anonymous_client, user):
    """Else the tests above might refuse for another reason than the one that they name."""
    assert get_me(anonymous_client, forged({"user_id": str(user.pk)})).status_code == 200


def test_a_refresh_token_is_not_an_access_token_nor_the_reverse(anonymous_client, tokens):
    assert status_and_body(get_me(anonymous_client, tokens["refresh"])) == (401, INVALID_ACCESS)
    assert status_and_body(refresh(anonymous_client, tokens["access"])) == (401, INVALID)


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (None, "Authentication credentials were not provided."),
        ("", "Authentication credentials were not provided."),
        ("Basic a2FtOmthbQ==", "Authentication credentials were not provided."),
        ("Bearer", "Authorization header must contain two space-delimited values"),
        ("Bearer a b", "Authorization header must contain two space-delimited values"),
        ("Bearer \xff\xfe", "Given token not valid for any token type"),
        ("Token abc", "Authentication credentials were not provided."),
    ],
)
def test_a_header_without_a_token_is_a_401_that_says_so(anonymous_client, header, detail):
    answer = anonymous_client.get("/api/me/", headers={} if header is None else {"Authorization": header})
    assert status_and_body(answer) == (401, {"detail": detail})
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    assert answer["Content-Type"] == "application/json"
