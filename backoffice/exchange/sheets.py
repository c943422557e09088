"""Leads and contacts as rows of a table, for export and import.

The columns are the keys of the API's bodies, and a cell may hold what the API's serializer accepts. A row without an id
becomes a new row; one with an id is compared with what an export would write, cell by cell: only cells that differ are
checked, and only those that then mean something else are saved, through the model's verb.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, BinaryIO, NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError as InvalidBody

from backoffice.exchange.lines import WHOLE_ROW
from backoffice.exchange.tables import Row, Table
from contact.models import Contact
from contact.serializers import ContactSerializer
from crm.api.serializers import IdField, ModelSerializer, id_of
from crm.db.models import TimestampedModel, TimestampedQuerySet
from lead.models import ALL, Policy, Restaurant
from lead.serializers import RestaurantSerializer

CHUNK = 2_000  # rows that an export fetches at once


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


@dataclass(frozen=True)
class Importer:
    """The user who imports, and their permissions. No user: the server's command line, which may do everything."""

    user: Any = None
    may_add: bool = True
    may_change: bool = True
    may_hand_over: bool = True
    note: str = ""  # for the history of status and owner


class Sheet:
    """The rows of one table. `import_row` takes them in one by one, after a `load` of what they refer to."""

    model: type[TimestampedModel]
    serializer_class: type[ModelSerializer]
    columns: list[str]
    lookups: dict[str, str] = {}  # where an export reads a column, if not in the field of its name
    unchanged_when_empty: frozenset[str] = frozenset()  # an empty cell in any other column empties the field
    rules: tuple[str, ...] = ("An empty cell empties the field.",)
    instead = "Split it into several files."  # where a file is too long for the browser

    def __init__(self, importer: Importer | None = None) -> None:
        self.importer = importer or Importer()
        self.full, self.partial = self.serializer_class(), self.serializer_class(partial=True)
        for serializer in (self.full, self.partial):
            for serializer_field in serializer.fields.values():
                if isinstance(serializer_field, IdField):
                    serializer_field.check = False  # `reference` looks up many at once
        self.writable = [name for name, field in self.full.fields.items() if not field.read_only]
        self.required = [name for name, field in self.full.fields.items() if field.required]
        self.instances: dict[int, TimestampedModel] = {}
        self.new_instances: list[TimestampedModel] = []  # until the next `flush`
        self.row_numbers: dict[int, int] = {}  # by id, the row that has it

    # --- Export -----------------------------------------------------------------------------------

    def rows(self, queryset: QuerySet) -> Iterator[tuple]:
        """The cells as they are in the database, fetched in chunks by one query."""
        return queryset.values_list(*[self.lookups.get(column, column) for column in self.columns]).iterator(CHUNK)

    # --- Import: where rows come from ---------------------------------------------------------------

    def read(self, file: BinaryIO, *, max_rows: int = 0) -> Table:
        """Raises TableError for a file that is no table of these columns."""
        return Table(file, self.columns, required=self.required, max_rows=max_rows)

    def load(self, rows: Iterable[Row], *, lock: bool) -> None:
        """Fetch what the rows name, in one query a table, locked where they are to be written."""
        queryset = self.model.objects.locked() if lock else self.model.objects.all()
        found = self.visible(queryset).filter(pk__in=set(ids_of(rows, "id"))).order_by("pk")
        self.instances = {instance.pk: instance for instance in found}

    def visible(self, queryset: TimestampedQuerySet) -> TimestampedQuerySet:
        return queryset.visible_to(self.importer.user) if self.importer.user else queryset

    def reference(self, column: str, text: str) -> int:
        """The id that a cell of a foreign key names. Raises ValidationError for none."""
        raise NotImplementedError

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
        except ValidationError as error:
            problems = [
                Problem(column, row.cells.get(column, ""), message)
                for column, messages in error.message_dict.items()
                for message in messages
            ]
            return Outcome(row.number, "error", row.cells.get("name", ""), problems=problems)
        if is_new:
            vars(instance).update(edits)
        kind = "create" if is_new else "update" if edits else "skip"
        if write and is_new:
            self.new_instances.append(instance)
        elif write and edits:
            self.edit(instance, edits)
        return Outcome(row.number, kind, str(instance) or row.cells.get("name", ""), instance, changes)

    def get_instance(self, row: Row) -> TimestampedModel:
        """The row that the id names, or a new one. Raises ValidationError."""
        if row.problems:
            raise ValidationError(row.problems)
        text = row.cells.get("id", "").strip()
        if not text:
            return self.new_instance()
        pk = id_of(text)
        if pk is None or pk not in self.instances:
            raise ValidationError({"id": [f"There is no {self.model._meta.verbose_name} with this id."]})
        return self.instances[pk]

    def new_instance(self) -> TimestampedModel:
        return self.model(created_by=self.importer.user)

    def check_permission(self, instance: TimestampedModel, number: int) -> None:
        """Raises ValidationError where the importer may not write the row, or another row of the file does."""
        names = self.model._meta.verbose_name_plural
        if instance.pk is None:
            if not self.importer.may_add:
                raise ValidationError({WHOLE_ROW: [f"You may not add {names}."]})
            return
        if not self.importer.may_change:
            raise ValidationError({WHOLE_ROW: [f"You may not change {names}."]})
        if (first := self.row_numbers.setdefault(instance.pk, number)) != number:
            raise ValidationError({"id": [f"Row {first:,} has this id already."]})

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
            Change(column, old.get(column, ""), self.as_text(column, edits[source]))
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
            is_reference = isinstance(serializer_field, IdField)
            if not text.strip() and (is_reference or serializer_field.allow_null):
                values[column] = None
            elif is_reference:
                try:
                    values[column] = self.reference(column, text.strip())
                except ValidationError as error:
                    errors[column] = error.messages
            else:
                values[column] = text
        return values, errors

    def text(self, instance: TimestampedModel, column: str) -> str:
        return self.as_text(column, getattr(instance, str(self.full.fields[column].source)))

    def as_text(self, column: str, value: Any) -> str:
        if value is None:
            return ""
        if isinstance(self.full.fields[column], IdField):
            return self.reference_text(column, value)
        return str(value)

    # --- Import: writing ----------------------------------------------------------------------------

    def edit(self, instance: TimestampedModel, edits: dict[str, Any]) -> None:
        """The verb by which a locked row changes."""
        instance.edit(by=self.importer.user, **edits)

    def flush(self) -> None:
        """Write the new rows since the last time in one statement, with their search columns as `save` sets them."""
        self.model.objects.bulk_create(self.new_instances)
        self.new_instances.clear()


