"""Around every request: its id, the headers that every answer has, and its line in the access log."""

import logging
import re
from secrets import token_hex
from time import perf_counter

from django.conf import settings
from django.utils.functional import LazyObject

from crm.logging import request_id, route_of

access_log = logging.getLogger("crm.access")

HARMLESS_ID = re.compile(r"[\w.\-]{1,64}", re.ASCII)


class RequestIdMiddleware:
    """`X-Request-ID` is taken from the request where it is harmless, else made; it is in answer and logs."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        started = perf_counter()
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request.id = given if HARMLESS_ID.fullmatch(given) else token_hex(16)
        request_id.set(request.id)
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request.id
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Content-Security-Policy", settings.CONTENT_SECURITY_POLICY)
        if response.status_code in (204, 304):
            response.headers.pop("Content-Length", None)  # Django's 0 would be wrong (RFC 9110, section 8.6)
        if settings.LOG_JSON:
            access_log.info("request", extra={"fields": access_fields(request, response, perf_counter() - started)})
        return response


def access_fields(request, response, seconds: float) -> dict:
    """What the access log says: the route, not the path, which may hold a secret or personal data."""
    match = request.resolver_match
    user = getattr(request, "user", None)
    if isinstance(user, LazyObject):
        user = getattr(request, "loaded_user", None)  # not loaded during the request: loading it now would be a query
    return {
        "method": request.method,
        "route": route_of(request),
        "id": match.kwargs.get("pk") if match else None,
        "status": response.status_code,
        "user": getattr(user, "pk", None),
        "address": request.META.get("REMOTE_ADDR"),
        "ms": round(seconds * 1000, 2),
    }
