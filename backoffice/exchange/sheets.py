"""Rows of one kind as rows of a table, for export and import: what all kinds share. The kinds are in `kinds`.

The columns are the keys of the API's bodies, and a cell may hold what the API's serializer accepts. A row of the file
is found among ours (`finding`) or becomes a new one. It is compared with what an export would write, cell by cell: only
cells that differ are checked, and only those that then mean something else are saved, by the model's verb.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, ClassVar, NamedTuple

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import ValidationError as InvalidBody

from backoffice.exchange.finding import (
    CHUNK,
    EXTERNAL_ID,
    LEAD_EXTERNAL_ID,
    Finder,
    Importer,
    Match,
    missing,
    moment_text,
    owner_of,
)
from backoffice.exchange.lines import WHOLE_ROW
from backoffice.exchange.tables import Columns, Row, Table
from crm.api.serializers import IdField, ModelSerializer, UTCDateTimeField, id_of
from crm.db.external_ids import MAX_VALUE
from crm.db.models import TimestampedModel
from lead.models.restaurant import EXTERNAL_ID_TAKEN

__all__ = ["Change", "Importer", "Match", "Outcome", "Problem", "Sheet"]
SHORTENED = re.compile(r"[+-]?\d(?:[.,]\d+)?E\+?\d+", re.IGNORECASE)  # what Excel makes of long numbers


class Problem(NamedTuple):
    """What is wrong in a row: in which column (WHOLE_ROW: in the row itself), with its text."""

    column: str
    text: str
    message: str


class Change(NamedTuple):
    """What a row does to a cell; of a new row, `old` is empty."""

    column: str
    old: str
    new: str


@dataclass(slots=True)
class Outcome:
    """What becomes of a row: `kind` is "create", "update", "skip" or "error"; an error has no instance."""

    number: int
    kind: str
    name: str
    instance: TimestampedModel | None = None
    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class Sheet(Finder):
    """The rows of one kind. `import_row` takes them in one by one, after a `load` of what they refer to.

    `scan` sees all rows before: two rows of a file with one key are in error, both.
    """

    kind: ClassVar[str]
    serializer_class: type[ModelSerializer]
    columns: list[str]  # of an export
    further_columns: tuple[str, ...] = ()  # of an import
    synonyms: Mapping[str, str] = {}
    lookups: Mapping[str, str] = {}  # where an export reads a column, if not in the field of its name
    unchanged_when_empty: frozenset[str] = frozenset()  # an empty cell in any other column empties the field
    rules: tuple[Any, ...] = (gettext_lazy("An empty cell empties the field."),)
    instead: Any = gettext_lazy("Split it into several files.")  # where a file is too long for the browser
    permissions: tuple[str, str, str] = ("", "", "")  # to import, to add, to change

    def __init__(self, importer: Importer | None = None) -> None:
        super().__init__(importer or Importer())
        context = {"references_are_known": True}  # `reference` looks up many at once
        self.full = self.serializer_class(context=context)
        self.partial = self.serializer_class(partial=True, context=context)
        for serializer in (self.full, self.partial):
            for serializer_field in serializer.fields.values():
                if isinstance(serializer_field, IdField):
                    serializer_field.check = False
        fields = {name: field for name, field in self.full.fields.items() if name in self.columns}
        self.writable = [name for name, field in fields.items() if not field.read_only]
        self.required = [name for name, field in fields.items() if field.required and not field.read_only]
        self.new_instances: list[tuple[Row, TimestampedModel]] = []  # until the next `flush`
        self.new_ids: list[Any] = []  # external ids, until then too
        self.written: list[tuple[int, TimestampedModel, bool]] = []  # number, row, whether it is new; until then too

    # --- Export -----------------------------------------------------------------------------------

    def rows(self, queryset: QuerySet) -> Iterator[tuple]:
        """The cells as they are in the database, fetched in chunks by one query."""
        return queryset.values_list(*[self.lookups.get(column, column) for column in self.columns]).iterator(CHUNK)

    # --- Import: where rows come from ---------------------------------------------------------------

    @property
    def import_columns(self) -> Columns:
        own = [EXTERNAL_ID] if self.external_ids else []
        leads = [LEAD_EXTERNAL_ID] if self.lead_column else []
        required = [(name, LEAD_EXTERNAL_ID) if name == self.lead_column else (name,) for name in self.required]
        return Columns([*self.columns, *self.further_columns, *own, *leads], self.synonyms, required)

    def read(self, file: BinaryIO, *, max_rows: int = 0, is_draft: bool = False, mapping=None, encoding="") -> Table:
        """Raises TableError for a file that is no table of these columns."""
        columns = self.import_columns
        return Table(file, columns, max_rows=max_rows, is_draft=is_draft, mapping=mapping, encoding=encoding)

    def reference(self, column: str, text: str) -> int:
        """The id that a cell of a foreign key names. Raises ValidationError for none."""
        pk = id_of(text)
        if column != self.lead_column or pk is None or pk not in self.leads:
            raise ValidationError(missing("lead", self.lead_survivors.get(pk or 0)))
        return pk

    def reference_text(self, column: str, pk: int) -> str:
        return str(pk)

    # --- Import: a row ------------------------------------------------------------------------------

    def import_row(self, row: Row, *, write: bool) -> Outcome:
        """Check a loaded row. To `write` it, save its edits, or collect it for the next `flush` if it is new."""
        try:
            instance = self.get_instance(row)
            is_new = instance.pk is None
            self.check_permission(instance, row.number)
            edits, changes = self.check(instance, row.cells)
            changes += self.external_id_change(instance, row)
        except ValidationError as error:
            problems = [
                Problem(column, row.cells.get(column, ""), message)
                for column, messages in error.message_dict.items()
                for message in messages
            ]
            return Outcome(row.number, "error", row.cells.get("name", ""), problems=problems)
        if is_new:
            vars(instance).update(edits)
        kind = "create" if is_new else "update" if changes else "skip"
        if write:
            if is_new:
                self.new_instances.append((row, instance))
            elif changes:
                if edits:
                    self.edit(instance, edits)
                self.written.append((row.number, instance, False))
                self.add_external_id(instance, row)
        return Outcome(row.number, kind, self.name_of(instance, row), instance, changes)

    def name_of(self, instance: Any, row: Row) -> str:
        return str(instance) or row.cells.get("name", "")

    def check_permission(self, instance: TimestampedModel, number: int) -> None:
        """Raises ValidationError where the importer may not write the row, or another row of the file does."""
        if instance.pk is None:
            if not self.importer.may_add:
                raise ValidationError({WHOLE_ROW: [_("You may not add %(rows)s.") % {"rows": self.label}]})
            return
        if not self.importer.may_change:
            raise ValidationError({WHOLE_ROW: [_("You may not change %(rows)s.") % {"rows": self.label}]})
        if (first := self.row_numbers.setdefault(instance.pk, number)) != number:
            raise self.is_same(first)

    def external_id_change(self, instance: TimestampedModel, row: Row) -> list[Change]:
        """What the row adds. Raises ValidationError where the external id is another row's, or none."""
        value = row.cells.get(EXTERNAL_ID, "").strip()
        if not self.external_ids or not value:
            return []
        if len(value) > MAX_VALUE or "\0" in value:
            raise ValidationError({EXTERNAL_ID: [_("Use at most %(count)s characters.") % {"count": MAX_VALUE}]})
        named = self.known.get(value)
        if named is not None and named != instance.pk:
            raise ValidationError({EXTERNAL_ID: [EXTERNAL_ID_TAKEN]})
        return [] if named else [Change(EXTERNAL_ID, "", value)]

    def check(self, instance: TimestampedModel, cells: dict[str, str]) -> tuple[dict[str, Any], list[Change]]:
        """The values by field that the cells change, and the same by column. Raises ValidationError, by column."""
        is_new = instance.pk is None
        old = {} if is_new else {column: self.text(instance, column) for column in self.writable if column in cells}
        texts = {
            column: cells[column] for column in self.writable if column in cells and self.is_edit(column, cells, old)
        }
        values, errors = self.values(texts)
        try:
            checked = (self.full if is_new else self.partial).run_validation(values)
        except InvalidBody as error:
            detail: Any = error.detail
            errors = {column: list(map(str, messages)) for column, messages in detail.items()} | errors
        if errors:
            raise ValidationError(errors)
        edits = {name: value for name, value in checked.items() if is_new or getattr(instance, name) != value}
        changes = [
            Change(column, old.get(column, ""), self.shown_text(column, edits[source]))
            for column in texts
            if (source := self.full.fields[column].source) in edits
        ]
        return edits, changes

    def is_edit(self, column: str, cells: dict[str, str], old: dict[str, str]) -> bool:
        """Whether the cell has to be checked: not where it repeats an export, nor where empty means unchanged."""
        text = cells[column]
        if column in self.unchanged_when_empty and not text.strip():
            return False
        if not old:
            return bool(text) or column in self.required
        return text != old[column].replace("\r\n", "\n").replace("\r", "\n")

    def values(self, texts: dict[str, str]) -> tuple[dict[str, Any], dict[str, list[str]]]:
        """The serializer's input for the cells' texts, and what is wrong with references."""
        values: dict[str, Any] = {}
        errors: dict[str, list[str]] = {}
        for column, text in texts.items():
            serializer_field = self.full.fields[column]
            if column == "phone" and SHORTENED.fullmatch(text.strip()):
                text = _("Excel has shortened this number. Format the column as text and enter it again.")
                errors[column] = [text]
                continue
            is_reference = isinstance(serializer_field, IdField)
            if not text.strip() and (is_reference or serializer_field.allow_null):
                values[column] = None
            elif is_reference:
                try:
                    values[column] = self.reference(column, text.strip())
                except ValidationError as error:
                    errors[column] = error.messages
            else:
                is_moment = isinstance(serializer_field, UTCDateTimeField)
                values[column] = moment_text(text.strip()) if is_moment else text
        return values, errors

    def text(self, instance: TimestampedModel, column: str) -> str:
        return self.as_text(column, getattr(instance, str(self.full.fields[column].source)))

    def shown_text(self, column: str, value: Any) -> str:
        """For people: a lead has its name beside its id."""
        text = self.as_text(column, value)
        return f"{text}, {self.leads[value]}" if column == self.lead_column and value in self.leads else text

    def as_text(self, column: str, value: Any) -> str:
        if value is None:
            return ""
        if isinstance(self.full.fields[column], IdField):
            return self.reference_text(column, value)
        return str(value)

    # --- Import: writing ----------------------------------------------------------------------------

    def edit(self, instance: Any, edits: dict[str, Any]) -> None:
        """The verb by which a locked row changes."""
        instance.edit(by=self.importer.user, **edits)

    def create(self, instances: list[Any]) -> list[Any]:
        """Write new rows in one statement, with their search columns as `save` sets them."""
        return self.model._default_manager.bulk_create(instances)

    def flush(self) -> None:
        """Write the new rows since the last time, and external ids."""
        created = self.create([instance for _, instance in self.new_instances])
        for (row, _instance), instance in zip(self.new_instances, created, strict=True):
            self.written.append((row.number, instance, True))
            self.add_external_id(instance, row)
        self.new_instances.clear()
        if self.external_ids:
            self.external_ids._default_manager.bulk_create(self.new_ids)
        self.new_ids.clear()

    def add_external_id(self, instance: Any, row: Row) -> None:
        value = row.cells.get(EXTERNAL_ID, "").strip()
        if self.external_ids and value and value not in self.known:
            owner = {owner_of(self.external_ids).name: instance}
            self.new_ids.append(
                self.external_ids(source=self.importer.source, value=value, created_by=self.importer.user, **owner)
            )
