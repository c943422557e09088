"""Taking a table in: the one way for browser and command, to look what would happen and to make it happen.

Rows are read, checked and written in chunks, so that memory does not grow with the file.
"""

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256

from backoffice.exchange.sheets import Outcome, Sheet
from backoffice.exchange.tables import Row, Table
from crm.db.batches import batched

CHUNK = 500  # rows


class Import:
    """Counts what becomes of the rows in `totals`, and stands for all of it by a `digest`."""

    def __init__(self, sheet: Sheet, table: Table) -> None:
        self.sheet, self.table = sheet, table
        self.totals: Counter[str] = Counter()
        self._seen = sha256()

    def outcomes(self, *, write: bool = False) -> Iterator[Outcome]:
        """What becomes of each row. To `write` it takes a transaction, which the caller undoes if a row is in error.

        Once a row is in error nothing more is written. Raises TableError where the file cannot be read further.
        """
        for chunk in batched(self.table, CHUNK):
            self.sheet.load(chunk, lock=write)
            for row in chunk:
                outcome = self.outcome(row, write=write and not self.totals["error"])
                self.totals[outcome.kind] += 1
                if outcome.kind != "skip":
                    self._seen.update(repr((row.number, outcome.kind, outcome.changes, outcome.problems)).encode())
                yield outcome
            if write and not self.totals["error"]:
                self.sheet.flush()

    def outcome(self, row: Row, *, write: bool) -> Outcome:
        """Raises what is no fault of the row, such as an error of the database."""
        cells = {"row_number": row.number, "problems": row.problems, "dry_run": not write}
        outcome = self.sheet.import_row(row.cells, None, **cells)
        for error in outcome.errors:
            raise error.error
        outcome.number, outcome.cells = row.number, row.cells
        outcome.name = outcome.object_repr or row.cells.get("name", "")
        return outcome

    @property
    def digest(self) -> str:
        return self._seen.hexdigest()
