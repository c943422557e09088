"""Transactions on PostgreSQL: fewer messages than Django's own, and the same is kept, refused and undone."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import (
    DataError,
    IntegrityError,
    InternalError,
    OperationalError,
    ProgrammingError,
    connection,
    connections,
    transaction,
)
from psycopg2 import extensions

from crm.postgresql import PlannedOnce, SentLater, base

INSERT = "INSERT INTO letters (text, at) VALUES (%s, %s)"
LATER = SentLater(INSERT)
SHOUT = SentLater("UPDATE letters SET text = upper(text) WHERE text = %s")
READ = "SELECT text FROM letters ORDER BY id"


class Undone(Exception):
    pass


def run(sql: str, *params, using: str = "fresh") -> list[tuple]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else []


def later(text: str | None, at: datetime | None = None) -> None:
    assert run(LATER, text, at) == []


def own() -> list[str]:
    """What the connection itself sees."""
    return [text for (text,) in run(READ)]


def kept() -> list[str]:
    """What others see."""
    return [text for (text,) in run(READ, using="onlooker")]


def process() -> int:
    return connections["fresh"].connection.info.backend_pid


@pytest.fixture
def fresh(db):
    """A connection of its own, by that name, and a table that others see: `kept()`."""
    for alias in ("fresh", "onlooker"):
        connections[alias] = connection.copy(alias)
    run("CREATE TABLE letters (id serial, text text UNIQUE CHECK (text <> 'refused'), at timestamptz)")
    yield connections["fresh"]
    connections["fresh"].close()
    run("DROP TABLE letters", using="onlooker")
    for alias in ("fresh", "onlooker"):
        connections[alias].close()
        del connections[alias]


@pytest.fixture(params=["direct", "pooled"])
def either(request, fresh):
    """What holds behind a pooler too."""
    fresh.close()
    fresh.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = request.param == "pooled"
    return fresh


@pytest.fixture
def messages(fresh):
    """What goes to the server, but for what is planned."""
    said = []

    class Wire(extensions.cursor):
        def execute(self, sql, params=None):
            text = self.mogrify(sql, params).decode()
            if not text.startswith("PREPARE"):
                said.append(text)
            super().execute(sql, params)

    fresh.connection.cursor_factory = type("Listened", (base.Cursor, Wire), {})
    return said


# --- What is said -----------------------------------------------------------------------------------------------------


def test_a_transaction_begins_with_its_first_statement(messages):
    with transaction.atomic("fresh"):
        assert run("INSERT INTO letters (text) VALUES (%s) RETURNING text", "first") == [("first",)]
        assert messages == ["BEGIN; INSERT INTO letters (text) VALUES ('first') RETURNING text"]
        assert (own(), kept()) == (["first"], [])
    assert messages[1:] == [READ, "COMMIT"]
    assert kept() == ["first"]


def test_a_transaction_in_which_nothing_was_said_says_nothing(fresh, messages):
    with transaction.atomic("fresh"):
        pass
    with suppress(Undone), transaction.atomic("fresh"):
        raise Undone
    fresh.set_autocommit(False)
    fresh.commit()
    fresh.rollback()
    fresh.set_autocommit(True)
    assert messages == []


def test_what_nobody_waits_for_goes_with_the_commit(messages):
    run(READ)
    with transaction.atomic("fresh"):
        later("first")
        later("second")
        run(SHOUT, "first")
        assert messages == [READ]
    assert messages[1:] == [
        "BEGIN; EXECUTE crm_0 ('first', NULL); EXECUTE crm_0 ('second', NULL); EXECUTE crm_1 ('first'); COMMIT"
    ]
    assert kept() == ["FIRST", "second"]


def test_the_server_gets_it_in_one_piece(fresh):
    def last_message() -> str:
        return run("SELECT query FROM pg_stat_activity WHERE pid = %s", process(), using="onlooker")[0][0]

    later("planned")
    with transaction.atomic("fresh"):
        run("SELECT %s", "first")
        assert last_message() == "BEGIN; SELECT 'first'"
        later("second")
        assert last_message() == "BEGIN; SELECT 'first'"
        run("SELECT %s", "third")
        assert last_message() == "EXECUTE crm_0 ('second', NULL); SELECT 'third'"
        later("fourth")
    assert last_message() == "EXECUTE crm_0 ('fourth', NULL); COMMIT"


def test_what_nobody_waits_for_goes_with_the_next_statement_which_sees_it(messages):
    with transaction.atomic("fresh"):
        later("first")
        assert own() == ["first"]
        later("second")
        assert run(PlannedOnce(READ)) == [("first",), ("second",)]
        assert kept() == []
    assert messages == [
        f"BEGIN; EXECUTE crm_0 ('first', NULL); {READ}",
        "EXECUTE crm_0 ('second', NULL); EXECUTE crm_1",
        "COMMIT",
    ]


def test_a_statement_answers_for_itself_whatever_went_before_it_in_the_message(either):
    with transaction.atomic("fresh"), either.cursor() as cursor:
        later("first")
        later("second")
        cursor.execute("UPDATE letters SET at = now() WHERE text = %s", ["first"])
        assert cursor.rowcount == 1
        later("third")
        cursor.execute("UPDATE letters SET at = now()")
        assert cursor.rowcount == 3
        later("fourth")
        cursor.execute("SELECT text AS name FROM letters WHERE false")
        assert ([column.name for column in cursor.description], cursor.fetchall()) == (["name"], [])


def test_outside_a_transaction_everything_goes_at_once(either):
    later("first")
    assert kept() == ["first"]
    run(SHOUT, "first")
    assert kept() == ["FIRST"]
    with pytest.raises(IntegrityError):
        later("FIRST")
    later("second")
    assert kept() == ["FIRST", "second"]


def test_after_a_transaction_everything_goes_at_once_again(either):
    with transaction.atomic("fresh"):
        later("first")
    later("second")
    assert kept() == ["first", "second"]
    with suppress(Undone), transaction.atomic("fresh"):
        later("undone")
        raise Undone
    later("third")
    assert kept() == ["first", "second", "third"]


# --- What is undone ---------------------------------------------------------------------------------------------------


def test_what_was_not_sent_is_dropped(messages):
    with suppress(Undone), transaction.atomic("fresh"):
        later("first")
        raise Undone
    assert (messages, kept()) == ([], [])
    with suppress(Undone), transaction.atomic("fresh"):
        run("SELECT 1")
        later("first")
        raise Undone
    assert (messages, kept()) == (["BEGIN; SELECT 1", "ROLLBACK"], [])


def test_what_was_sent_is_undone(either):
    for sql in (INSERT, LATER):
        with suppress(Undone), transaction.atomic("fresh"):
            run(sql, "first", None)
            assert own() == ["first"]
            raise Undone
        assert own() == kept() == []


def test_a_savepoint_that_is_kept_keeps_what_was_sent_later(either):
    with transaction.atomic("fresh"):
        later("before")
        with transaction.atomic("fresh"):
            later("inside")
        later("after")
    assert kept() == ["before", "inside", "after"]


def test_a_savepoint_that_is_undone_takes_back_its_own_alone(either):
    with transaction.atomic("fresh"):
        later("before")
        with suppress(Undone), transaction.atomic("fresh"):
            later("inside")
            raise Undone
        assert own() == ["before"]
        with suppress(Undone), transaction.atomic("fresh"):
            later("inside")
            assert own() == ["before", "inside"]
            later("inside too")
            raise Undone
        later("after")
    assert kept() == ["before", "after"]


def test_a_transaction_that_is_undone_after_a_savepoint_leaves_nothing(either):
    with suppress(Undone), transaction.atomic("fresh"):
        with transaction.atomic("fresh"):
            later("inside")
        later("after")
        raise Undone
    assert own() == kept() == []


# --- What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "error"),
    [(("first", None), IntegrityError), (("refused", None), IntegrityError), (("second", "no date"), DataError)],
    ids=["a duplicate", "a check", "no date"],
)
@pytest.mark.parametrize("earlier", [False, True], ids=["at first", "after another statement"])
@pytest.mark.parametrize("what", ["next statement", "commit", "next savepoint"])
def test_what_the_server_refuses_comes_up(either, what, earlier, values, error):
    with pytest.raises(error), transaction.atomic("fresh"):
        if earlier:
            run("SELECT 1")
        later("first")
        run(LATER, *values)
        if what == "next statement":
            run("SELECT 1")
            pytest.fail("was taken")
        if what == "next savepoint":
            with transaction.atomic("fresh"):
                pytest.fail("was taken")
    later("after")
    assert own() == kept() == ["after"]


def test_what_is_refused_in_a_savepoint_costs_that_alone(either):
    with transaction.atomic("fresh"):
        later("before")
        with pytest.raises(IntegrityError), transaction.atomic("fresh"):
            later("inside")
            later("refused")
        with pytest.raises(IntegrityError), transaction.atomic("fresh"):
            later("refused")
            run("SELECT 1")
        later("after")
    assert kept() == ["before", "after"]


def test_a_transaction_with_an_error_is_over_for_all_that_follows(either):
    with pytest.raises(InternalError, match="aborted"), transaction.atomic("fresh"):
        later("first")
        with pytest.raises(IntegrityError):
            run(INSERT, "first", None)
        later("second")
        run("SELECT 1")
    assert own() == kept() == []


def test_a_constraint_that_is_checked_at_the_commit_is_refused_there(either):
    run("ALTER TABLE letters ADD UNIQUE (at) DEFERRABLE INITIALLY DEFERRED")
    moment = datetime(2024, 12, 24, tzinfo=UTC)
    with pytest.raises(IntegrityError), transaction.atomic("fresh"):
        later("first", moment)
        later("second", moment)
        assert own() == ["first", "second"]
        later("third")
    assert kept() == []
    with transaction.atomic("fresh"):
        later("after", moment)
    assert kept() == ["after"]


# --- What is written --------------------------------------------------------------------------------------------------

TEXTS = [
    None,
    "",
    "100 % of %s, %(x)s or %%",
    "it's; \\' \\\\ \"quotes\" $1 $$ -- /* \n\t",
    "अनपूर्णा 食堂 \N{SLICE OF PIZZA}\U0010ffff",
    "'); COMMIT; --",
]
MOMENTS = [
    None,
    datetime(2024, 12, 24, 15, 30, 0, 1, tzinfo=UTC),
    datetime(2000, 1, 1, 5, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
]


def test_values_are_kept_as_they_were_given(either):
    given = [(text, MOMENTS[number % 3]) for number, text in enumerate(TEXTS)]
    for _ in range(2):
        with transaction.atomic("fresh"):
            for text, at in given:
                later(text, at)
            run("UPDATE letters SET text = text WHERE text LIKE '%%' OR text LIKE %s", "100 %")
        assert run("SELECT text, at FROM letters ORDER BY id", using="onlooker") == given
        run("DELETE FROM letters")


def test_what_was_sent_later_may_have_no_values(either):
    with transaction.atomic("fresh"):
        run(SentLater("INSERT INTO letters (text) VALUES ('100 %%')"))
    assert kept() == ["100 %"]


def test_hooks_run_after_the_commit_alone(either):
    heard = []
    with transaction.atomic("fresh"):
        later("first")
        transaction.on_commit(lambda: heard.append(kept()), using="fresh")
        later("second")
    assert heard == [["first", "second"]]
    with pytest.raises(IntegrityError), transaction.atomic("fresh"):
        transaction.on_commit(lambda: heard.append("refused"), using="fresh")
        later("first")
    with suppress(Undone), transaction.atomic("fresh"):
        transaction.on_commit(lambda: heard.append("undone"), using="fresh")
        later("third")
        raise Undone
    later("fourth")
    assert heard == [["first", "second"]]


def test_plans_that_make_room_lose_nothing_that_was_not_sent(fresh, messages, monkeypatch):
    monkeypatch.setattr(base, "MOST", 1)
    with transaction.atomic("fresh"):
        later("first")
        run(SHOUT, "first")
        later("second")
    assert kept() == ["FIRST", "second"]
    assert messages == [
        "BEGIN; EXECUTE crm_0 ('first', NULL); DEALLOCATE ALL",
        "EXECUTE crm_1 ('first'); DEALLOCATE ALL",
        "EXECUTE crm_2 ('second', NULL); COMMIT",
    ]


# --- Other ways to speak ----------------------------------------------------------------------------------------------


def test_a_long_list_is_read_in_pieces_inside_a_transaction_and_outside(either):
    count = Permission.objects.using("fresh").count()
    assert len(list(Permission.objects.using("fresh").iterator(chunk_size=10))) == count > 10
    with transaction.atomic("fresh"):
        assert len(list(Permission.objects.using("fresh").iterator(chunk_size=10))) == count


def test_a_long_list_has_what_was_sent_later(either):
    insert = SentLater("INSERT INTO auth_group (name) VALUES (%s)")
    with suppress(Undone), transaction.atomic("fresh"):
        for name in ("first", "second", "third"):
            run(insert, name)
        groups = Group.objects.using("fresh").filter(name__in=["first", "second", "third"]).order_by("id")
        names = []
        for group in groups.iterator(chunk_size=1):
            names.append(group.name)
            run(insert, f"after {group.name}")
        assert names == ["first", "second", "third"]
        assert Group.objects.using("fresh").filter(name__startswith="after ").count() == 3
        raise Undone
    assert not Group.objects.using("onlooker").filter(name__in=["first", "after first"]).exists()


def write_many() -> None:
    with connections["fresh"].cursor() as cursor:
        cursor.executemany("INSERT INTO letters (text) VALUES (%s)", [("many",), ("more",)])


def copy() -> None:
    with connections["fresh"].cursor() as cursor:
        cursor.copy_expert("COPY letters (text) FROM STDIN", StringIO("many\nmore\n"))


@pytest.mark.parametrize("write", [write_many, copy])
def test_many_rows_at_once_belong_to_the_transaction_and_follow_what_was_sent_later(either, write):
    with suppress(Undone), transaction.atomic("fresh"):
        write()
        assert own() == ["many", "more"]
        raise Undone
    assert own() == kept() == []
    with transaction.atomic("fresh"):
        later("before")
        write()
        later("after")
        assert kept() == []
    assert kept() == ["before", "many", "more", "after"]
    run("DELETE FROM letters")
    write()
    assert kept() == ["many", "more"]


def test_by_hand_one_transaction_follows_the_other(either):
    either.set_autocommit(False)
    run(INSERT, "first", None)
    assert kept() == []
    either.commit()
    assert kept() == ["first"]
    later("second")
    assert kept() == ["first"]
    either.commit()
    later("undone")
    either.rollback()
    run(INSERT, "undone", None)
    later("undone too")
    either.rollback()
    assert own() == kept() == ["first", "second"]
    later("third")
    either.commit()
    either.set_autocommit(True)
    later("fourth")
    assert kept() == ["first", "second", "third", "fourth"]


def test_by_hand_each_transaction_begins_with_its_first_statement(fresh, messages):
    fresh.set_autocommit(False)
    for text in ("first", "second"):
        later(text)
        fresh.commit()
        fresh.commit()
    run(READ)
    fresh.rollback()
    fresh.set_autocommit(True)
    assert messages == [
        "BEGIN; EXECUTE crm_0 ('first', NULL); COMMIT",
        "BEGIN; EXECUTE crm_0 ('second', NULL); COMMIT",
        f"BEGIN; {READ}",
        "ROLLBACK",
    ]


@pytest.mark.parametrize("what", ["next statement", "commit", "commit of what is unsent", "rollback"])
def test_a_connection_that_is_lost_in_a_transaction_takes_it_along(either, what):
    with pytest.raises(Undone if what == "rollback" else OperationalError), transaction.atomic("fresh"):
        later("first")
        assert own() == ["first"]
        lost = process()
        run("SELECT pg_terminate_backend(%s, 10000)", lost, using="onlooker")
        if what in ("next statement", "commit of what is unsent"):
            later("second")
        if what == "next statement":
            run("SELECT 1")
        if what == "rollback":
            raise Undone
    later("after")
    assert process() != lost
    assert own() == kept() == ["after"]


# --- Behind a pooler --------------------------------------------------------------------------------------------------


def test_behind_a_pooler_a_transaction_begins_with_its_first_statement_and_nothing_is_planned(fresh, messages):
    fresh.connection.keeps_plans = False
    with transaction.atomic("fresh"):
        pass
    with transaction.atomic("fresh"):
        later("first")
        run(PlannedOnce("SELECT %s"), 1)
    assert messages == ["BEGIN; INSERT INTO letters (text, at) VALUES ('first', NULL)", "SELECT 1", "COMMIT"]
    assert run("SELECT count(*) FROM pg_prepared_statements") == [(0,)]
    assert kept() == ["first"]


# --- What goes wrong --------------------------------------------------------------------------------------------------


def test_values_that_cannot_be_sent_cost_no_transaction(either):
    with suppress(Undone), transaction.atomic("fresh"):
        with pytest.raises(ValueError, match="NUL"):
            run("SELECT %s", "\0")
        run(INSERT, "first", None)
        raise Undone
    assert kept() == []


def test_values_that_cannot_be_sent_cost_nothing_that_was_unsent(either):
    with transaction.atomic("fresh"):
        later("first")
        with pytest.raises(ValueError, match="NUL"):
            run("SELECT %s", "\0")
    assert kept() == ["first"]


def test_a_first_statement_that_the_server_cannot_read_costs_no_transaction(either):
    with suppress(Undone, InternalError), transaction.atomic("fresh"):
        with pytest.raises(ProgrammingError, match="syntax"):
            run("SELEC 1")
        run(INSERT, "first", None)
        raise Undone
    assert kept() == []
    with suppress(Undone, InternalError), transaction.atomic("fresh"):
        later("first")
        with pytest.raises(ProgrammingError, match="syntax"):
            run("SELEC 1")
        raise Undone
    assert kept() == []


def test_after_a_commit_that_fails_the_next_transaction_begins(either):
    run("ALTER TABLE letters ADD UNIQUE (at) DEFERRABLE INITIALLY DEFERRED")
    moment = datetime(2024, 12, 24, tzinfo=UTC)
    either.set_autocommit(False)
    run(INSERT, "a", moment)
    run(INSERT, "b", moment)
    with pytest.raises(IntegrityError):
        either.commit()
    run(INSERT, "c", None)
    assert kept() == []
    either.rollback()
    either.set_autocommit(True)
    assert own() == kept() == []


def test_copying_and_procedures_are_part_of_the_transaction(either):
    run("CREATE FUNCTION pg_temp.letter(text) RETURNS void AS 'INSERT INTO letters (text) VALUES ($1)' LANGUAGE sql")
    for write in (
        lambda cursor: cursor.copy_from(StringIO("x\n"), "letters", columns=["text"]),
        lambda cursor: cursor.callproc("pg_temp.letter", ["x"]),
    ):
        with suppress(Undone), transaction.atomic("fresh"):
            with either.cursor() as cursor:
                write(cursor)
            assert own() == ["x"]
            raise Undone
        assert kept() == []


def test_a_savepoint_that_is_undone_takes_what_was_unsent_along(fresh):
    with transaction.atomic("fresh"):
        later("before")
        with suppress(Undone), transaction.atomic("fresh"):
            later("refused")
            raise Undone
        later("after")
    assert kept() == ["before", "after"]


def test_an_open_transaction_is_not_left_by_turning_autocommit_on(either):
    for write in (run, later):
        either.set_autocommit(False)
        write(*([INSERT, "first", None] if write is run else ["first"]))
        with pytest.raises(ProgrammingError, match="open"):
            either.set_autocommit(True)
        either.rollback()
        either.set_autocommit(True)
        assert kept() == []


def test_a_commit_that_keeps_nothing_says_so(either):
    with pytest.raises(InternalError, match="nothing of it is kept"), transaction.atomic("fresh"):
        run(INSERT, "first", None)
        with suppress(ProgrammingError):
            run("SELECT no_such_column")
    assert kept() == []
    run(INSERT, "second", None)
    assert kept() == ["second"]
