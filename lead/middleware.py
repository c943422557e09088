"""Around every request: at most one query of the access policy."""

from typing import Any

from django.conf import settings

from lead.models.access import ALL, policies_queried_once


class AccessMiddleware:
    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        if settings.ACCESS == ALL:
            return self.get_response(request)
        with policies_queried_once():
            return self.get_response(request)