def ids_of(rows: Iterable[Row], column: str) -> list[int]:
    return [pk for row in rows if (pk := id_of(row.cells.get(column, "").strip()))]


class LeadSheet(Sheet):
    """Owners are named by their usernames; a new lead that names none belongs to the importer."""

    model = Restaurant
    serializer_class = RestaurantSerializer
    columns = list(RestaurantSerializer.Meta.fields)
    lookups = {"assigned_to": "assigned_to__username"}
    unchanged_when_empty = frozenset({"lead_status", "assigned_to"})
    rules = (
        "An empty cell empties the field, except status and owner, which stay as they are.",
        "Owners are named by their usernames. A new lead that names none is yours, and NEW if it has no status.",
        "created_at and updated_at are read-only and ignored.",
    )
    instead = "Split it, or have it imported on the server: manage.py import_leads FILE"

    @cached_property
    def usernames(self) -> dict[int, str]:
        return dict(get_user_model().objects.values_list("pk", "username"))

    @cached_property
    def user_ids(self) -> dict[str, int]:
        """Of the users whom the importer may name as owners."""
        if self.importer.user is None or settings.ACCESS == ALL:
            return {username: pk for pk, username in self.usernames.items()}
        recipients = Policy.of(self.importer.user).recipients(get_user_model().objects.all())
        return dict(recipients.values_list("username", "pk"))

    def new_instance(self) -> Restaurant:
        return Restaurant(created_by=self.importer.user, assigned_to=self.importer.user)

    def reference(self, column: str, text: str) -> int:
        if text not in self.user_ids:
            raise ValidationError("There is no user with this name.")
        return self.user_ids[text]

    def reference_text(self, column: str, pk: int) -> str:
        return self.usernames.get(pk, "")

    def check(self, instance: TimestampedModel, cells: dict[str, str]) -> tuple[dict[str, Any], list[Change]]:
        """As on the lead's page, another owner is a hand-over."""
        edits, changes = super().check(instance, cells)
        if instance.pk and "assigned_to_id" in edits and not self.importer.may_hand_over:
            raise ValidationError({"assigned_to": ["You may not hand over leads."]})
        return edits, changes

    def edit(self, instance: TimestampedModel, edits: dict[str, Any]) -> None:
        instance.edit(by=self.importer.user, note=self.importer.note, **edits)


class ContactSheet(Sheet):
    """The lead is named by its id; the name beside it is not imported."""

    model = Contact
    serializer_class = ContactSerializer
    columns = ["id", "restaurant", "restaurant_name", *ContactSerializer.Meta.fields[2:]]
    lookups = {"restaurant": "restaurant_id", "restaurant_name": "restaurant__name"}
    rules = (*Sheet.rules, "The lead is named by its id in restaurant; restaurant_name is read-only and ignored.")

    def load(self, rows: Iterable[Row], *, lock: bool) -> None:
        super().load(rows, lock=lock)
        named = self.visible(Restaurant.objects.all()).filter(pk__in=set(ids_of(rows, "restaurant")))
        self.leads = set(named.values_list("pk", flat=True))

    def reference(self, column: str, text: str) -> int:
        pk = id_of(text)
        if pk is None or pk not in self.leads:
            raise ValidationError("There is no lead with this id.")
        return pk
