"""Every error body, in one place: `{"detail": "…"}`, or `{"field": ["…"]}` for field errors."""

import logging
import sys
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import DataError, IntegrityError, InterfaceError, NotSupportedError, OperationalError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views import defaults
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler as drf_exception_handler

from crm.api.renderers import to_json
from crm.db.pooled import remedy

logger = logging.getLogger("crm.api.exceptions")

LOCK_CODES = {"55P03", "40P01"}  # PostgreSQL: lock_not_available, deadlock_detected
RETRY_AFTER = 5  # seconds; for a database that is away or a lock that is held


class Conflict(APIException):
    """409: a concurrent change won. Nothing was changed; the request may be sent again."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "A simultaneous change got in the way. Nothing was changed; send the request again."
    default_code = "conflict"
    wait = RETRY_AFTER


class InUse(APIException):
    """409: other rows depend on the one that was to be deleted. Sending the request again changes nothing."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "in_use"


class Duplicates(APIException):
    """409: what was to be created may be there already. `candidates` are the rows that it may be, as they are shown."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "This may be a duplicate. Nothing was created; without `Prefer: duplicates=reject` it will be."
    default_code = "duplicates"

    def __init__(self, candidates: list[dict[str, Any]]) -> None:
        super().__init__()
        self.further = {"candidates": candidates}


class Unavailable(APIException):
    """503: the database cannot be reached, or a lock was held for too long."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The database does not answer. Send the request again later."
    default_code = "unavailable"
    wait = RETRY_AFTER


def json_error(status_code: int, detail: str, headers: dict[str, str] | None = None) -> HttpResponse:
    """An error outside DRF's reach: in a middleware, or where no view was found."""
    return HttpResponse(to_json({"detail": detail}), "application/json", status_code, headers=headers)


def exception_handler(exc: Exception, context: dict) -> Response | None:
    """DRF's hook: the answer to an exception that a view raised; None for a bug, which becomes a 500."""
    response = drf_exception_handler(as_api_exception(exc), context)
    if response is not None:
        response.data = {**body(response.data), **getattr(exc, "further", {})}
        for name, value in getattr(exc, "headers", {}).items():
            response[name] = value
    return response


def as_api_exception(exc: Exception) -> Exception:
    """What the exceptions of Django and the database mean to a client."""
    match exc:
        case _ if is_conflict(exc):
            return Conflict()
        case OperationalError() | InterfaceError():
            hint = remedy(exc)
            logger.error("The database does not answer: %s%s", type(exc).__name__, f". {hint}" if hint else "")
            return Unavailable()
        case NotSupportedError():  # a migration changed a prepared statement's result; the next is prepared again
            return Unavailable()
        case DataError():
            return ValidationError({"detail": "A value is out of range."})
        case ModelValidationError():
            return ValidationError(exc.message_dict if hasattr(exc, "error_dict") else exc.messages)
        case SuspiciousOperation() | UnreadablePostError():
            bad_request = APIException("The request could not be read.")
            bad_request.status_code = status.HTTP_400_BAD_REQUEST
            return bad_request
    return exc


def is_conflict(exc: Exception) -> bool:
    """Whether a concurrent change is in the way."""
    return isinstance(exc, IntegrityError) or (isinstance(exc, OperationalError) and is_lock_timeout(exc))


def is_lock_timeout(exc: OperationalError) -> bool:
    """Whether a lock was held for too long, or two transactions waited for each other."""
    return "database is locked" in str(exc) or getattr(exc.__cause__, "pgcode", None) in LOCK_CODES


def body(data) -> dict:
    """DRF's error data in the contract's two forms."""
    if isinstance(data, list):
        return {"detail": " ".join(_text(message) for message in data)}
    if "detail" in data:  # SimpleJWT adds `code` and `messages`
        detail = data["detail"]
        return {"detail": " ".join(map(_text, detail)) if isinstance(detail, list) else _text(detail)}
    if set(data) == {api_settings.NON_FIELD_ERRORS_KEY}:
        return body(data[api_settings.NON_FIELD_ERRORS_KEY])
    return {field: _clean(messages) for field, messages in data.items()}


def _clean(messages):
    if isinstance(messages, dict):
        if all(isinstance(position, int) for position in messages):  # of a list, what is wrong with each
            return [f"{position}: {_text(message)}" for position, each in messages.items() for message in each]
        return {field: _clean(inner) for field, inner in messages.items()}
    if isinstance(messages, list):
        return [_clean(message) for message in messages]
    return _text(messages)


def _text(message) -> str:
    """Messages may quote what was sent; a lone surrogate in it has no UTF-8."""
    return str(message).encode("utf-8", "replace").decode()


# --- Django's own handlers, named in crm.urls -----------------------------------------------------


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return json_error(400, "The request could not be read.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_page(request):
        return defaults.permission_denied(request, exception)
    return json_error(403, "You may not do this.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_page(request):
        return defaults.page_not_found(request, exception)
    return json_error(404, "Not found.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Called while the exception is being handled; where that is the database's absence, the answer says so."""
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        return json_error(503, str(Unavailable.default_detail), {"Retry-After": str(RETRY_AFTER)})
    if _is_page(request):
        return defaults.server_error(request)
    return json_error(500, "Something went wrong on the server. It has been logged.")


def _is_page(request: HttpRequest) -> bool:
    """Whether a person looks at it: the admin's errors are pages."""
    return request.path_info.startswith("/admin/")
