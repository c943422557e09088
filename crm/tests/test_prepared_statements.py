"""The PostgreSQL backend: short statements prepared once on each connection, and a health check without a query."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.contrib.auth.models import Permission
from django.db import (
    DataError,
    IntegrityError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    connection,
    connections,
    transaction,
)
from django.test.utils import CaptureQueriesContext

from crm.fast import Planned
from crm.fast.compiled import CompiledQuery
from crm.fast.postgresql import base
from lead.models import Restaurant

INSERT = "INSERT INTO letters (text, at) VALUES (%s, %s)"
MOMENT = datetime(2024, 12, 24, 15, 30, 0, 1, tzinfo=UTC)


names = CompiledQuery(lambda pk: Restaurant.objects.filter(pk=pk).order_by().values_list("id", "name"), {"pk": 2**40})


def planned(text: str = "", using: str = "default") -> list[tuple[str, int]]:
    """The prepared statements of the connection, each with how often it was executed."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT statement, generic_plans + custom_plans FROM pg_prepared_statements WHERE statement LIKE %s"
            " ORDER BY prepare_time, name",
            [f"%{text}%"],
        )
        return cursor.fetchall()


@pytest.fixture
def fresh(db):
    """A connection of its own, by that name, on which nothing has been planned; and a table that others see."""
    for alias in ("fresh", "onlooker"):
        connections[alias] = connection.copy(alias)
    run("CREATE TABLE letters (id serial, text text UNIQUE CHECK (text <> 'refused'), at timestamptz)")
    yield connections["fresh"]
    connections["fresh"].close()
    run("DROP TABLE letters", using="onlooker")
    for alias in ("fresh", "onlooker"):
        connections[alias].close()
        del connections[alias]


def run(sql: str, *params, using: str = "fresh") -> list[tuple]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else []


def ask(sql: str, *params, using: str = "fresh") -> list[tuple]:
    """As a statement that is planned once."""
    return run(Planned(sql), *params, using=using)


def stored() -> list[str]:
    """What others see."""
    return [text for (text,) in run("SELECT text FROM letters ORDER BY id", using="onlooker")]


# --- Plans ------------------------------------------------------------------------------------------------------------


def test_a_short_query_is_prepared_once_and_then_executed(lead):
    text = 'AS "id", "lead_restaurant"."name" AS "name" FROM'
    assert names(pk=lead.pk) == [(lead.pk, "Bistro Anna")]
    [(statement, runs)] = planned(text)
    assert names(pk=lead.pk + 1) == []
    assert names(pk=lead.pk) == [(lead.pk, "Bistro Anna")]
    assert planned(text) == [(statement, runs + 2)]


def test_a_request_prepares_nothing_that_an_earlier_one_prepared(api, lead):
    def ask_all() -> None:
        assert api.get(f"/lead/restaurants/{lead.pk}/").status_code == 200
        assert api.patch(f"/lead/restaurants/{lead.pk}/", {"notes": "x" * len(planned())}).status_code == 200
        assert api.post("/lead/restaurants/", {"name": "Bistro"}).status_code == 201

    ask_all()
    before = planned()
    assert {"SELECT"} <= {statement.split()[3] for statement, _ in before}

    ask_all()

    assert [statement for statement, _ in planned()] == [statement for statement, _ in before]
    assert sum(runs for _, runs in planned()) >= sum(runs for _, runs in before) + 6


def test_each_connection_has_prepared_statements_of_its_own(fresh):
    assert [ask("SELECT 41 + %s", 1, using=alias) for alias in ("fresh", "onlooker", "fresh")] == [[(42,)]] * 3
    assert (planned(using="fresh")[0][1], planned(using="onlooker")[0][1]) == (2, 1)
    fresh.close()
    assert ask("SELECT 41 + %s", 2) == [(43,)]
    assert [runs for _, runs in planned(using="fresh")] == [1]


def test_prepared_statements_outlive_a_rollback(fresh):
    fresh.set_autocommit(False)
    assert ask("SELECT 41 + %s", 1) == [(42,)]
    fresh.rollback()

    assert ask("SELECT 41 + %s", 2) == [(43,)]
    [(statement, runs)] = planned(using="fresh")
    assert (statement.split(" AS ")[1], runs) == ("SELECT 41 + $1", 2)


