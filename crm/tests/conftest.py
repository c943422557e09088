from django.db import connection

from crm.tests.server import database, kam, server  # noqa: F401 (fixtures)

if connection.vendor != "postgresql":
    collect_ignore = ["test_planned_once.py", "test_transactions.py"]  # SQLite plans nothing ahead
