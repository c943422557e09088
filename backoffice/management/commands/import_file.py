"""Import leads, contacts, interactions, orders or call plans from a CSV file or an XLSX workbook: all rows or none.

It reads the same files as the import of the back office, of any length. Every row is checked before anything is locked;
then all are written in one transaction, so that stopping it does no harm. Rows in error are named on stderr, and the
exit code is 1. With --partial the other rows are imported.
"""

import json
import sys
from pathlib import Path
from typing import Any, BinaryIO

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations
from django.db import IntegrityError, OperationalError, transaction

from backoffice.exchange import imports
from backoffice.exchange.encodings import UnknownEncoding
from backoffice.exchange.finding import DEFAULT_SOURCE
from backoffice.exchange.imports import RowsInError, Run
from backoffice.exchange.kinds import SHEETS
from backoffice.exchange.lines import TableError
from backoffice.models import Import
from crm import dates
from crm.api.exceptions import is_lock_timeout
from crm.db.external_ids import SOURCE_VALIDATOR
from crm.progress import Progress

SHOWN = 50  # rows in error that are named; of the others there is the number
STEP = 100  # rows from one drawing of the progress bar to the next


class Command(BaseCommand):
    help = __doc__
    kind = ""  # that is imported; empty: as --kind says

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        if not self.kind:
            parser.add_argument("--kind", choices=list(SHEETS), required=True, help="what the rows are")
        parser.add_argument("--dry-run", action="store_true", help="check every row and write nothing")
        parser.add_argument(
            "--user", metavar="NAME", help="author of all changes, and owner of new leads that name none"
        )
        parser.add_argument("--source", default=DEFAULT_SOURCE, help="the system that external ids are of")
        parser.add_argument("--match", default="", help="find rows by phone, email, name_city or name too")
        parser.add_argument("--encoding", default="", help="of a file that is not UTF-8")
        parser.add_argument("--mapping", type=json.loads, default={}, help="JSON: columns of the file to ours")
        parser.add_argument("--partial", action="store_true", help="leave rows in error out")
        parser.add_argument("--failed", metavar="FILE", type=Path, help="where to write the rows left out, as CSV")

    @no_translations  # what is stored is in English
    def handle(self, *, file: Path, user: str | None, failed: Path | None = None, **options: Any) -> None:
        kind = self.kind or options["kind"]
        self.check_options(kind, options)
        names = ("source", "match", "encoding", "mapping", "partial")
        imported = Import(kind=kind, name=file.name[:254], **{name: options[name] for name in names})
        imported.user = get_user(user)
        try:
            with file.open("rb") as content:
                self.import_file(imported, content, is_dry_run=options["dry_run"])
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror or error}.") from error
        except UnknownEncoding as error:
            raise CommandError("\n".join([f"{file}: {error}", *samples(error), "Nothing was imported."])) from error
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
        if failed and imported.failed:
            failed.write_bytes(imported.failed)
        done = "Would create" if options["dry_run"] else "Created"
        self.stdout.write(
            f"{done} {imported.created:,}, {'update' if options['dry_run'] else 'updated'} {imported.changed:,}, "
            f"{'skip' if options['dry_run'] else 'skipped'} {imported.unchanged:,} {kind}."
            + (f" {imported.errors:,} rows are in error." if imported.errors else "")
        )

    def check_options(self, kind: str, options: dict[str, Any]) -> None:
        matches = SHEETS[kind].matches
        if options["match"] and options["match"] not in matches:
            raise CommandError(f"--match: {kind} are found by {', '.join(matches) or 'their ids alone'}.")
        try:
            SOURCE_VALIDATOR(options["source"])
        except ValidationError as error:
            raise CommandError(f"--source: {error.messages[0]}") from error

    def import_file(self, imported: Import, content: BinaryIO, *, is_dry_run: bool) -> None:
        """Raises CommandError where rows are in error; then nothing is written."""
        run = imports.run_on_server(imported, content)
        rows = run.scan()
        self.stderr.write(f"{run.table.described}: {rows:,} rows.", self.style.NOTICE)
        for _ in self.progress(run.outcomes(), rows, "rows checked"):
            pass
        self.report(run, rows, is_partial=imported.partial)
        imports.set_totals(imported, run)
        if is_dry_run:
            return
        run = imports.run_on_server(imported, content)
        run.scan()
        try:
            with transaction.atomic():
                imported.created_at = dates.now()
                imported.save()
                for _ in self.progress(imports.write(imported, run), rows, "rows written"):
                    pass
        except RowsInError:
            self.report(run, rows, is_partial=False)

    def progress(self, outcomes: Any, rows: int, unit: str) -> Any:
        with Progress(rows, unit, sys.stderr) as progress:
            for number, outcome in enumerate(outcomes, 1):
                yield outcome
                if number % STEP == 0 or number == rows:
                    progress.advance(number - progress.done)

    def report(self, run: Run, rows: int, *, is_partial: bool) -> None:
        for problem in run.problems:
            text = f" ({problem['text'][:60]!r})" if problem["text"] else ""
            self.stderr.write(f"{imports.said(problem)}{text}")
        if (errors := run.totals["error"]) and not is_partial:
            more = f" The first {SHOWN} are named." if errors > SHOWN else ""
            raise CommandError(f"{errors:,} of {rows:,} rows are in error.{more} Nothing was imported.")


def samples(error: UnknownEncoding) -> list[str]:
    return [f"  --encoding {each.encoding}: {' / '.join(each.sample)}" for each in error.candidates]


def get_user(name: str | None) -> Any:
    if name is None:
        return None
    user = get_user_model().objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user {name!r}.")
    return user
