"""Import leads from a CSV file or an XLSX workbook: all rows or none.

It reads the same files as the import of the back office, of any length. Every row is checked before anything is
locked; then all are written in one transaction. Rows in error are named on stderr, and the exit code is 1.
"""

import sys
from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, OperationalError, transaction

from backoffice.exchange.imports import Import
from backoffice.exchange.lines import TableError
from backoffice.exchange.sheets import Importer, LeadSheet, Outcome
from crm.api.exceptions import is_lock_timeout
from crm.progress import Progress

SHOWN = 50  # rows in error that are named; of the others there is the number
STEP = 100  # rows from one drawing of the progress bar to the next


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="check every row and write nothing")
        parser.add_argument(
            "--user", metavar="NAME", help="author of all changes, and owner of new leads that name none"
        )

    def handle(self, *, file: Path, dry_run: bool, user: str | None, **options: Any) -> None:
        importer = Importer(user=get_user(user), note=f"Imported from {file.name}.")
        try:
            with file.open("rb") as content:
                totals = self.import_table(content, importer, dry_run=dry_run)
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror or error}.") from error
        except TableError as error:
            raise CommandError(f"{file}: {error} Nothing was imported.") from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing was imported.", returncode=130) from None
        except IntegrityError as error:
            raise CommandError("A simultaneous change got in the way. Nothing was imported.") from error
        except OperationalError as error:
            if not is_lock_timeout(error):
                raise
            raise CommandError("Another user is changing the same rows. Nothing was imported; try again.") from error
        done = "Would create" if dry_run else "Created"
        self.stdout.write(
            f"{done} {totals['create']:,}, {'update' if dry_run else 'updated'} {totals['update']:,}, "
            f"{'skip' if dry_run else 'skipped'} {totals['skip']:,} leads."
        )

    def import_table(self, content: BinaryIO, importer: Importer, *, dry_run: bool) -> Counter[str]:
        """Raises CommandError where rows are in error; then nothing is written."""
        table = LeadSheet().read(content)
        rows = sum(1 for _ in table)
        self.stderr.write(f"{table.described}: {rows:,} rows.", self.style.NOTICE)
        totals = self.process(Import(LeadSheet(importer), table), rows, "rows checked")
        if not dry_run:
            with transaction.atomic():
                run = Import(LeadSheet(importer), table)
                totals = self.process(run, rows, "rows written", write=True)
        return totals

    def process(self, run: Import, rows: int, unit: str, *, write: bool = False) -> Counter[str]:
        in_error: list[Outcome] = []
        with Progress(rows, unit, sys.stderr) as progress:
            for number, outcome in enumerate(run.outcomes(write=write), 1):
                if outcome.kind == "error" and len(in_error) < SHOWN:
                    in_error.append(outcome)
                if number % STEP == 0 or number == rows:
                    progress.advance(number - progress.done)
        for outcome in in_error:
            self.report(outcome)
        if errors := run.totals["error"]:
            more = f" The first {SHOWN} are named." if errors > SHOWN else ""
            raise CommandError(f"{errors:,} of {rows:,} rows are in error.{more} Nothing was imported.")
        return run.totals

    def report(self, outcome: Outcome) -> None:
        for problem in outcome.problems:
            column = f", {problem.column}" if problem.column else ""
            text = f" ({problem.text[:60]!r})" if problem.text else ""
            self.stderr.write(f"Row {outcome.number:,}{column}: {problem.message}{text}")


def get_user(name: str | None) -> Any:
    if name is None:
        return None
    user = get_user_model().objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user {name!r}.")
    return user
