"""`manage.py import_leads`: the same import for files of any length."""

import os
import subprocess
import sys
import tracemalloc
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError

from backoffice.exchange.imports import Run
from backoffice.exchange.kinds import LeadSheet
from backoffice.tests.support import csv_file, xlsx_file
from lead.models import Restaurant


@pytest.fixture
def file(tmp_path):
    return tmp_path / "leads.csv"


def import_leads(*args) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    try:
        call_command("import_leads", *map(str, args), stdout=out, stderr=err, no_color=True)
    except CommandError as error:
        err.write(str(error))
    return out.getvalue(), err.getvalue()


def test_a_file_is_imported_on_behalf_of_a_user(file, user, lead):
    file.write_bytes(csv_file(["id", "name", "city"], ["", "Bistro Ben", ""], [lead.pk, "Bistro Anna", "Goa"]))
    out, err = import_leads(file, "--user", "kam")
    assert out == "Created 1, updated 1, skipped 0 leads.\n"
    assert err == "CSV in UTF-8, separated by commas: 2 rows.\n"
    new = Restaurant.objects.get(name="Bistro Ben")
    assert (new.created_by, new.assigned_to, new.search) == (user, user, "bistro ben")
    lead.refresh_from_db()
    assert lead.city == "Goa"


def test_new_leads_imported_without_a_user_are_unowned(file, db):
    file.write_bytes(xlsx_file(["name"], ["Bistro Anna"]))
    import_leads(file)
    lead = Restaurant.objects.get()
    assert (lead.created_by, lead.assigned_to) == (None, None)


def test_a_dry_run_writes_nothing(file, lead):
    file.write_bytes(csv_file(["id", "name"], ["", "Bistro Ben"], [lead.pk, "Bistro Cem"]))
    out, _ = import_leads(file, "--dry-run")
    assert out == "Would create 1, update 1, skip 0 leads.\n"
    assert [row.name for row in Restaurant.objects.all()] == ["Bistro Anna"]


def test_nothing_is_imported_with_one_row_in_error(file, lead):
    rows = [["", "Bistro Ben", ""], [lead.pk, "Bistro Cem", "x@"], [7_777_777, "Bistro Dora", ""]]
    file.write_bytes(csv_file(["id", "name", "email"], *rows))
    out, err = import_leads(file)
    assert out == ""
    assert err.splitlines()[1:] == [
        "Row 3, email: Enter a valid email address. ('x@')",
        "Row 4, id: There is no lead with this id. ('7777777')",
        "2 of 3 rows are in error. Nothing was imported.",
    ]
    assert [row.name for row in Restaurant.objects.all()] == ["Bistro Anna"]


def test_only_the_first_of_many_rows_in_error_are_named(file, db):
    file.write_bytes(csv_file(["name", "email"], *[["", "x@"]] * 60))
    _, err = import_leads(file)
    assert err.count("Row ") == 100
    assert err.endswith("60 of 60 rows are in error. The first 50 are named. Nothing was imported.")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name,colour\nA,B\n", "The column “colour” is not known."),
        (b'name\n"A', "Row 2 (line 2): unexpected end of data. Nothing was imported."),
        (None, "No such file or directory."),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(content, message, file, db):
    if content is not None:
        file.write_bytes(content)
    assert message in import_leads(file)[1]


def test_an_unknown_user_is_an_error(file, db):
    assert "There is no user 'nobody'." in import_leads(file, "--user", "nobody")[1]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (KeyboardInterrupt(), "Stopped. Nothing was imported."),
        (IntegrityError(), "A simultaneous change got in the way. Nothing was imported."),
        (OperationalError("database is locked"), "Another user is changing the same rows. Nothing was imported"),
    ],
)
def test_an_interrupted_import_writes_nothing(error, message, file, db, monkeypatch):
    file.write_bytes(csv_file(["name"], *[["Bistro"]] * 1_200))
    flush = LeadSheet.flush

    def fail(sheet):
        if Restaurant.objects.count() >= 1_000:
            raise error
        flush(sheet)

    monkeypatch.setattr(LeadSheet, "flush", fail)
    assert message in import_leads(file)[1]
    assert not Restaurant.objects.exists()


def test_a_row_that_fails_after_the_check_rolls_all_back(file, lead, monkeypatch):
    file.write_bytes(csv_file(["id", "name"], ["", "Bistro Ben"], [lead.pk, "Bistro Cem"]))
    outcomes = Run.outcomes

    def deleted_meanwhile(run, *, imported=None):
        if imported:
            Restaurant.objects.all().delete()
        return outcomes(run, imported=imported)

    monkeypatch.setattr(Run, "outcomes", deleted_meanwhile)
    assert "1 of 2 rows are in error." in import_leads(file)[1]
    assert [row.name for row in Restaurant.objects.all()] == ["Bistro Anna"]


def test_the_exit_code_is_1_when_rows_are_in_error(file, tmp_path):
    file.write_bytes(b"colour\nred\n")
    command = [sys.executable, "manage.py", "import_leads", str(file)]
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite3"}
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "The first row does not name the columns." in done.stderr


def test_the_memory_of_an_import_does_not_grow_with_its_rows(file, db):
    def peak(rows: int) -> int:
        file.write_bytes(csv_file(["name", "notes"], *[["Bistro Anna", "Likes oil. " * 200]] * rows))
        tracemalloc.start()
        import_leads(file)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(1_500) < 1.2 * peak(500)
