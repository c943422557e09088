"""Django's PostgreSQL backend, with short statements planned once, and a health check that is no query."""

import select
from datetime import timezone
from itertools import count

from django.db.backends.postgresql import base, operations
from psycopg2 import errors, extensions

from crm.fast import Planned

NUMBERS = count()
OUTDATED = (errors.FeatureNotSupported, errors.InvalidSqlStatementName)  # a column has another type; all were dropped
MOST = 500  # prepared statements of a connection; PATCHes of ever new sets of columns may be more


class Connection(extensions.connection):
    """A subclass, so that it has a `__dict__` for `planned`: the EXECUTE statement by SQL."""


class Cursor(extensions.cursor):
    def execute(self, sql, params=None):
        planned: dict[str, str] = self.connection.__dict__.setdefault("planned", {})
        if not isinstance(sql, Planned) or (sql not in planned and len(planned) == MOST):
            return super().execute(sql, params)
        try:
            if sql not in planned:
                params = params or ()
                name, places = f"crm_{next(NUMBERS)}", range(1, len(params) + 1)
                super().execute(f"PREPARE {name} AS {sql % tuple(f'${place}' for place in places)}")
                planned[sql] = f"EXECUTE {name} ({', '.join(['%s'] * len(params))})" if params else f"EXECUTE {name}"
            return super().execute(planned[sql], params)
        except OUTDATED:
            planned.clear()
            if self.connection.get_transaction_status() != extensions.TRANSACTION_STATUS_IDLE:
                raise
            return super().execute(sql, params)


class DatabaseOperations(operations.DatabaseOperations):
    def last_executed_query(self, cursor, sql, params):
        if isinstance(sql, Planned):
            return cursor.mogrify(sql, params).decode()
        return super().last_executed_query(cursor, sql, params)


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
    tzinfo_factory = timezone  # type: ignore[assignment]  # in C; Django's says UTC too, in Python, for each date-time

    def get_connection_params(self):
        return super().get_connection_params() | {"connection_factory": Connection, "cursor_factory": Cursor}

    def is_usable(self) -> bool:
        """Without `SELECT 1`: a live idle connection is silent, a closed one is readable."""
        if self.connection.closed:
            return False
        socket = select.poll()
        socket.register(self.connection.fileno(), select.POLLIN)
        return not socket.poll(0) or super().is_usable()
