"""What leads and contacts are as rows of a table, for export and import (django-import-export).

The columns are the keys of the API's bodies, and what a cell may hold is what the API's serializer takes. A row without
an id becomes a new row; one with an id is compared with what an export would write, cell by cell: only what differs
is looked at, and only what then means something else is saved, through the model's verb.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO, NamedTuple

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from import_export.fields import Field
from import_export.resources import ModelResource
from import_export.results import RowResult
from rest_framework.exceptions import ValidationError as InvalidBody

from backoffice.exchange.tables import WHOLE_ROW, Row, Table
from contact.models import Contact
from contact.serializers import ContactSerializer
from crm.api.serializers import IdField, ModelSerializer, id_of
from crm.db.models import TimestampedModel, TimestampedQuerySet
from lead.models import Restaurant
from lead.serializers import RestaurantSerializer

CHUNK = 2_000  # rows that an export fetches at once


class Problem(NamedTuple):
    """What is wrong in a row: in which column (none: in the row itself), with its text."""

    column: str
    text: str
    message: str


class Change(NamedTuple):
    """What a row does to a cell; of a new row, `old` is empty."""

    column: str
    old: str
    new: str


class Outcome(RowResult):
    """What becomes of a row: `kind` says it in a word."""

    KINDS = {"new": "create", "update": "update", "skip": "skip", "invalid": "error"}

    number = 0
    name = ""
    cells: dict[str, str] = {}
    changes: list[Change] = []

    @property
    def kind(self) -> str:
        return self.KINDS[self.import_type]

    @property
    def problems(self) -> list[Problem]:
        found = self.validation_error.message_dict if self.validation_error else {}
        return [
            Problem(column, self.cells.get(column, ""), message)
            for column, messages in found.items()
            for message in messages
        ]


@dataclass(frozen=True)
class Importer:
    """On whose behalf rows are written, and what they may do. Without a user, as on a server's command line, all."""

    user: Any = None
    may_add: bool = True
    may_change: bool = True
    may_hand_over: bool = True
    note: str = ""  # for the history of status and owner


