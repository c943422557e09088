"""Django's PostgreSQL backend, with statements that the server plans once, and a health check that is no query."""

import select
from datetime import timezone
from itertools import count

from django.db.backends.postgresql import base, operations
from psycopg2 import errors, extensions

from crm.postgresql import PlannedOnce

# Statements that a connection keeps planned. PATCHes of ever other sets of columns reach it; then all are planned anew.
MOST = 500


class Connection(extensions.connection):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.planned: dict[str, str] = {}
        self.numbers = count()


class Cursor(extensions.cursor):
    connection: Connection

    def execute(self, sql, params=None):
        if not isinstance(sql, PlannedOnce):
            return super().execute(sql, params)
        try:
            return super().execute(self.planned(sql, len(params or ())), params)
        except errors.FeatureNotSupported:  # a migration has changed the type of a column that it answers
            self.connection.planned.clear()
            if self.connection.info.transaction_status != extensions.TRANSACTION_STATUS_IDLE:
                raise
            return super().execute(sql, params)

    def planned(self, sql: str, params: int) -> str:
        """What runs the statement, which has that many parameters."""
        planned = self.connection.planned
        if sql not in planned:
            if len(planned) == MOST:
                super().execute("DEALLOCATE ALL")
                planned.clear()
            name = f"crm_{next(self.connection.numbers)}"
            super().execute(f"PREPARE {name} AS {sql % tuple(f'${number}' for number in range(1, params + 1))}")
            planned[sql] = f"EXECUTE {name} ({', '.join(['%s'] * params)})" if params else f"EXECUTE {name}"
        return planned[sql]


class DatabaseOperations(operations.DatabaseOperations):
    def last_executed_query(self, cursor, sql, params):
        """For logs: of a statement that is planned, its own text."""
        if isinstance(sql, PlannedOnce):
            return cursor.mogrify(sql, params).decode()
        return super().last_executed_query(cursor, sql, params)


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
    # In C; Django's answers UTC too, but in Python, once for every date-time of every row.
    tzinfo_factory = timezone  # type: ignore[assignment]

    def get_connection_params(self):
        """Behind a pooler that shares connections, where Django wants DISABLE_SERVER_SIDE_CURSORS, nothing is kept."""
        params = super().get_connection_params()
        if not self.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
            params |= {"connection_factory": Connection, "cursor_factory": Cursor}
        return params

    def is_usable(self) -> bool:
        """Whether the connection stands. Django would ask `SELECT 1` before the first query of every request.

        A server that has ended a connection has closed its end, and the socket is readable; one that stands is silent.
        """
        socket = select.poll()
        try:
            socket.register(self.connection.fileno(), select.POLLIN)
        except (OSError, base.Database.Error):  # type: ignore[attr-defined]  # closed on our side
            return False
        return not socket.poll(0) or super().is_usable()
