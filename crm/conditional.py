"""Conditional requests (RFC 9110, section 13): strong ETags, 304 for what the client has, 412 where somebody was faster.

A tag is a digest of the answer's bytes: equal tags mean equal bytes, and no column has to be kept for it.
"""

from hashlib import blake2b

from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.permissions import SAFE_METHODS


class PreconditionFailed(APIException):
    """412: the row is not as the client believes. Nothing was changed."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = "The resource has changed since you read it. Read it again before you write."
    default_code = "precondition_failed"


def etag(content: bytes) -> str:
    return f'"{blake2b(content, digest_size=16).hexdigest()}"'


def check_if_match(request, content: bytes | None) -> None:
    """Raises PreconditionFailed unless `If-Match` is absent or names `content`, the row under its lock (None: no row).

    Weak tags never match here (section 13.1.1).
    """
    header = request.META.get("HTTP_IF_MATCH")
    if header is None:
        return
    if content is None or (header.strip() != "*" and etag(content) not in _tags(header)):
        raise PreconditionFailed


def tag(response) -> None:
    """Post-render callback: sets the ETag of a success, and makes it a 304 where the client has these bytes."""
    if not 200 <= response.status_code < 300 or not response.content:
        return
    response["ETag"] = etag(response.content)
    response["Cache-Control"] = "no-cache"
    request = response.renderer_context["request"]
    if request.method in SAFE_METHODS:
        header = request.META.get("HTTP_IF_NONE_MATCH", "")
        if header.strip() == "*" or response["ETag"] in [known.removeprefix("W/") for known in _tags(header)]:
            response.status_code = status.HTTP_304_NOT_MODIFIED
            response.content = b""


def _tags(header: str) -> list[str]:
    return [known.strip() for known in header.split(",")]