class Sheet(ModelResource):
    """One table's rows. Of django-import-export, `import_row` leads through the steps that are filled in here.

    Its own checks, writing and previews are not used: they know neither the API's validators nor the models' verbs, and
    hold a file and its whole result in memory.
    """

    serializer_class: type[ModelSerializer]
    kept_when_empty: frozenset[str] = frozenset()  # an empty cell in any other column empties the field
    rules: tuple[str, ...] = ("An empty cell empties the field.",)
    instead = "Split it into several files."  # where a file is too long for the browser

    def __init__(self, importer: Importer | None = None) -> None:
        super().__init__()
        self.importer = importer or Importer()
        self.full, self.partial = self.serializer_class(), self.serializer_class(partial=True)
        for serializer in (self.full, self.partial):
            for field in serializer.fields.values():
                if isinstance(field, IdField):
                    field.check = False  # `reference` asks for many at once
        self.writable = [name for name, field in self.full.fields.items() if not field.read_only]
        self.required = [name for name, field in self.full.fields.items() if field.required]
        self.instances: dict[int, TimestampedModel] = {}
        self.rows_by_id: dict[int, int] = {}

    @property
    def columns(self) -> list[str]:
        return self.get_export_headers()

    @property
    def model(self) -> type[TimestampedModel]:
        return self._meta.model

    # --- Export -----------------------------------------------------------------------------------

    def rows(self, queryset: QuerySet) -> Iterator[tuple]:
        """The cells as they are in the database, fetched in chunks by one query."""
        paths = [field.attribute for field in self.get_export_fields()]
        return queryset.values_list(*paths).iterator(CHUNK)

    # --- Import: where rows come from ---------------------------------------------------------------

    def read(self, file: BinaryIO, *, max_rows: int = 0) -> Table:
        """Raises TableError for a file that is no table of these columns."""
        return Table(file, self.columns, required=self.required, max_rows=max_rows)

    def load(self, rows: Iterable[Row], *, lock: bool) -> None:
        """Fetch what the rows name, in one query a table, locked where they are to be written."""
        rows_of = self.model.objects.locked() if lock else self.model.objects.all()
        found = self.visible(rows_of).filter(pk__in=set(ids_of(rows, "id"))).order_by("pk")
        self.instances = {instance.pk: instance for instance in found}

    def visible(self, queryset: TimestampedQuerySet) -> TimestampedQuerySet:
        return queryset.visible_to(self.importer.user) if self.importer.user else queryset

    def reference(self, column: str, text: str) -> int:
        """The id that a cell of a foreign key stands for. Raises ValidationError for none."""
        raise NotImplementedError

    def reference_text(self, column: str, pk: int) -> str:
        return str(pk)

    # --- Import: the steps of a row -----------------------------------------------------------------

    def get_row_result_class(self) -> type[Outcome]:
        return Outcome

    def before_import_row(self, row: dict[str, str], **kwargs: Any) -> None:
        if kwargs["problems"]:
            raise ValidationError(kwargs["problems"])

    def get_instance(self, instance_loader: None, row: dict[str, str]) -> TimestampedModel | None:
        text = row.get("id", "").strip()
        if not text:
            return None
        pk = id_of(text)
        if pk is None or pk not in self.instances:
            raise ValidationError({"id": [f"There is no {self.model._meta.verbose_name} with this id."]})
        return self.instances[pk]

    def init_instance(self, row: dict[str, str] | None = None) -> TimestampedModel:
        return self.model(created_by=self.importer.user)

    def after_init_instance(self, instance: TimestampedModel, new: bool, row: dict[str, str], **kwargs: Any) -> None:
        names = self.model._meta.verbose_name_plural
        if new and not self.importer.may_add:
            raise ValidationError({WHOLE_ROW: [f"You may not add {names}."]})
        if not new and not self.importer.may_change:
            raise ValidationError({WHOLE_ROW: [f"You may not change {names}."]})
        if not new and (first := self.rows_by_id.setdefault(instance.pk, kwargs["row_number"])) != kwargs["row_number"]:
            raise ValidationError({"id": [f"Row {first:,} has this id already."]})

    def import_instance(self, instance: TimestampedModel, row: dict[str, str], **kwargs: Any) -> None:
        """Check the cells that say something new. Raises ValidationError, by column."""
        new = instance.pk is None
        old = {} if new else {column: self.text(instance, column) for column in self.writable if column in row}
        texts = {column: row[column] for column in self.writable if column in row and self.says(column, row, old)}
        values, errors = self.values(texts)
        try:
            checked = (self.full if new else self.partial).run_validation(values)
        except InvalidBody as error:
            detail: Any = error.detail
            errors = {column: list(map(str, messages)) for column, messages in detail.items()} | errors
        if errors:
            raise ValidationError(errors)
        self.edits = {name: value for name, value in checked.items() if new or getattr(instance, name) != value}
        if new:
            vars(instance).update(self.edits)
        self.changes = [
            Change(column, old.get(column, ""), self.as_text(column, self.edits[source]))
            for column in texts
            if (source := self.full.fields[column].source) in self.edits
        ]

    def says(self, column: str, row: dict[str, str], old: dict[str, str]) -> bool:
        """Whether the cell is to be looked at: not where it repeats an export, nor where empty means left alone."""
        text = row[column]
        if column in self.kept_when_empty and not text.strip():
            return False
        if not old:
            return bool(text) or column in self.required
        return text != old[column].replace("\r\n", "\n").replace("\r", "\n")

    def values(self, texts: dict[str, str]) -> tuple[dict[str, Any], dict[str, list[str]]]:
        """What the serializer is given for the cells' texts, and what is wrong with references."""
        values: dict[str, Any] = {}
        errors: dict[str, list[str]] = {}
        for column, text in texts.items():
            field = self.full.fields[column]
            is_reference = isinstance(field, IdField)
            if not text.strip() and (is_reference or field.allow_null):
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

    def skip_row(
        self, instance: TimestampedModel, original: Any, row: Any, import_validation_errors: Any = None
    ) -> bool:
        return not import_validation_errors and instance.pk is not None and not self.edits

    def save_instance(self, instance: TimestampedModel, is_create: bool, row: dict[str, str], **kwargs: Any) -> None:
        if kwargs["dry_run"]:
            return
        if is_create:
            self.create_instances.append(instance)
        else:
            self.edit(instance)

    def edit(self, instance: TimestampedModel) -> None:
        """The verb by which a locked row changes."""
        instance.edit(by=self.importer.user, **self.edits)

    def flush(self) -> None:
        """Write the new rows since the last time in one statement; their search columns are kept as by `save`."""
        self.model.objects.bulk_create(self.create_instances)
        self.create_instances.clear()

    def after_import_row(self, row: dict[str, str], row_result: Outcome, **kwargs: Any) -> None:
        row_result.changes = self.changes


