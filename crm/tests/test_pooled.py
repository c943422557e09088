"""The backend for a pooler: limits on every statement, and nothing left on the connection.

The pooler itself is in `trials/pooler/`.
"""

from contextlib import closing, suppress

import pytest
from django.db import OperationalError, connection, connections, transaction
from psycopg2 import errors, sql

from crm.api.exceptions import is_lock_timeout
from crm.db.pooled.base import DatabaseWrapper

LIMIT = "300ms"


class Undone(Exception):
    pass


@pytest.fixture
def pooled(db):
    """A connection by that name whose locks are limited, and a table with one row."""
    options = {"connect_timeout": 5, "lock_timeout": LIMIT}
    pooled = DatabaseWrapper({**connection.settings_dict, "ENGINE": "crm.db.pooled", "OPTIONS": options}, "pooled")
    connections["pooled"] = pooled
    run("CREATE TABLE letters (text text)")
    run("INSERT INTO letters VALUES ('first')")
    yield pooled
    run("DROP TABLE letters")
    pooled.close()
    del connections["pooled"]


@pytest.fixture
def locked(pooled):
    """Another session locks the whole table."""
    with closing(pooled.copy("holder")) as holder:
        holder.set_autocommit(False)
        holder.cursor().execute("LOCK TABLE letters")
        yield
        holder.rollback()


def run(statement, *params) -> list[tuple]:
    with connections["pooled"].cursor() as cursor:
        cursor.execute(statement, params or None)
        return cursor.fetchall() if cursor.description else []


def limit() -> str:
    return run("SHOW lock_timeout")[0][0]


def left_behind(pooled) -> str:
    """The limit of the session that gets the server connection next."""
    with pooled.connection.cursor() as cursor:  # psycopg2's own
        cursor.execute("SHOW lock_timeout")
        return cursor.fetchone()[0]


def test_a_statement_outside_a_transaction_is_limited_and_leaves_nothing(pooled):
    assert limit() == LIMIT
    assert left_behind(pooled) == "0"


def test_a_transaction_is_limited_to_its_end_and_leaves_nothing(pooled):
    with transaction.atomic("pooled"):
        run("SELECT 1")
        assert left_behind(pooled) == LIMIT
        assert limit() == LIMIT
    assert left_behind(pooled) == "0"
    with suppress(Undone), transaction.atomic("pooled"):
        run("SELECT 1")
        raise Undone
    assert left_behind(pooled) == "0"
    assert limit() == LIMIT


def test_a_rollback_to_a_savepoint_keeps_the_limit(pooled):
    with transaction.atomic("pooled"):
        with suppress(Undone), transaction.atomic("pooled"):
            run("SELECT 1")
            raise Undone
        assert left_behind(pooled) == LIMIT


def test_without_atomic_every_transaction_is_limited(pooled):
    pooled.set_autocommit(False)
    for end in (pooled.commit, pooled.rollback):
        assert limit() == LIMIT
        end()
    pooled.set_autocommit(True)
    assert left_behind(pooled) == "0"


def test_the_limit_costs_no_message_of_its_own(pooled):
    with closing(pooled.copy("onlooker")) as onlooker, onlooker.cursor() as cursor, transaction.atomic("pooled"):
        for statement, sent in [
            ("SELECT 1", f"SET LOCAL lock_timeout = '{LIMIT}'; SELECT 1"),
            ("SELECT 2", "SELECT 2"),
        ]:
            run(statement)
            cursor.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [pooled.connection.info.backend_pid])
            assert cursor.fetchone() == (sent,)


@pytest.mark.parametrize("statement", ["INSERT INTO letters VALUES ('second')", "SELECT text FROM letters"])
@pytest.mark.parametrize("in_transaction", [False, True])
def test_a_statement_that_waits_for_a_lock_gives_up(pooled, locked, statement, in_transaction):
    with pytest.raises(OperationalError) as refused:
        if in_transaction:
            with transaction.atomic("pooled"):
                run(statement)
        else:
            run(statement)

    assert is_lock_timeout(refused.value)


def test_a_statement_not_allowed_in_a_transaction_runs_by_itself(pooled):
    run("CREATE INDEX CONCURRENTLY letters_text ON letters (text)")
    run("VACUUM letters")
    with (
        pytest.raises(Exception, match="cannot run inside a transaction block") as refused,
        transaction.atomic("pooled"),
    ):
        run("VACUUM letters")
    assert isinstance(refused.value.__cause__, errors.ActiveSqlTransaction)


def test_parameters_are_interpreted_as_by_django(pooled):
    assert run("SELECT '%'") == [("%",)]
    assert run("SELECT '%%', %s", "a'b;%s") == [("%", "a'b;%s")]
    assert run(sql.SQL("SELECT {}").format(sql.Literal("composed"))) == [("composed",)]
    assert run(b"SELECT 'bytes'") == [("bytes",)]


def test_rows_and_their_number_are_those_of_the_statement(pooled):
    with pooled.cursor() as cursor:
        cursor.executemany("INSERT INTO letters VALUES (%s)", [["second"], ["third"]])
        cursor.execute("UPDATE letters SET text = upper(text) WHERE text <> 'first'")
        assert cursor.rowcount == 2
        cursor.execute("SELECT text AS name FROM letters ORDER BY 1")
        assert [column.name for column in cursor.description] == ["name"]
    assert sorted(run("SELECT text FROM letters")) == [("SECOND",), ("THIRD",), ("first",)]


def test_many_statements_are_limited_each(pooled):
    with pooled.cursor() as cursor:
        cursor.executemany("INSERT INTO letters SELECT %s || current_setting('lock_timeout')", [["a "], ["b "]])
    assert run("SELECT text FROM letters WHERE text <> 'first'") == [(f"a {LIMIT}",), (f"b {LIMIT}",)]


def test_a_server_side_cursor_works_as_without_a_pooler(pooled):
    with pooled.chunked_cursor() as cursor:
        cursor.execute("SELECT text FROM letters")
        assert cursor.fetchall() == [("first",)]


def test_only_parameters_of_libpq_are_passed_to_connect(pooled):
    assert {"options", "lock_timeout"}.isdisjoint(pooled.get_connection_params())


def test_without_a_limit_in_the_settings_it_is_djangos_backend(pooled):
    del pooled.settings_dict["OPTIONS"]["lock_timeout"]
    assert limit() == "0"
