"""Take an import back: new rows are deleted, changed ones become what they were; those changed since stay."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations
from django.db import transaction

from backoffice.exchange.journal import revert
from backoffice.models import Import


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int, help="of the import")

    @no_translations  # what is stored is in English
    def handle(self, *, id: int, **options: Any) -> None:
        with transaction.atomic():
            imports = Import.objects.select_for_update().exclude(status=Import.Status.PREVIEWED)
            imported = imports.filter(pk=id).first()
            if imported is None:
                raise CommandError(f"There is no import {id}.")
            rows = imported.rows.count()
            revert(imported, by=imported.user)
        remaining = list(imported.remaining_rows)
        for entry in remaining:
            self.stderr.write(f"Row {entry.row:,}, id {entry.object_id}: {entry.reason_remaining}")
        self.stdout.write(f"Took {rows - len(remaining):,} rows back; {len(remaining):,} stay.")
