"""Importing a table: one way for browser and command, for the preview and for the import itself.

Rows are read, checked and written in chunks, so that memory does not grow with the file.
"""

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256

from backoffice.exchange.sheets import Outcome, Sheet
from backoffice.exchange.tables import Table
from crm.db.batches import batched

CHUNK = 500  # rows


class Import:
    """Counts what becomes of the rows in `totals`; its `digest` shows whether it does what a preview showed."""

    def __init__(self, sheet: Sheet, table: Table) -> None:
        self.sheet, self.table = sheet, table
        self.totals: Counter[str] = Counter()
        self._hash = sha256()

    def outcomes(self, *, write: bool = False) -> Iterator[Outcome]:
        """What becomes of each row. To `write` takes a transaction, which the caller rolls back if a row is in error.

        Once a row is in error nothing more is written. Raises TableError where the file cannot be read further.
        """
        for chunk in batched(self.table, CHUNK):
            self.sheet.load(chunk, lock=write)
            for row in chunk:
                outcome = self.sheet.import_row(row, write=write and not self.totals["error"])
                self.totals[outcome.kind] += 1
                if outcome.kind != "skip":
                    self._hash.update(repr((row.number, outcome.kind, outcome.changes, outcome.problems)).encode())
                yield outcome
            if write and not self.totals["error"]:
                self.sheet.flush()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()
