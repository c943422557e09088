"""Answers as JSON bytes, in the contract's form.

Date-times in UTC with a `Z`, microseconds only where they are not zero; money as a number with its two decimals, which
neither a float nor the standard encoder can write.
"""

import json
from decimal import Decimal
from typing import Any

import orjson
from django.utils.functional import Promise
from rest_framework.metadata import BaseMetadata
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response


def _default(value):
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f").encode())
    if isinstance(value, Promise):  # Django's lazy texts
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def to_json(data) -> bytes:
    """`data` as compact JSON in UTF-8. Raises TypeError for a type without JSON form."""
    return orjson.dumps(data, default=_default, option=orjson.OPT_UTC_Z)


class RenderedResponse(Response):
    """A response whose JSON is rendered already. Reading or assigning `data` works as on DRF's Response."""

    def __init__(self, content: bytes, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ready: bytes | None = content

    @property
    def data(self) -> Any:
        if self.ready is not None:
            self.data = json.loads(self.ready, parse_float=Decimal)
        return self.given

    @data.setter
    def data(self, value: Any) -> None:
        self.given, self.ready = value, None

    @property
    def rendered_content(self) -> bytes:
        if self.ready is None:
            return super().rendered_content
        self["Content-Type"] = self.content_type or JSONRenderer.media_type
        return self.ready


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None  # RFC 8259, section 11: JSON has no charset parameter

    def render(self, data, accepted_media_type=None, renderer_context=None) -> bytes:
        return b"" if data is None else to_json(data)


class JSONNegotiation(DefaultContentNegotiation):
    """DRF's negotiation with a shortcut for `*/*` and `application/json`."""

    def select_renderer(self, request, renderers, format_suffix=None):
        accepted = request.META.get("HTTP_ACCEPT", "*/*").split(",")
        if any(part.strip() in ("*/*", "application/json") for part in accepted):
            return renderers[0], renderers[0].media_type
        return super().select_renderer(request, renderers, format_suffix)


class AllowedMethods(BaseMetadata):
    """The answer to OPTIONS: the methods, as in the Allow header."""

    def determine_metadata(self, request, view) -> dict:
        return {"methods": view.allowed_methods}
