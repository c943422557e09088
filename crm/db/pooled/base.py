"""Django's PostgreSQL backend for a pooler that lends its connections by transactions (PgBouncer's `pool_mode`).

The time limits can be set neither when connecting (PgBouncer refuses `options`) nor by SET, which would stay with a
connection that others get. They go out with the first statement of each transaction, as SET LOCAL and in one message
with it: that costs no round trip. A statement in autocommit is such a transaction too.
"""

from django.db.backends.postgresql import base
from psycopg2 import errors, extensions


class Cursor(extensions.cursor):
    """Begins every transaction with `limits`. COPY and `callproc` are sent by psycopg2 itself, without."""

    limits = b""

    def execute(self, sql, params=None):
        connection = self.connection
        if connection.get_transaction_status() != extensions.TRANSACTION_STATUS_IDLE:
            return super().execute(sql, params)
        statement = self.mogrify(sql, params)
        try:
            return super().execute(self.limits + statement)
        except errors.ActiveSqlTransaction:  # CREATE INDEX CONCURRENTLY, VACUUM …: never in a transaction, so unlimited
            if not connection.autocommit:
                raise
            return super().execute(statement)

    def executemany(self, sql, params_list):
        for params in params_list:
            self.execute(sql, params)


class DatabaseWrapper(base.DatabaseWrapper):
    """OPTIONS has one key more than Django's: `lock_timeout`, as PostgreSQL spells it ("10s"); without it, no limit."""

    def get_connection_params(self):
        params = super().get_connection_params() | {"cursor_factory": Cursor}
        params.pop("lock_timeout", None)
        return params

    def create_cursor(self, name=None):
        cursor = super().create_cursor(name)
        lock_timeout = self.settings_dict["OPTIONS"].get("lock_timeout")
        if lock_timeout and name is None:
            cursor.limits = f"SET LOCAL lock_timeout = '{lock_timeout}'; ".encode()
        return cursor
