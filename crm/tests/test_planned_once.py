"""Short statements on PostgreSQL: planned once on each connection, whatever becomes of the transaction."""

import pytest
from django.db import DataError, NotSupportedError, ProgrammingError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from crm import prepared
from crm.postgresql import PlannedOnce, base
from lead.models import Restaurant

known = prepared.Prepared(lambda pk: Restaurant.objects.filter(pk=pk).order_by().values_list("id", "name"), pk=2**40)


def planned(database=connection, text: str = "") -> list[tuple[str, int]]:
    """The statements that the server keeps for this connection, each with how often it ran."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT statement, generic_plans + custom_plans FROM pg_prepared_statements WHERE statement LIKE %s"
            " ORDER BY prepare_time, name",
            [f"%{text}%"],
        )
        return cursor.fetchall()


@pytest.fixture
def fresh(db):
    """A connection of its own, on which nothing has been planned."""
    database = connection.copy()
    yield database
    database.close()


def ask(database, sql: str, *params):
    with database.cursor() as cursor:
        cursor.execute(PlannedOnce(sql), params)
        return cursor.fetchall()


def test_a_short_query_is_planned_once_and_then_run(lead):
    assert known.rows(pk=lead.pk) == [(lead.pk, "Bistro Anna")]
    [(statement, runs)] = planned(text='AS "id", "lead_restaurant"."name" AS "name" FROM')
    assert known.rows(pk=lead.pk + 1) == []
    assert known.rows(pk=lead.pk) == [(lead.pk, "Bistro Anna")]
    assert planned(text='AS "id", "lead_restaurant"."name" AS "name" FROM') == [(statement, runs + 2)]


def test_a_request_plans_nothing_that_the_one_before_has_planned(api, lead):
    def ask_all() -> None:
        assert api.get(f"/lead/restaurants/{lead.pk}/").status_code == 200
        assert api.patch(f"/lead/restaurants/{lead.pk}/", {"notes": "x" * len(planned())}).status_code == 200
        assert api.post("/lead/restaurants/", {"name": "Bistro"}).status_code == 201

    ask_all()
    before = planned()
    assert {"SELECT", "INSERT", "UPDATE"} <= {statement.split()[3] for statement, _ in before}

    ask_all()

    assert [statement for statement, _ in planned()] == [statement for statement, _ in before]
    assert sum(runs for _, runs in planned()) >= sum(runs for _, runs in before) + 6


def test_a_statement_is_planned_again_on_a_new_connection(fresh):
    assert ask(fresh, "SELECT 41 + %s", 1) == [(42,)]
    assert len(planned(fresh)) == 1
    fresh.close()

    assert ask(fresh, "SELECT 41 + %s", 2) == [(43,)]
    assert len(planned(fresh)) == 1


def test_plans_outlive_a_transaction_that_is_rolled_back(fresh):
    fresh.set_autocommit(False)
    assert ask(fresh, "SELECT 41 + %s", 1) == [(42,)]
    fresh.rollback()

    assert ask(fresh, "SELECT 41 + %s", 2) == [(43,)]
    assert planned(fresh) == [("PREPARE crm_0 AS SELECT 41 + $1", 2)]


def test_a_statement_that_the_server_refuses_is_not_taken_for_planned(fresh):
    for _ in range(2):
        with pytest.raises(ProgrammingError, match="no_such_table"):
            ask(fresh, "SELECT * FROM no_such_table WHERE id = %s", 1)
    assert planned(fresh) == []
    with fresh.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE no_such_table AS SELECT 1 AS id")
    assert ask(fresh, "SELECT * FROM no_such_table WHERE id = %s", 1) == [(1,)]


def test_a_value_that_the_server_refuses_leaves_the_plan_as_it_is(fresh):
    assert ask(fresh, "SELECT 12 / %s", 3) == [(4,)]
    with pytest.raises(DataError):
        ask(fresh, "SELECT 12 / %s", 0)
    assert ask(fresh, "SELECT 12 / %s", 4) == [(3,)]


def test_beyond_the_most_all_are_planned_anew(fresh, monkeypatch):
    monkeypatch.setattr(base, "MOST", 2)
    for _ in range(2):
        assert [ask(fresh, f"SELECT %s + {number}", 1) for number in range(5)] == [[(n + 1,)] for n in range(5)]
        assert len(planned(fresh)) <= 2
    assert [statement.split(" AS ")[1] for statement, _ in planned(fresh)] == ["SELECT $1 + 3", "SELECT $1 + 4"]


def test_a_column_whose_type_changes_while_a_plan_is_kept_costs_no_read(fresh):
    with fresh.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE migrated AS SELECT 1 AS id, 'short'::varchar(5) AS name")
        assert ask(fresh, "SELECT name FROM migrated WHERE id = %s", 1) == [("short",)]
        cursor.execute("ALTER TABLE migrated ALTER name TYPE text")
    for _ in range(2):
        assert ask(fresh, "SELECT name FROM migrated WHERE id = %s", 1) == [("short",)]


def test_in_a_transaction_it_costs_this_one_and_no_other(fresh):
    with fresh.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE migrated AS SELECT 1 AS id, 'short'::varchar(5) AS name")
        ask(fresh, "SELECT name FROM migrated WHERE id = %s", 1)
        cursor.execute("ALTER TABLE migrated ALTER name TYPE text")
    fresh.set_autocommit(False)
    with pytest.raises(NotSupportedError):
        ask(fresh, "SELECT name FROM migrated WHERE id = %s", 1)
    fresh.rollback()
    assert ask(fresh, "SELECT name FROM migrated WHERE id = %s", 1) == [("short",)]


def test_behind_a_pooler_nothing_is_kept(fresh):
    fresh.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = True
    assert [ask(fresh, "SELECT '%%' || %s", text) for text in ("a", "b")] == [[("%a",)], [("%b",)]]
    assert planned(fresh) == []


def test_a_percent_sign_stays_one_with_and_without_parameters(fresh):
    for _ in range(2):
        assert ask(fresh, "SELECT '100 %%' || %s", " $1 %s") == [("100 % $1 %s",)]
    assert ask(fresh, "SELECT 1") == ask(fresh, "SELECT 1") == [(1,)]


def test_only_what_says_so_is_planned(fresh):
    with fresh.cursor() as cursor:
        cursor.execute("SELECT %s", [1])
    assert planned(fresh) == []


def test_threads_have_connections_and_plans_of_their_own(fresh):
    other = connections["default"].copy()
    try:
        assert [ask(each, "SELECT 41 + %s", 1) for each in (fresh, other, fresh)] == [[(42,)]] * 3
        assert (planned(fresh)[0][1], planned(other)[0][1]) == (2, 1)
    finally:
        other.close()


def test_the_log_shows_the_statement_itself(lead):
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        known.rows(pk=lead.pk)
        known.rows(pk=2**62)
        lead.save(update_fields=["notes"])
    shown = [query["sql"] for query in queries]
    assert shown[1].startswith('SELECT "lead_restaurant"."id"')
    assert shown[1].endswith(f'WHERE "lead_restaurant"."id" = {lead.pk}')
    assert shown[2].endswith(f'WHERE "lead_restaurant"."id" = {2**62}')
    assert shown[3] == f"""UPDATE "lead_restaurant" SET "notes" = '' WHERE "id" = {lead.pk}"""
