"""Conditional requests (RFC 9110, section 13): ETags, 304 for an unchanged response, 412 for a lost update.

A tag is a digest of the answer's bytes: equal tags mean equal bytes, and no version column is needed.
"""

from collections.abc import Callable
from hashlib import blake2b

from rest_framework import status
from rest_framework.exceptions import APIException


class PreconditionFailed(APIException):
    """412: the row is not as the client believes. Nothing was changed."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = "The resource has changed since you read it. Read it again before you write."
    default_code = "precondition_failed"


def etag(content: bytes) -> str:
    return f'"{blake2b(content, digest_size=16).hexdigest()}"'


def check(request, content: Callable[[], bytes | None]) -> None:
    """Raises PreconditionFailed where a write's `If-Match` or `If-None-Match` does not hold for the row under its lock.

    `content` gives the row's answer (None: there is no row). Weak tags never satisfy `If-Match` (section 13.1.1).
    """
    wanted, unwanted = (request.META.get(f"HTTP_IF_{name}MATCH") for name in ("", "NONE_"))
    if wanted is None and unwanted is None:
        return
    current = content()
    known = current and etag(current)
    if wanted is not None and (known is None or (wanted.strip() != "*" and known not in _tags(wanted))):
        raise PreconditionFailed
    if unwanted is not None and known and _names(unwanted, known):
        raise PreconditionFailed


def tag(response) -> None:
    """Post-render callback of DRF's responses: see `tagged`."""
    tagged(response.renderer_context["request"], response)


def tagged(request, response):
    """The response with the ETag of a success, or as a 304 where the client has these bytes.

    An answer to DELETE or OPTIONS shows no resource and has no tag.
    """
    if not 200 <= response.status_code < 300 or not response.content or request.method in ("DELETE", "OPTIONS"):
        return response
    response["ETag"] = etag(response.content)
    response["Cache-Control"] = "no-cache"
    if request.method in ("GET", "HEAD") and _names(request.META.get("HTTP_IF_NONE_MATCH", ""), response["ETag"]):
        response.status_code = status.HTTP_304_NOT_MODIFIED
        response.content = b""
        del response["Content-Type"]
    return response


def _names(header: str, tag: str) -> bool:
    """Whether an `If-None-Match` names the tag; weak or strong is the same to it (section 13.1.2)."""
    return header.strip() == "*" or tag in [known.removeprefix("W/") for known in _tags(header)]


def _tags(header: str) -> list[str]:
    return [known.strip() for known in header.split(",")]
