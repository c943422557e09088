"""Conditional requests (RFC 9110, section 13): ETags, 304 for an unchanged response, 412 for a lost update.

A tag is a digest of the answer's bytes: equal tags mean equal bytes, and no version column is needed.

A proxy that compresses answers changes their tags: nginx weakens them (`W/"…"`), Apache appends the content coding
(`"…-gzip"`, `"…-br"`). Both count as the tag that we gave, in If-Match too. Section 13.1.1 wants a strong comparison
there, because a weak tag may be shared by different bytes; ours never is: the digest inside names the bytes before the
compression, which are what the client edits. By the letter no client behind such a proxy could edit anything.
"""

import re
from collections.abc import Callable
from hashlib import blake2b

from rest_framework import status
from rest_framework.exceptions import APIException

MEMBER = re.compile(r'(?:"[^"]*"?|[^",])+')  # of a list: a comma inside of an opaque-tag separates nothing
OURS = re.compile(r'[ \t]*(?:W/)?"([0-9a-f]{32})(?:-(?:gzip|br|zstd|deflate))?"[ \t]*')


class PreconditionFailed(APIException):
    """412: the row is not as the client believes. Nothing was changed."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = "The resource has changed since you read it, or the ETag is unknown. A GET gives the present one."
    default_code = "precondition_failed"


def etag(content: bytes) -> str:
    return f'"{blake2b(content, digest_size=16).hexdigest()}"'


def digests(header: str) -> set[str]:
    """The digests in those entity-tags (section 8.8.3) of the header that are ours, changed by a proxy or not.

    Other tags and malformed members of the list are ignored.
    """
    return {ours[1] for member in MEMBER.findall(header) if (ours := OURS.fullmatch(member))}


def names(header: str, tag: str) -> bool:
    """Whether an If-Match or If-None-Match names the existing resource with this tag."""
    return header.strip() == "*" or tag.strip('"') in digests(header)


def check(request, content: Callable[[], bytes | None]) -> None:
    """Raises PreconditionFailed where a write's `If-Match` or `If-None-Match` does not hold for the row under its lock.

    `content` gives the row's answer (None: there is no row).
    """
    wanted, unwanted = (request.META.get(f"HTTP_IF_{name}MATCH") for name in ("", "NONE_"))
    if wanted is None and unwanted is None:
        return
    current = content()
    known = current and etag(current)
    if wanted is not None and not (known and names(wanted, known)):
        raise PreconditionFailed
    if unwanted is not None and known and names(unwanted, known):
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
    if request.method in ("GET", "HEAD") and names(request.META.get("HTTP_IF_NONE_MATCH", ""), response["ETag"]):
        response.status_code = status.HTTP_304_NOT_MODIFIED
        response.content = b""
        del response["Content-Type"]
    return response
