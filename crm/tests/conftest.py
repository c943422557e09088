import pytest
from django.conf import settings
from django.db import connection

from crm.tests.server import database, kam, server  # noqa: F401 (fixtures)

collect_ignore = []
if connection.vendor != "postgresql":  # SQLite has no pooler
    collect_ignore.append("test_pooled.py")
if settings.DATABASES["default"]["ENGINE"] != "crm.fast.postgresql":  # nothing else plans ahead
    collect_ignore.append("test_planned.py")


@pytest.fixture
def statements(db):
    """Those that went to the database, as they were handed over."""
    seen = []

    def note(execute, sql, *args):
        seen.append(sql)
        return execute(sql, *args)

    with connection.execute_wrapper(note):
        yield seen
