"""Logs that can be handed on: no tokens, passwords, query strings or personal data, and JSON lines on request.

A database's error message quotes the row that it is about (PostgreSQL: `DETAIL: Failing row contains (…)`), so of
database errors only the class is written; of a request's path, which may hold anything, the route.
"""

import logging
import re
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime

from crm.api.renderers import to_json

request_id: ContextVar[str] = ContextVar("request_id", default="")

DATABASE_MODULES = {"django", "psycopg2", "sqlite3"}  # django.db.utils; Django's other errors are no `Error`
QUERY_STRING = re.compile(r"(?<=\S)\?\S*=\S*")
SECRET = re.compile(r"(?<=/)[\w-]{32,}")  # a secret path, such as a feed's


class SlowClients(logging.Filter):
    """Shortens the traceback that gunicorn logs for a client that was cut off (CLIENT_TIMEOUT) to one line."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], BlockingIOError):
            record.levelno, record.levelname = logging.INFO, "INFO"
            record.msg, record.args = "A client that made no progress was cut off.", ()
            record.exc_info = None
        return True


class DiscreetFormatter(logging.Formatter):
    """A formatter that logs what happened in which code, without the data."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = message_of(record)
        return super().formatMessage(record)

    def formatException(self, ei) -> str:
        """The exception and those that it came from, the first one first."""
        parts: list[str] = []
        exc = ei[1]
        while exc is not None and len(parts) < 10:
            parts.insert(0, describe(exc))
            exc = exc.__cause__ or (None if exc.__suppress_context__ else exc.__context__)
        return "\nwhich led to\n\n".join(parts).rstrip()


def describe(exc: BaseException) -> str:
    """The traceback of one exception, without the message of a database error."""
    if not is_database_error(exc):
        return "".join(traceback.format_exception(exc, chain=False))
    return f"{''.join(traceback.format_tb(exc.__traceback__))}{type(exc).__name__}: (message withheld)\n"


def is_database_error(exc: BaseException) -> bool:
    return any(
        base.__name__ == "Error" and base.__module__.split(".")[0] in DATABASE_MODULES for base in type(exc).__mro__
    )


def message_of(record: logging.LogRecord) -> str:
    """The message, with a path (Django's own messages quote it) replaced by its route; no query strings, no secrets."""
    message = record.getMessage()
    request = getattr(record, "request", None)
    if path := getattr(request, "path", None):
        message = message.replace(path, route_of(request) or "an unknown path")
    return SECRET.sub("…", QUERY_STRING.sub("", message))


def route_of(request) -> str | None:
    """The pattern that the request's path matched; None where nothing did."""
    return f"/{request.resolver_match.route}" if request.resolver_match else None


class JSONFormatter(DiscreetFormatter):
    """One JSON object a line: time (UTC), level, logger, message, request id, and what `extra={"fields": …}` adds."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "logger": record.name,
            "message": replace_surrogates(message_of(record)),
            **({"request_id": request_id.get()} if request_id.get() else {}),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = replace_surrogates(self.formatException(record.exc_info))
        return to_json(line).decode()


def replace_surrogates(text: str) -> str:
    """`text` without lone surrogates, which have no UTF-8."""
    return text.encode("utf-8", "replace").decode()
