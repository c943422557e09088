"""`manage.py move_to`: a filled SQLite file moves to PostgreSQL, or to another file where the tests run on SQLite."""

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from shutil import copy
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection

from backoffice.accounts.roles import ROLES
from backoffice.management.commands.move_to import FILLED_BY_MIGRATE
from crm.tests.server import Database, manage, new_database
from trials.moving import result, run

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def moved(django_db_setup, tmp_path_factory) -> Iterator[SimpleNamespace]:
    """One move, after one that was stopped and one that failed, and what was found before and after."""
    source = tmp_path_factory.mktemp("source") / "db.sqlite3"
    url = f"sqlite:///{source}"
    known = result(run(url, "fill"))
    before = result(run(url, "answers", known))
    with new_database(f"{connection.settings_dict['NAME']}_target") as target:
        stopped = run(url, "interrupted_move", target.url, check=False)
        filled = [filled_tables(target)]
        broken = source.with_name("broken.sqlite3")
        copy(source, broken)
        with closing(sqlite3.connect(broken, isolation_level=None)) as connected:
            connected.execute("UPDATE contact_contact SET restaurant_id = 999999 WHERE id = 3")
        failed = manage(f"sqlite:///{broken}", "move_to", target.url, check=False, capture_output=True, text=True)
        filled.append(filled_tables(target))

        done = run(url, "move", target.url)
        after = result(run(target.url, "answers", known))
        used = result(run(target.url, "use", known))
        again = manage(url, "move_to", target.url, check=False, capture_output=True, text=True)
        yield SimpleNamespace(**locals())


def filled_tables(database: Database) -> list[str]:
    """The tables that a migrated database without data has no rows in, and this one has."""
    tables = [table for table in apps.get_models(include_auto_created=True) if table not in FILLED_BY_MIGRATE]
    return [
        table._meta.db_table
        for table in tables
        if database.run(f"SELECT count(*) FROM {table._meta.db_table}") != [(0,)]
    ]


def error_of(process: subprocess.CompletedProcess) -> str:
    """The one line of a refusal."""
    [line] = process.stderr.splitlines()
    return line


# --- What moves -----------------------------------------------------------------------------------


def test_no_table_is_empty_before_the_move(moved):
    """Of a new table moving.fill has to create a row."""
    assert moved.before["empty"] == []


def test_every_row_of_every_table_is_the_same_after_the_move(moved):
    assert len(moved.before["rows"]) > 250
    assert moved.after["rows"] == moved.before["rows"]


def test_every_answer_of_the_api_is_the_same_after_the_move(moved):
    assert [status for status, *_ in moved.before["api"].values()].count(200) > 140
    assert moved.after["api"] == moved.before["api"]


def test_every_list_of_the_admin_has_as_many_rows_after_the_move(moved):
    """They are read with a session from before."""
    assert {status for status, _ in moved.before["admin"].values()} == {200}
    assert moved.after["admin"] == moved.before["admin"]


def test_what_is_written_during_the_move_is_not_half_moved(moved):
    with closing(sqlite3.connect(moved.source)) as source:
        assert source.execute("SELECT count(*) FROM contact_contact").fetchone() == (0,)
    assert moved.done.returncode == 0


def test_tokens_keys_and_second_factors_work_after_the_move(moved):
    assert moved.used["me"] == "demo"
    assert (moved.used["refreshed"], moved.used["revoked"]) == (200, 401)
    assert moved.used["replayed"] == [201, "true", moved.known["first"]]
    assert moved.used["after the password"][0] == 302
    assert moved.used["after the password"][1].startswith("/admin/login/code/")


def test_search_finds_the_moved_rows(moved):
    assert moved.known["lead"] in moved.used["found"]


def test_rows_of_every_kind_are_created_after_the_move(moved):
    assert moved.used["created"] == [201, 201, 201, 201, 200, 401]


def test_the_id_of_a_deleted_row_is_not_used_again(moved):
    assert moved.used["new lead"] > moved.known["gone"]


def test_the_end_says_what_to_do_next(moved):
    assert "Moved" in moved.done.stdout and "Now set DATABASE_URL" in moved.done.stdout


# --- What is refused ------------------------------------------------------------------------------


def test_a_stopped_move_leaves_no_data(moved):
    assert "Stopped. Nothing was moved; the target has no data." in moved.stopped.stderr
    assert moved.filled[0] == []


def test_a_row_without_its_parent_stops_the_move_and_leaves_no_data(moved):
    assert moved.failed.returncode == 1
    assert "Nothing was moved" in error_of(moved.failed) and "contact_contact" in error_of(moved.failed)
    assert moved.filled[1] == []


def test_a_target_with_data_is_refused(moved):
    assert moved.again.returncode == 1
    assert error_of(moved.again).startswith("CommandError: The target is not empty: ")


def test_a_wrong_address_is_refused_in_one_line(moved):
    folder = moved.source.parent
    expected = {
        "mysql://crm:secret@127.0.0.1/crm": "DATABASE_URL is invalid: expected sqlite:///path or postgres://",
        "postgres://crm:secret@127.0.0.1:1/crm": "The target does not answer: ",
        "sqlite:////no/such/folder/db.sqlite3": "The target does not answer: unable to open database file",
        moved.url: "DATABASE_URL is the present database.",
        f"sqlite:///{folder}/../{folder.name}/db.sqlite3": "DATABASE_URL is the present database.",
    }
    messages = result(run(moved.url, "refusals", list(expected)))
    for message, beginning in zip(messages, expected.values(), strict=True):
        assert message.startswith(beginning)
        assert "\n" not in message and "secret" not in message


def test_a_source_without_all_migrations_is_refused(tmp_path: Path):
    refused = manage(
        f"sqlite:///{tmp_path}/old.sqlite3",
        *("move_to", f"sqlite:///{tmp_path}/new.sqlite3"),
        check=False,
        capture_output=True,
        text=True,
    )
    assert error_of(refused) == "CommandError: The present database is not up to date: run manage.py migrate first."


# --- What the command relies on -------------------------------------------------------------------


def test_migrations_fill_no_other_tables(db):
    tables = apps.get_models(include_auto_created=True)
    assert [table for table in tables if table not in FILLED_BY_MIGRATE and table._base_manager.exists()] == []
    assert set(Group.objects.values_list("name", flat=True)) <= set(ROLES)
