"""What the tests of tokens share: the endpoints that take a token, their errors, and forged tokens."""

from datetime import UTC, datetime

import jwt
from rest_framework_simplejwt.settings import api_settings

INVALID = {"detail": "The token is invalid or has expired."}
INVALID_ACCESS = {"detail": "Given token not valid for any token type"}
INACTIVE = {"detail": "The user of this token is no longer active."}
ENDED = {"detail": "The session of this token has ended."}
NEW_PASSWORD = {"detail": "The password has changed since this token was made."}


def get_me(client, token, scheme="Bearer"):
    return client.get("/api/me/", headers={"Authorization": f"{scheme} {token}"})


def refresh(client, token):
    return client.post("/api/token/refresh/", {"refresh": str(token)})


def verify(client, token):
    return client.post("/api/token/verify/", {"token": str(token)})


def log_out(client, token):
    return client.post("/api/token/logout/", {"refresh": str(token)})


def status_and_body(answer) -> tuple:
    return answer.status_code, answer.json()


def response_everywhere(client, tokens) -> list:
    """Status and body at every endpoint that takes a token of the pair."""
    access, refresh_token = str(tokens["access"]), str(tokens["refresh"])
    return [
        status_and_body(get_me(client, access)),
        status_and_body(verify(client, access)),
        status_and_body(refresh(client, refresh_token)),
        status_and_body(verify(client, refresh_token)),
    ]


def forged(claims: dict, key=None, algorithm="HS256") -> str:
    """A token as ours, but for what is given; a claim of None is left out."""
    claims = {
        "token_type": "access",
        "exp": datetime(2100, 1, 1, tzinfo=UTC),
        "iat": 0,
        "jti": "0" * 32,
        "user_id": "1",
    } | claims
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, api_settings.SIGNING_KEY if key is None else key, algorithm)