def ids_of(rows: Iterable[Row], column: str) -> list[int]:
    return [pk for row in rows if (pk := id_of(row.cells.get(column, "").strip()))]


class LeadSheet(Sheet):
    """Owners are named by their usernames; a new lead that names none belongs to the importer."""

    serializer_class = RestaurantSerializer
    kept_when_empty = frozenset({"lead_status", "assigned_to"})
    rules = (
        "An empty cell empties the field, except status and owner, which stay as they are.",
        "Owners are named by their usernames. A new lead that names none is yours, and NEW if it has no status.",
        "created_at and updated_at are there to be read.",
    )
    instead = "Split it, or have it imported on the server: manage.py import_leads FILE"
    assigned_to = Field("assigned_to__username", "assigned_to")

    class Meta:
        model = Restaurant
        fields = RestaurantSerializer.Meta.fields
        skip_diff = True
        store_instance = True

    @cached_property
    def usernames(self) -> dict[int, str]:
        return dict(get_user_model().objects.values_list("pk", "username"))

    @cached_property
    def user_ids(self) -> dict[str, int]:
        return {username: pk for pk, username in self.usernames.items()}

    def init_instance(self, row: dict[str, str] | None = None) -> Restaurant:
        return Restaurant(created_by=self.importer.user, assigned_to=self.importer.user)

    def reference(self, column: str, text: str) -> int:
        if text not in self.user_ids:
            raise ValidationError("There is no user with this name.")
        return self.user_ids[text]

    def reference_text(self, column: str, pk: int) -> str:
        return self.usernames.get(pk, "")

    def import_instance(self, instance: Restaurant, row: dict[str, str], **kwargs: Any) -> None:
        """As on the lead's page, another owner is a hand-over."""
        super().import_instance(instance, row, **kwargs)
        if instance.pk and "assigned_to_id" in self.edits and not self.importer.may_hand_over:
            raise ValidationError({"assigned_to": ["You may not hand over leads."]})

    def edit(self, instance: Restaurant) -> None:
        instance.edit(by=self.importer.user, note=self.importer.note, **self.edits)


class ContactSheet(Sheet):
    """The lead is named by its id; the name beside it is there to be read."""

    serializer_class = ContactSerializer
    rules = (*Sheet.rules, "The lead is named by its id in restaurant; restaurant_name is there to be read.")
    restaurant = Field("restaurant_id", "restaurant")
    restaurant_name = Field("restaurant__name", "restaurant_name")

    class Meta:
        model = Contact
        fields = ["id", "restaurant", "restaurant_name", *ContactSerializer.Meta.fields[2:]]
        export_order = fields
        skip_diff = True
        store_instance = True

    def load(self, rows: Iterable[Row], *, lock: bool) -> None:
        super().load(rows, lock=lock)
        named = self.visible(Restaurant.objects.all()).filter(pk__in=set(ids_of(rows, "restaurant")))
        self.leads = set(named.values_list("pk", flat=True))

    def reference(self, column: str, text: str) -> int:
        pk = id_of(text)
        if pk is None or pk not in self.leads:
            raise ValidationError("There is no lead with this id.")
        return pk
