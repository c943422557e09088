"""Request bodies: how long they may be, which character set they use, and those sent in chunks.

A body over MAX_BODY is answered 413. It is read to its end first, up to DRAIN bytes, since a client that is still
sending would see a broken connection instead of the answer.
"""

from io import BytesIO

from django.conf import settings
from django.http import HttpRequest
from django.utils.http import parse_header_parameters

from crm.api.exceptions import json_error

DRAIN = 32 * 1024 * 1024
CHUNK = 64 * 1024
CHARSETS = ("utf-8", "utf8", "us-ascii")
UNKNOWN = "application/octet-stream; charset=unknown"


class BodyLimitMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest):
        charset = (request.content_params or {}).get("charset", "utf-8")
        if charset.lower() not in CHARSETS:
            return json_error(415, "Bodies are read as UTF-8 only.")
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdigit() and len(length) < 19):
            return json_error(400, "The header Content-Length is not a number.")
        if int(length) > settings.MAX_BODY:
            drain(request, int(length))
            return json_error(413, f"The body is longer than {settings.MAX_BODY} bytes.")
        return self.get_response(request)


def drain(request: HttpRequest, length: int) -> None:
    """Read and discard the rest of the body, up to DRAIN bytes."""
    left = min(length, DRAIN)
    while left > 0 and (chunk := request.read(min(CHUNK, left))):
        left -= len(chunk)


class Dechunked:
    """WSGI wrapper: gives a chunked body (RFC 9112, section 7.1) the length that Django insists on.

    Only where the server has taken the chunks apart and marks the end (`wsgi.input_terminated`).
    """

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        if environ.get("wsgi.input_terminated") and environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
            body = environ["wsgi.input"].read(settings.MAX_BODY + 1)
            environ["CONTENT_LENGTH"] = str(len(body))
            if len(body) > settings.MAX_BODY:  # BodyLimitMiddleware says 413; the rest is read here
                left = DRAIN
                while left > 0 and (chunk := environ["wsgi.input"].read(CHUNK)):
                    left -= len(chunk)
            environ["wsgi.input"] = BytesIO(body)
        return self.application(environ, start_response)


class CharsetGuard:
    """WSGI wrapper: hides a foreign charset from Django.

    Django decodes the query string by it before any middleware runs, and fails for codecs that are not text
    encodings; BodyLimitMiddleware answers 415.
    """

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        try:
            params = parse_header_parameters(environ.get("CONTENT_TYPE", ""))[1]
        except ValueError:  # too long, or a charset of its own (RFC 2231) that is none
            params = {"charset": ""}
        if params.get("charset", "utf-8").lower() not in CHARSETS:
            environ["CONTENT_TYPE"] = UNKNOWN
        return self.application(environ, start_response)
