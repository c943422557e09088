"""JSON bodies, read strictly (RFC 8259): UTF-8 without BOM, one object, no NaN or Infinity, exact numbers."""

import json
from decimal import Decimal, InvalidOperation

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser


def _no_constant(name: str):
    raise ValueError(f"{name} is not JSON")


DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant)


class StrictJSONParser(BaseParser):
    """Fractions are parsed as Decimal, so that money is exact."""

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None) -> dict:
        try:
            data = DECODER.decode(stream.read().decode())
        except json.JSONDecodeError as error:
            raise ParseError(f"The body is not valid JSON: {error}.") from error
        except UnicodeDecodeError as error:
            raise ParseError("The body is not UTF-8.") from error
        except (ValueError, InvalidOperation) as error:  # NaN, Infinity, more digits than Python reads
            raise ParseError("The body holds a number that cannot be read.") from error
        except RecursionError as error:
            raise ParseError("The body is nested too deeply.") from error
        if not isinstance(data, dict):
            raise ParseError("The body must be a JSON object.")
        return data
