from datetime import timedelta

from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

NOW = "2026-01-19T09:00:00Z"  # a Monday morning


def client_of(user) -> APIClient:
    """A client with a token that outlives whatever the test's clock does."""
    token = AccessToken.for_user(user)
    token.set_exp(lifetime=timedelta(days=36500))
    del token.payload["iat"]
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def dates_of(body: dict) -> tuple[str | None, str]:
    """`last_called` and `next_call_date` of a plan."""
    return body["last_called"], body["next_call_date"]
