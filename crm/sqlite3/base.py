"""Django's SQLite backend, whose date-times leave the driver as they are wanted: aware, in UTC.

Django's leave it naive, and are made aware in Python with all other values of a list, one by one.
"""

from datetime import UTC, datetime
from sqlite3 import dbapi2

from django.db.backends.sqlite3 import base, operations
from django.db.models.expressions import Col

MADE_BY_DRIVER = ("BooleanField", "DateTimeField")  # from a column, by the type that it was declared with


def instant(stored: bytes) -> datetime:
    """A date-time, which Django stores in UTC without saying so."""
    value = datetime.fromisoformat(stored.decode())
    return value if value.tzinfo else value.replace(tzinfo=UTC)


dbapi2.register_converter("datetime", instant)


class DatabaseOperations(operations.DatabaseOperations):
    def get_db_converters(self, expression):
        if isinstance(expression, Col) and expression.output_field.get_internal_type() in MADE_BY_DRIVER:
            return []
        return super().get_db_converters(expression)


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