def test_statements_beyond_the_maximum_are_not_prepared(fresh, monkeypatch):
    monkeypatch.setattr(base, "MOST", 2)
    for _ in range(2):
        assert [ask(f"SELECT %s + {number}", 1) for number in range(5)] == [[(n + 1,)] for n in range(5)]
    prepared = [(statement.split(" AS ")[1], runs) for statement, runs in planned(using="fresh")]
    assert prepared == [("SELECT $1 + 0", 2), ("SELECT $1 + 1", 2)]


def test_only_marked_statements_are_prepared(fresh):
    run("SELECT %s", 1)
    assert len(Permission.objects.using("fresh").filter(codename__startswith="add")[:3]) == 3
    with transaction.atomic("fresh"):
        assert len(list(Permission.objects.using("fresh").iterator(chunk_size=10))) > 10
    assert planned(using="fresh") == []


def test_a_read_survives_a_type_change_of_a_prepared_column(fresh):
    run("CREATE TEMPORARY TABLE migrated AS SELECT 1 AS id, 'short'::varchar(5) AS name")
    assert ask("SELECT name FROM migrated WHERE id = %s", 1) == [("short",)]
    run("ALTER TABLE migrated ALTER name TYPE text")
    for _ in range(3):
        assert ask("SELECT name FROM migrated WHERE id = %s", 1) == [("short",)]


def test_a_type_change_fails_one_transaction_and_no_later_one(fresh):
    run("CREATE TEMPORARY TABLE migrated AS SELECT 1 AS id, 'short'::varchar(5) AS name")
    ask("SELECT name FROM migrated WHERE id = %s", 1)
    run("ALTER TABLE migrated ALTER name TYPE text")
    with pytest.raises(NotSupportedError), transaction.atomic("fresh"):
        ask("SELECT name FROM migrated WHERE id = %s", 1)
    with transaction.atomic("fresh"):
        assert ask("SELECT name FROM migrated WHERE id = %s", 1) == [("short",)]


# --- Values and errors ------------------------------------------------------------------------------------------------

TEXTS = [None, "", "100 % of %s, %(x)s or %%", "it's; \\' \\\\ \"quotes\" $1 $$ -- /* \n\t", "अनपूर्णा \U0010ffff"]


def test_values_are_returned_as_they_were_given(fresh):
    moments = [None, MOMENT, datetime(2000, 1, 1, 5, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))]
    given = [(text, moments[number % 3]) for number, text in enumerate(TEXTS)]
    for text, at in given:
        assert ask(f"{INSERT} RETURNING text", text, at) == [(text,)]
    assert run("SELECT text, at FROM letters ORDER BY id", using="onlooker") == given


def test_date_times_are_in_utc(fresh):
    ask(INSERT, "first", MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30))))
    for read in (run, ask):
        [(moment,)] = read("SELECT at FROM letters")
        assert (moment, moment.tzinfo) == (MOMENT, UTC)


def test_a_percent_sign_is_preserved_with_and_without_parameters(fresh):
    for _ in range(2):
        assert ask("SELECT '100 %%' || %s", " $1 %s") == [("100 % $1 %s",)]
        assert ask("SELECT 1") == [(1,)]


def test_a_statement_that_the_server_refuses_is_not_prepared(fresh):
    for _ in range(2):
        with pytest.raises(ProgrammingError, match="no_such_table"):
            ask("SELECT * FROM no_such_table WHERE id = %s", 1)
    assert planned(using="fresh") == []
    run("CREATE TEMPORARY TABLE no_such_table AS SELECT 1 AS id")
    assert ask("SELECT * FROM no_such_table WHERE id = %s", 1) == [(1,)]


def test_a_value_that_the_server_refuses_leaves_the_statement_prepared(fresh):
    assert ask("SELECT 12 / %s", 3) == [(4,)]
    with pytest.raises(DataError):
        ask("SELECT 12 / %s", 0)
    with pytest.raises(ValueError, match="NUL"):
        ask("SELECT 12 / %s", "\0")
    assert ask("SELECT 12 / %s", 4) == [(3,)]
    assert len(planned(using="fresh")) == 1


