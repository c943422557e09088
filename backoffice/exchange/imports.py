"""Importing a table: one way for browser, API and command, for the preview and for the import itself.

Rows are read, checked and written in chunks, so that memory does not grow with the file.
"""

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from typing import Any, BinaryIO

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext_lazy

from backoffice.exchange.exports import csv_of
from backoffice.exchange.finding import Importer
from backoffice.exchange.journal import record
from backoffice.exchange.kinds import SHEETS
from backoffice.exchange.lines import TableError
from backoffice.exchange.sheets import Outcome, Sheet
from backoffice.exchange.tables import PROBLEM, Table
from backoffice.models import Import
from backoffice.words import stores_english
from crm import dates
from crm.db.batches import batched

CHUNK = 500  # rows
SHOWN = 254  # characters of a wrong cell that are stored
NAMED = 50  # rows in error whose problems are stored
MAX_ROWS = 5_000  # of an import in the browser and by the API


class RowsInError(Exception):
    """Rows are in error, and the import was not to leave them out. `run` has the outcomes' totals."""

    def __init__(self, run: "Run") -> None:
        self.run = run
        errors, rows = run.totals["error"], run.totals.total()
        super().__init__(f"{errors:,} of {rows:,} rows are in error.")


class Changed(Exception):
    """The import would not do what the preview showed: a row is in error now, or has been changed meanwhile."""


class Run:
    """Counts what becomes of the rows in `totals`; its `digest` shows whether it does what a preview showed."""

    def __init__(self, sheet: Sheet, table: Table) -> None:
        self.sheet, self.table = sheet, table
        self.totals: Counter[str] = Counter()
        self.failed: dict[int, str] = {}  # by row, what is wrong
        self.problems: list[dict[str, Any]] = []  # of the first rows in error
        self._hash = sha256()

    def scan(self) -> int:
        """Look for what several rows have in common. Returns their number. Raises TableError."""
        return self.sheet.scan(self.table)

    def outcomes(self, *, imported: Import | None = None) -> Iterator[Outcome]:
        """What becomes of each row, after a `scan`. With an `imported` it is written, and so is the journal.

        To write takes a transaction; unless the import is partial, nothing more is written once a row is in error, and
        the caller rolls back. Raises TableError where the file cannot be read further.
        """
        sheet = self.sheet
        for chunk in batched(self.table, CHUNK):
            sheet.load(chunk, lock=bool(imported))
            for row in chunk:
                write = bool(imported) and (imported.partial or not self.failed)  # type: ignore[union-attr]
                outcome = sheet.import_row(row, write=write)
                self.totals[outcome.kind] += 1
                if outcome.kind == "error":
                    if len(self.failed) < NAMED:
                        self.problems += [as_json(outcome.number, each) for each in outcome.problems]
                    self.failed[row.number] = " ".join(problem_text(each) for each in outcome.problems)
                if outcome.kind != "skip":
                    self._hash.update(repr((row.number, outcome.kind, outcome.changes, outcome.problems)).encode())
                yield outcome
            if imported and (imported.partial or not self.failed):
                sheet.flush()
                record(imported, sheet.model, sheet.written, sheet.before)
            sheet.written.clear()
            sheet.new_instances.clear()
            sheet.new_ids.clear()

    def again(self, outcomes: list[Outcome]) -> list[Outcome]:
        """These outcomes in the language of the page: what was stored of them is in English."""
        numbers = {outcome.number for outcome in outcomes}
        rows = [row for row in self.table if row.number in numbers]
        self.sheet.load(rows, lock=False)
        return [self.sheet.import_row(row, write=False) for row in rows]

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def failed_rows(self) -> Iterator[list[str]]:
        """The rows in error as they are in the file, each with what is wrong."""
        for number, line in self.table.numbered():
            if number in self.failed:
                cells = [str(cell) for cell in line[: len(self.table.labels)]]
                yield [*cells, *[""] * (len(self.table.labels) - len(cells)), self.failed[number]]

    def failed_csv(self) -> bytes:
        return b"".join(csv_of([*self.table.labels, PROBLEM], self.failed_rows()))


