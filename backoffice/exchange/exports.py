"""Files made from rows: CSV as a stream, XLSX as a file; see `formulas` for what both guard against."""

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime
from io import StringIO
from itertools import islice
from typing import Any

from backoffice.exchange.formulas import disarm
from crm import dates

CHUNK = 1_000  # rows


def csv_of(header: list[str], rows: Iterable[Iterable[Any]]) -> Iterator[bytes]:
    """A CSV file (RFC 4180) in pieces. Its byte order mark makes spreadsheets read it as the UTF-8 that it is."""
    zone = dates.server_zone()

    def text_of(value: Any) -> str:
        match value:
            case None:
                return ""
            case str():
                return disarm(value)
            case datetime():
                return value.astimezone(zone).isoformat()
        return str(value)

    rows = iter(rows)
    lines: list[list[str]] = [header]
    start = "\ufeff"
    while lines:
        buffer = StringIO(newline="")
        csv.writer(buffer).writerows(lines)
        yield (start + buffer.getvalue()).encode()
        start = ""
        lines = [[text_of(value) for value in row] for row in islice(rows, CHUNK)]
