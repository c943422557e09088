"""Django's PostgreSQL backend, which talks to the server less.

Short statements are planned once; a transaction's BEGIN goes out with its first statement, and what nobody waits for
with the next one; the health check of a connection is no query.
"""

import select
from datetime import timezone
from itertools import count

from django.db.backends.postgresql import base, operations
from psycopg2 import Error, InternalError, ProgrammingError, errors, extensions

from crm.postgresql import PlannedOnce, SentLater

# Statements that a connection keeps planned. PATCHes of ever other sets of columns reach it; then all are planned anew.
MOST = 500


class Connection(extensions.connection):
    """Keeps its transactions itself: psycopg2's own mode is autocommit throughout.

    `ahead` is what goes out before the next statement, in one message with it: a due BEGIN, and what was sent later.
    Server-side cursors are WITH HOLD, in transactions too, and so can lock no rows.
    """

    keeps_plans = True

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.autocommit = True
        self.in_transaction = False
        self.ahead: list[bytes] = []
        self.planned: dict[str, str] = {}
        self.numbers = count()

    def begin(self, in_transaction: bool) -> None:
        """From now on statements are in a transaction, or each is one."""
        self.in_transaction = in_transaction
        self.ahead = [b"BEGIN"] if in_transaction else []

    @property
    def has_begun(self) -> bool:
        """Whether anything has been said in the transaction."""
        return self.in_transaction and self.ahead != [b"BEGIN"]

    @property
    def is_idle(self) -> bool:
        """Whether the server has no transaction open, whatever was meant."""
        return self.get_transaction_status() == extensions.TRANSACTION_STATUS_IDLE

    def commit(self) -> None:
        self.end(b"COMMIT")

    def rollback(self) -> None:
        self.forget_unsent()
        self.end(b"ROLLBACK")

    def forget_unsent(self) -> None:
        self.ahead = self.ahead[:1] if self.ahead[:1] == [b"BEGIN"] else []

    def end(self, statement: bytes) -> None:
        """Nothing is said where nothing was. Where the statement fails, the server knows whether all is over."""
        try:
            if self.has_begun:
                with self.cursor() as cursor:
                    cursor.execute(statement)
                    if statement == b"COMMIT" and cursor.statusmessage == "ROLLBACK":
                        raise InternalError("A statement of the transaction had failed: nothing of it is kept.")
        finally:
            if self.is_idle:
                self.begin(self.in_transaction)


def catching_up(name: str):
    """A method of psycopg2's cursor which sends by itself what is due first."""
    method = getattr(extensions.cursor, name)

    def call(self, *args, **kwargs):
        self.catch_up()
        return method(self, *args, **kwargs)

    return call


class Cursor(extensions.cursor):
    connection: Connection

    def execute(self, sql, params=None):
        if not isinstance(sql, PlannedOnce) or not self.connection.keeps_plans:
            return self.send(sql, params)
        try:
            return self.send(self.planned(sql, len(params or ())), params, later=isinstance(sql, SentLater))
        except errors.FeatureNotSupported:  # a migration has changed the type of a column that it answers
            self.connection.planned.clear()
            if not self.connection.is_idle:
                raise
            return super().execute(sql, params)

    def send(self, sql, params=None, later: bool = False) -> None:
        connection = self.connection
        if later and connection.in_transaction:
            connection.ahead.append(self.mogrify(sql, params))
        elif connection.ahead and not self.name:
            ahead = connection.ahead
            message = b"; ".join([*ahead, self.mogrify(sql, params)])
            connection.ahead = []
            try:
                super().execute(message)
            except Error:
                if connection.is_idle:
                    connection.ahead = ahead  # the server could not read the message, and has not begun
                raise
        else:
            self.catch_up()
            super().execute(sql, params)

    def catch_up(self) -> None:
        """Send what is due by itself."""
        if self.connection.ahead:
            ahead, self.connection.ahead = self.connection.ahead, []
            with self.connection.cursor() as cursor:
                cursor.execute(b"; ".join(ahead))

    callproc, copy_expert, copy_from, copy_to, executemany = map(
        catching_up, ("callproc", "copy_expert", "copy_from", "copy_to", "executemany")
    )

    def planned(self, sql: str, params: int) -> str:
        """What runs the statement, which has that many parameters."""
        planned = self.connection.planned
        if sql not in planned:
            if len(planned) == MOST:
                self.send("DEALLOCATE ALL")
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
    savepoints_undone = 0

    def get_connection_params(self):
        return super().get_connection_params() | {"connection_factory": Connection, "cursor_factory": Cursor}

    def get_new_connection(self, conn_params):
        """Behind a pooler that shares connections, where Django wants DISABLE_SERVER_SIDE_CURSORS, no plan is kept."""
        connection = super().get_new_connection(conn_params)
        connection.keeps_plans = not self.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")
        return connection

    def _set_autocommit(self, autocommit):
        with self.wrap_database_errors:
            connection = self.connection
            if connection.has_begun and not connection.closed:
                raise ProgrammingError("A transaction is open; end it first.")
            connection.begin(not autocommit)

    def _savepoint_rollback(self, sid):
        """What has not been sent came after every savepoint, each of which is a statement."""
        self.connection.forget_unsent()
        self.savepoints_undone += 1
        super()._savepoint_rollback(sid)

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