@pytest.mark.parametrize(
    ("values", "error"),
    [(("first", None), IntegrityError), (("refused", None), IntegrityError), (("second", "no date"), DataError)],
    ids=["a duplicate", "a check", "no date"],
)
@pytest.mark.parametrize("is_known", [False, True], ids=["prepared now", "prepared before"])
def test_an_error_is_raised_by_the_statement_that_fails(fresh, is_known, values, error):
    if is_known:
        ask(INSERT, "before", None)
        run("DELETE FROM letters")
    with pytest.raises(error), transaction.atomic("fresh"):
        ask(INSERT, "first", None)
        with pytest.raises(error) as refused, transaction.atomic("fresh"):
            ask(INSERT, *values)
        ask(INSERT, "after", None)
        raise refused.value
    ask(INSERT, "at last", None)
    assert stored() == ["at last"]


def test_after_an_error_every_statement_of_the_transaction_fails(fresh):
    with pytest.raises(InternalError, match="aborted"), transaction.atomic("fresh"):
        ask(INSERT, "first", None)
        with pytest.raises(IntegrityError):
            ask(INSERT, "first", None)
        ask("SELECT 41 + %s", 1)
    assert planned("41", using="fresh") == []
    assert ask("SELECT 41 + %s", 1) == [(42,)]
    assert stored() == []


def test_a_deferred_constraint_fails_at_the_commit(fresh):
    run("ALTER TABLE letters ADD UNIQUE (at) DEFERRABLE INITIALLY DEFERRED")
    with pytest.raises(IntegrityError), transaction.atomic("fresh"):
        ask(INSERT, "first", MOMENT)
        ask(INSERT, "second", MOMENT)
        assert len(run("SELECT text FROM letters")) == 2
    assert stored() == []


# --- Logs and health --------------------------------------------------------------------------------------------------


def test_the_query_log_shows_the_original_statement(lead):
    with CaptureQueriesContext(connection) as queries:
        names(pk=lead.pk)
        names(pk=2**62)
        lead.save(update_fields=["notes"])
        Restaurant.objects.filter(name="it's").exists()
    shown = [query["sql"] for query in queries]
    assert shown[0].startswith('SELECT "lead_restaurant"."id"')
    assert shown[0].endswith(f'WHERE "lead_restaurant"."id" = {lead.pk}')
    assert shown[1].endswith(f'WHERE "lead_restaurant"."id" = {2**62}')
    assert shown[2].startswith('UPDATE "lead_restaurant" SET "updated_at" = ')
    assert shown[2].endswith(f""""notes" = '' WHERE "lead_restaurant"."id" = {lead.pk}""")
    assert "= 'it''s'" in shown[3]


def end(using: str) -> None:
    process = connections[using].connection.info.backend_pid
    assert run("SELECT pg_terminate_backend(%s, 10000)", process, using="onlooker") == [(True,)]


def test_a_connection_is_checked_without_a_query(fresh):
    with CaptureQueriesContext(fresh) as queries:
        assert fresh.is_usable()
        fresh.health_check_enabled, fresh.health_check_done = True, False
        assert run("SELECT 1") == [(1,)]
    assert [query["sql"] for query in queries] == ["SELECT 1"]


def test_a_connection_ended_by_the_server_is_not_usable(fresh):
    lost = fresh.connection
    end("fresh")
    assert not fresh.is_usable()
    fresh.health_check_enabled, fresh.health_check_done = True, False
    assert ask("SELECT 41 + %s", 1) == [(42,)]
    assert fresh.connection is not lost


def test_a_connection_closed_by_the_client_is_not_usable(fresh):
    fresh.connection.close()
    assert not fresh.is_usable()


def test_a_connection_with_a_pending_notice_is_usable(fresh):
    run("LISTEN news")
    run("NOTIFY news", using="onlooker")
    for _ in range(2):
        assert fresh.is_usable()
    assert run("SELECT 1") == [(1,)]


def test_a_connection_lost_in_a_transaction_loses_the_transaction(fresh):
    with pytest.raises(OperationalError), transaction.atomic("fresh"):
        ask(INSERT, "first", None)
        end("fresh")
        ask(INSERT, "second", None)
    ask(INSERT, "after", None)
    assert stored() == ["after"]
