"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a POST that may be sent again and is done once.

Key, effect and answer are committed in one transaction. A retry that meets the first one under way waits on the key's
row and then replays; a process that dies leaves nothing behind. Only successes are stored, for RETENTION; then a key is
new again.
"""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.core.files.base import File
from django.db import OperationalError, connection, transaction
from django.http import HttpResponse
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response

from crm import dates
from crm.api.exceptions import Conflict, is_conflict
from crm.api.renderers import RenderedResponse
from crm.models import IdempotencyKey

RETENTION = timedelta(hours=24)
STORED_HEADERS = ("Content-Type", "ETag", "Cache-Control")


class KeyReused(APIException):
    """422: the key was used for another request."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_detail = "This Idempotency-Key was used for another request."
    default_code = "idempotency_key_reused"


def key_of(request) -> str | None:
    """The request's key; None where it has none. Raises ValidationError (400) for one that is malformed."""
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if request.method != "POST" or key is None:
        return None
    if not re.fullmatch(r"[!-~]{1,255}", key):
        raise ValidationError({"Idempotency-Key": ["Use 1 to 255 visible ASCII characters."]})
    return key


def once(
    request, key: str, answer: Callable[[], HttpResponse], check_replay: Callable[[], None] = lambda: None
) -> HttpResponse:
    """The stored answer of `key`, or that of `answer()`, which is rendered and stored. Call it inside a transaction.

    `check_replay` raises where the stored answer must not be shown any more.
    """
    return once_for(request.user, key, _digest(request), answer, check_replay)


def once_for(
    user,
    key: str,
    digest: str,
    answer: Callable[[], HttpResponse],
    check_replay: Callable[[], None] = lambda: None,
) -> HttpResponse:
    """As `once`, for a request that has this `digest`. Raises KeyReused for a key with another one."""
    row, is_new = _claim(user, key, digest)
    if not is_new:
        if row.request != digest:
            raise KeyReused
        check_replay()
        return _replay(row)
    response = answer()
    if not 200 <= response.status_code < 300:
        row.delete()
        return response
    if isinstance(response, Response):
        response.render()
    row.status = response.status_code
    row.content = response.content
    row.headers = {name: response[name] for name in STORED_HEADERS if name in response}
    row.save(update_fields=["status", "content", "headers"])
    return response


def _claim(user, key: str, digest: str) -> tuple[IdempotencyKey, bool]:
    """The key's row, and whether it is ours to fill. Waits for a concurrent request up to the lock timeout."""
    now = dates.now()
    stored_now, oldest = map(connection.ops.adapt_datetimefield_value, (now, now - RETENTION))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crm_idempotencykey (user_id, key, request, content, headers, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (user_id, key) DO UPDATE SET request = excluded.request, created_at = excluded.created_at"
            " WHERE crm_idempotencykey.created_at < %s RETURNING id",
            [user.pk, key, digest, b"", "{}", stored_now, oldest],
        )
        claimed = cursor.fetchone()
    if claimed:
        return IdempotencyKey(pk=claimed[0], user=user, key=key, request=digest, created_at=now), True
    row = IdempotencyKey.objects.filter(user=user, key=key).first()
    if row is None:  # cleaned up between the two statements
        raise Conflict
    return row, False


def once_for_form(
    user,
    key: str,
    data: Any,
    answer: Callable[[], HttpResponse],
    check_replay: Callable[[], None] = lambda: None,
    *,
    about: int | None = None,
) -> HttpResponse:
    """As `once_for`, in a transaction, for the form `data` of a page about the row with the id `about`.

    Raises KeyReused, and Conflict where a simultaneous change is in the way.
    """
    said = sorted((name, values) for name, values in data.lists() if name != "csrfmiddlewaretoken")
    digest = sha256(repr((about, said)).encode()).hexdigest()
    try:
        with transaction.atomic():
            return once_for(user, key, digest, answer, check_replay)
    except OperationalError as error:
        if is_conflict(error):
            raise Conflict from error
        raise


def _digest(request) -> str:
    """Of method, path with query, and the parsed body, not its bytes: a multipart retry has new boundaries."""
    data = request.data
    said = json.dumps(dict(data.lists()) if hasattr(data, "lists") else data, sort_keys=True, default=_text_of)
    return sha256(f"{request.method} {request.get_full_path()}\n{said}".encode()).hexdigest()


def _text_of(value: Any) -> str:
    """Of a file its name and content."""
    if not isinstance(value, File):
        return str(value)
    content = sha256()
    for chunk in value.chunks():
        content.update(chunk)
    value.seek(0)
    return f"{value.name} {content.hexdigest()}"


def _replay(row: IdempotencyKey) -> HttpResponse:
    headers = {**row.headers, "Idempotency-Replayed": "true"}
    return RenderedResponse(
        bytes(row.content), status=row.status, headers=headers, content_type=row.headers.get("Content-Type")
    )
