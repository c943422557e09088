"""Migration operation: the search columns and folded columns of the rows that exist already."""

import sys
from collections.abc import Sequence
from typing import Any

from django.db import models, transaction
from django.db.migrations import RunPython

from crm.db.derived import DerivedField
from crm.db.folding import FoldedField
from crm.db.search import SearchField

BATCH = 2_000  # rows that one statement writes
REPORTED = 20_000  # rows between two lines of progress


class FillDerivedColumns(RunPython):
    """Computes every folded column of the table again, in batches; says on stderr how far it is.

    Each batch is a transaction where the migration is not `atomic`; the whole may be repeated. Rows that are right
    already are not written. No `updated_at` moves, since no documented body changes.
    """

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name
        super().__init__(self.fill, RunPython.noop)

    def fill(self, apps: Any, schema_editor: Any) -> None:
        connection = schema_editor.connection
        model = next(each for each in apps.get_models() if each._meta.label_lower == self.model_name)
        derived = [field for field in model._meta.concrete_fields if isinstance(field, FoldedField | SearchField)]
        read = {name for field in derived for name in [field.name, *field.reads]}
        rows = model._base_manager.using(connection.alias).order_by("pk").only("pk", *read)
        total, done, last = rows.count(), 0, None
        while batch := list((rows if last is None else rows.filter(pk__gt=last))[:BATCH]):
            with transaction.atomic(using=connection.alias):
                write(connection, model, derived, batch)
            last = batch[-1].pk
            done += len(batch)
            if total > REPORTED and done % REPORTED < BATCH:
                print(f"    {self.model_name}: {done:,} of {total:,} rows", file=sys.stderr, flush=True)


def write(connection: Any, model: type[models.Model], derived: Sequence[DerivedField], rows: list[Any]) -> None:
    """One UPDATE of the rows that differ: a statement for each row takes ten times as long."""
    changed = []
    for row in rows:
        before = [getattr(row, field.attname) for field in derived]
        if (values := [field.pre_save(row, add=False) for field in derived]) != before:
            changed.append([row.pk, *values])
    if not changed:
        return
    quote = connection.ops.quote_name
    table, pk = quote(model._meta.db_table), quote(model._meta.pk.column)  # type: ignore[union-attr]
    columns = ", ".join(f"{quote(field.column)} = v.column{place}" for place, field in enumerate(derived, 2))
    row_sql = f"({', '.join(['%s'] * (len(derived) + 1))})"
    values_sql = ", ".join([row_sql] * len(changed))
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {columns} FROM (VALUES {values_sql}) AS v WHERE {table}.{pk} = v.column1",
            [value for row in changed for value in row],
        )
