"""Answers as JSON bytes, in the contract's form.

Date-times in UTC with a `Z`, microseconds only where they are not zero; money as a number with its two decimals, which
neither a float nor the standard encoder can write.
"""

from decimal import Decimal

import orjson
from django.utils.functional import Promise
from rest_framework.metadata import BaseMetadata
from rest_framework.renderers import BaseRenderer


def _default(value):
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f").encode())
    if isinstance(value, Promise):  # Django's lazy texts
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def to_json(data) -> bytes:
    """`data` as compact JSON in UTF-8. Raises TypeError for a type without JSON form."""
    return orjson.dumps(data, default=_default, option=orjson.OPT_UTC_Z)


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None  # RFC 8259, section 11: JSON has no charset parameter

    def render(self, data, accepted_media_type=None, renderer_context=None) -> bytes:
        return b"" if data is None else to_json(data)


class AllowedMethods(BaseMetadata):
    """The answer to OPTIONS: the methods, as in the Allow header."""

    def determine_metadata(self, request, view) -> dict:
        return {"methods": view.allowed_methods}