def as_json(row: int, problem: Any) -> dict[str, Any]:
    """PostgreSQL stores no NUL in JSON."""
    return {"row": row, **problem._asdict(), "text": problem.text.replace("\0", "\ufffd")[:SHOWN]}


def problem_text(problem: Any) -> str:
    return f"{problem.column}: {problem.message}" if problem.column else problem.message


def said(problem: dict[str, Any]) -> str:
    """One of a run's `problems` as a person would say it."""
    return f"Row {problem['row']:,}{', ' if problem['column'] else ''}{problem['column']}: {problem['message']}"


def importer_of(imported: Import, *, by_role: bool) -> Importer:
    """The user of the import: with their permissions in the admin, and with all through the API and on the server."""
    user, sheet = imported.user, SHEETS[imported.kind]
    permissions = {}
    if user and by_role:
        _, may_add, may_change = (user.has_perm(name) for name in sheet.permissions)
        permissions = {
            "may_add": may_add,
            "may_change": may_change,
            "may_hand_over": user.has_perm("lead.hand_over_restaurant"),
        }
    note = f"Imported from {imported.name}."
    return Importer(user=user, note=note, source=imported.source, match=imported.match, **permissions)


def run_of(imported: Import, *, by_role: bool = True) -> Run:
    """The run of the stored file, on behalf of its user. Raises TableError."""
    importer = importer_of(imported, by_role=by_role)
    return run(imported, BytesIO(imported.content or b""), importer, max_rows=MAX_ROWS)


def run_on_server(imported: Import, file: BinaryIO) -> Run:
    """The run of a file of any length, on behalf of the server's operator. Raises TableError."""
    return run(imported, file, importer_of(imported, by_role=False), max_rows=0)


def run(imported: Import, file: BinaryIO, importer: Importer, *, max_rows: int) -> Run:
    sheet = SHEETS[imported.kind](importer)
    return Run(sheet, sheet.read(file, max_rows=max_rows, mapping=imported.mapping, encoding=imported.encoding))


def write(imported: Import, run: Run) -> Iterator[Outcome]:
    """Import a file whose `imported` is saved and locked, in a transaction of the caller's.

    Raises RowsInError at the end where rows are in error and the import is not partial.
    """
    yield from run.outcomes(imported=imported)
    if run.failed and not imported.partial:
        raise RowsInError(run)
    finish(imported, run)


def finish(imported: Import, run: Run) -> None:
    imported.status, imported.imported_at, imported.content = Import.Status.IMPORTED, dates.now(), None
    imported.failed = run.failed_csv() if run.failed else None
    store_totals(imported, run)


def store_totals(imported: Import, run: Run) -> None:
    set_totals(imported, run)
    imported.save()


def set_totals(imported: Import, run: Run) -> None:
    totals = run.totals
    imported.created, imported.changed = totals["create"], totals["update"]
    imported.unchanged, imported.errors = totals["skip"], totals["error"]
    imported.problems = run.problems
    imported.described, imported.digest = run.table.described, run.digest


def check_rows(run: Run) -> None:
    """Look at all rows once. Raises TableError where there are none."""
    if not run.scan():
        raise TableError(gettext_lazy("There are no rows under the header."))  # said in the language of the page


def preview(imported: Import, *, by_role: bool = True) -> tuple[Run, list[Outcome]]:
    """What the stored file would do; written nowhere but in the totals of `imported`. Raises TableError."""
    run = run_of(imported, by_role=by_role)
    with translation.override(None):  # what is stored is in English, whatever the language of the page
        check_rows(run)
        outcomes = list(run.outcomes())
        store_totals(imported, run)
    return run, outcomes


@stores_english
def confirm(imported: Import, digest: str, *, by_role: bool = True) -> Run:
    """Import the stored file, whose row is locked, if that does what the preview with the `digest` showed.

    Raises Changed where it does not, RowsInError, TableError; the caller rolls back.
    """
    run = run_of(imported, by_role=by_role)
    run.scan()
    with transaction.atomic():
        for _outcome in write(imported, run):
            pass
        if run.digest != digest:
            raise Changed
    return run
