"""How a row of a file is found among ours: by its id, its external id, or what else names it.

Two rows of a file with one key are in error, both: `scan` sees all rows before the first is imported.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Value
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError as InvalidBody

from backoffice.exchange.journal import State, states_of
from backoffice.exchange.lines import WHOLE_ROW
from backoffice.exchange.tables import Row
from call.lookup import country_of
from crm.api.serializers import UTCDateTimeField, id_of
from crm.db.batches import batched
from crm.db.external_ids import ExternalIdModel
from crm.db.merging import survivors_of
from crm.db.models import TimestampedModel, TimestampedQuerySet
from crm.db.phones import read, region_or_default
from crm.formats import number
from lead.models import ExternalId, Restaurant

CHUNK = 2_000  # rows that a query fetches at once
EXTERNAL_ID, LEAD_EXTERNAL_ID = "external_id", "lead_external_id"  # columns of imports
PHONE = "phone"
LONGEST_PHONE = 50  # characters; more are in error, and are not read: that would take long
DEFAULT_SOURCE = "import"  # of external ids, where the importer names none
DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:,?\s+(\d{1,2}:\d{2}(?::\d{2})?))?")
SERIAL = re.compile(r"[1-9]\d{4}(?:\.\d+)?")  # a spreadsheet's number of a day, in a cell that is not a date


@dataclass(frozen=True)
class Importer:
    """The user who imports, and their permissions. No user: the server's command line, which may do everything."""

    user: Any = None
    may_add: bool = True
    may_change: bool = True
    may_hand_over: bool = True
    note: str = ""  # for the history of status and owner
    source: str = DEFAULT_SOURCE  # the system that external ids are of
    match: str = ""  # by what else rows are found, a name of `Sheet.matches`


class Match(NamedTuple):
    """A way to find the row that a row of the file is, where neither id says it."""

    columns: tuple[str, ...]  # whose values make the key; the first is named in messages
    key: Callable[..., Hashable | None]  # of their values, texts of the file or of a row; None finds nothing


class Finder:
    """Finds the rows of one table that the rows of a file are; of one chunk of them after the other, after a `load`."""

    model: type[TimestampedModel]
    external_ids: type[ExternalIdModel] | None = None
    lead_column = ""  # the foreign key to a lead
    matches: Mapping[str, Match] = {}
    always: Match | None = None  # for rows without ids, whether or not the importer asks for it

    def __init__(self, importer: Importer) -> None:
        self.importer = importer
        self.match = self.matches.get(self.importer.match) or self.always
        self.instances: dict[int, TimestampedModel] = {}
        self.row_numbers: dict[int, int] = {}  # by id, the row that has it
        self.first_rows: dict[int, int] = {}  # by the hash of a key, the first row that has it
        self.repeated: dict[int, tuple[str, int]] = {}  # by row, the column of its key and another row that has it
        self.wanted: set[Hashable] = set()  # what the match has to look for
        self.index: dict[Hashable, list[int]] | None = None  # what it has found in the whole table
        self.numbers: dict[int, str] = {}  # of rows that the match has found, the E.164 number

    @property
    def label(self) -> str:
        """What the rows are called."""
        return str(self.model._meta.verbose_name_plural)

    # --- Keys -------------------------------------------------------------------------------------

    def scan(self, rows: Iterable[Row]) -> int:
        """Look for keys that several rows have. Returns how many rows there are."""
        count = 0
        for chunk in batched(rows, CHUNK):
            count += len(chunk)
            known = self.visibly_named(chunk)
            for row in chunk:
                self.wanted.update(self.match_keys(row))
                for column, key in [*self.keys_of(row), *self.ids_among(known, row)]:
                    first = self.first_rows.setdefault(hash((column, key)), row.number)
                    if first != row.number:
                        self.repeated.setdefault(row.number, (column, first))
                        self.repeated.setdefault(first, (column, row.number))
        return count

    def visibly_named(self, rows: Iterable[Row]) -> dict[str, int]:
        """The visible rows with the external ids, by the value: of a hidden one nobody learns which row it names."""
        known = self.named(self.external_ids, texts_of(rows, EXTERNAL_ID))
        rows_named = self.visible(self.model.objects.filter(pk__in=known.values()))
        pks = set(rows_named.order_by().values_list("pk", flat=True)) if known else set()
        return {value: pk for value, pk in known.items() if pk in pks}

    def ids_among(self, known: Mapping[str, int], row: Row) -> list[tuple[str, Hashable]]:
        """The row of ours that either id names: a file may name one row in two ways."""
        texts = [row.cells.get(column, "").strip() for column in ("id", EXTERNAL_ID)]
        pk = id_of(texts[0]) if texts[0] else known.get(texts[1])
        return [(WHOLE_ROW, pk)] if pk else []

    def keys_of(self, row: Row) -> list[tuple[str, Hashable]]:
        """What names the row, and in which column: both ids, or what the match looks for."""
        texts = {column: row.cells.get(column, "").strip() for column in ("id", EXTERNAL_ID)}
        found: list[tuple[str, Hashable]] = [(column, text) for column, text in texts.items() if text]
        if not found and self.match and (keys := self.match_keys(row)):
            found.append((self.match.columns[0], keys[0]))
        return found

    def match_keys(self, row: Row) -> list[Hashable]:
        """By the texts of the row; the lead's may be its id or its external id. A phone number has two where it reads
        otherwise without the importer's country: that of our row's owner may be another one, or not known.

        None for a row with an external id, unless the importer has chosen the match: two calls of one day that the
        other system tells apart are two.
        """
        match: Any = self.match
        if not match or (match is self.always and row.cells.get(EXTERNAL_ID, "").strip()):
            return []
        regions = [self.region, ""] if PHONE in match.columns else [""]
        keys = [match.key(*[self.match_text(row, column, region) for column in match.columns]) for region in regions]
        return [key for key in dict.fromkeys(keys) if key is not None]

    def match_text(self, row: Row, column: str, region: str) -> str:
        text = row.cells.get(column, "").strip()
        if column == PHONE:
            return read(text, region).tail if len(text) <= LONGEST_PHONE else ""  # which is in error
        if column == self.lead_column and not text and (value := row.cells.get(LEAD_EXTERNAL_ID, "").strip()):
            return f"{self.importer.source}:{value}"
        return text

    @cached_property
    def region(self) -> str:
        """Of numbers in the file without a country code: the importer's, else the server's."""
        return region_or_default(country_of(self.importer.user))

    # --- A chunk of rows --------------------------------------------------------------------------

    def load(self, rows: list[Row], *, lock: bool) -> None:
        """Fetch what the rows name, in one query a table, locked where they are to be written."""
        self.load_references(rows)
        self.known = self.named(self.external_ids, texts_of(rows, EXTERNAL_ID))
        self.found = self.find(rows) if self.match else {}
        wanted = {*ids_of(rows, "id"), *self.known.values(), *(pk for row in rows for pk in self.matched(row))}
        queryset = self.model.objects.locked() if lock else self.model.objects.all()
        found = self.visible(queryset).filter(pk__in=wanted).order_by("pk")
        self.instances = {instance.pk: instance for instance in found}
        self.survivors = self.survivors_among(self.model, set(ids_of(rows, "id")) - self.instances.keys())
        self.before: dict[int, State] = states_of(self.model, list(self.instances)) if lock else {}

    def load_references(self, rows: list[Row]) -> None:
        """The leads that the rows name."""
        if not self.lead_column:
            return
        self.named_leads = self.named(ExternalId, texts_of(rows, LEAD_EXTERNAL_ID))
        wanted = {*ids_of(rows, self.lead_column), *self.named_leads.values()}
        leads = self.visible(Restaurant.objects.all()).filter(pk__in=wanted)
        self.leads: dict[int, str] = dict(leads.values_list("pk", "name"))
        self.lead_survivors = self.survivors_among(Restaurant, wanted - self.leads.keys())
        for row in rows:
            self.fill_in_lead(row)

    def fill_in_lead(self, row: Row) -> None:
        """The id of the lead that an external id names; it is a problem of the row where it names none."""
        if not (value := row.cells.get(LEAD_EXTERNAL_ID, "").strip()):
            return
        pk, text = self.named_leads.get(value), row.cells.get(self.lead_column, "").strip()
        if pk not in self.leads:
            row.problems.setdefault(LEAD_EXTERNAL_ID, [_("There is no lead with this external id.")])
        elif text and text != str(pk):
            text = _("It is lead %(id)s, and not the one in %(column)s.") % {"id": pk, "column": self.lead_column}
            row.problems.setdefault(LEAD_EXTERNAL_ID, [text])
        else:
            row.cells[self.lead_column] = str(pk)

    def survivors_among(self, model: Any, missing_ids: set[int]) -> dict[int, int]:
        """Of ids of no row, or of none that is visible: the visible rows that they were merged into."""
        return survivors_of(self.visible(model.objects.all()), missing_ids) if missing_ids else {}

    def named(self, table: type[ExternalIdModel] | None, values: set[str]) -> dict[str, int]:
        """The rows with these external ids, by the value, whether or not they are visible."""
        if not table or not values:
            return {}
        owner = owner_of(table)
        ids = table._default_manager.filter(source=self.importer.source, value__in=values)
        return dict(ids.order_by().values_list("value", owner.attname))

    def find(self, rows: list[Row]) -> dict[Hashable, list[int]]:
        """The ids of visible rows by the key of `match`: by one pass over the table or over named leads' rows."""
        if self.lead_column:
            return self.look_up({key for row in rows for key in self.match_keys(row)}, self.candidates(rows))
        if self.index is None:
            self.index = self.look_up(self.wanted, self.candidates(rows))
        return self.index

    def matched(self, row: Row) -> list[int]:
        """The ids of our rows that the match finds; a number with its country code is none of another country."""
        found = [pk for key in self.match_keys(row) for pk in self.found.get(key, [])]
        text = row.cells.get(PHONE, "") if found and self.match and PHONE in self.match.columns else ""
        e164 = read(text).e164
        return [pk for pk in dict.fromkeys(found) if not e164 or self.numbers.get(pk, "") in ("", e164)]

    def look_up(self, wanted: set[Hashable], queryset: Any) -> dict[Hashable, list[int]]:
        found: dict[Hashable, list[int]] = {}
        match: Any = self.match
        stored = {PHONE: "phone_tail", self.lead_column: f"{self.lead_column}_id"}
        names = [stored.get(column, column) for column in match.columns]
        country = F("phone_e164") if PHONE in match.columns else Value("")
        if wanted:
            for pk, e164, *values in self.visible(queryset).values_list("pk", country, *names).iterator(CHUNK):
                if (key := match.key(*["" if value is None else value for value in values])) in wanted:
                    found.setdefault(key, []).append(pk)
                    self.numbers[pk] = e164
        return found

    def candidates(self, rows: list[Row]) -> Any:
        """The rows among which `match` looks: those of the leads that are named."""
        queryset: Any = self.model._default_manager.order_by()
        return queryset.filter(**{f"{self.lead_column}__in": list(self.leads)}) if self.lead_column else queryset

    def visible(self, queryset: TimestampedQuerySet) -> TimestampedQuerySet:
        return queryset.visible_to(self.importer.user) if self.importer.user else queryset

    # --- A row ------------------------------------------------------------------------------------

    def is_same(self, row: int) -> ValidationError:
        """The error of a row that is the same as another one, by the other's number."""
        said = {"row": number(row), "name": self.model._meta.verbose_name}
        return ValidationError({WHOLE_ROW: [_("Row %(row)s is the same %(name)s.") % said]})

    def get_instance(self, row: Row) -> TimestampedModel:
        """The row that the id, the external id or the match names, or a new one. Raises ValidationError."""
        if row.problems:
            raise ValidationError(row.problems)
        if row.number in self.repeated:
            column, other = self.repeated[row.number]
            if column == WHOLE_ROW:
                raise self.is_same(other)
            said = {"row": number(other), "column": column.replace("_", " ")}
            raise ValidationError({column: [_("Row %(row)s has this %(column)s too.") % said]})
        name = str(self.model._meta.verbose_name)
        if text := row.cells.get("id", "").strip():
            pk = id_of(text)
            if pk is None or pk not in self.instances:
                raise ValidationError({"id": [missing(name, self.survivors.get(pk or 0))]})
            return self.instances[pk]
        if (named := self.known.get(row.cells.get(EXTERNAL_ID, "").strip())) is not None:
            if named not in self.instances:
                raise ValidationError({EXTERNAL_ID: [missing(name)]})
            return self.instances[named]
        found = self.matched(row) if self.match else []
        if len(found) > 1 and self.match:
            ids = ", ".join(map(str, sorted(found)[:10]))
            text = _("%(count)s %(rows)s have this: %(ids)s. Give the id of the right one.")
            said = {"count": number(len(found)), "rows": self.label, "ids": ids}
            raise ValidationError({self.match.columns[0]: [text % said]})
        return self.instances[found[0]] if found and found[0] in self.instances else self.new_instance()

    def new_instance(self) -> TimestampedModel:
        return self.model(created_by=self.importer.user)


def missing(name: str, survivor: int | None = None) -> str:
    if survivor:
        return _("There is no %(name)s with this id: it was merged into %(id)s.") % {"name": name, "id": survivor}
    return _("There is no %(name)s with this id.") % {"name": name}


def moment_text(text: str) -> str:
    """ISO 8601 for `31.12.2024 9:30` and for a spreadsheet's number of a day; other texts as they are."""
    with suppress(ValueError, OverflowError):
        if found := DAY_FIRST.fullmatch(text):
            day, month, year, time = found.groups()
            return f"{year}-{int(month):02}-{int(day):02}" + (f"T{time:0>5}" if time else "")
        if SERIAL.fullmatch(text):
            # To the millisecond, as spreadsheets compute: 45292.3958333333 is 9:30, and not 3 µs before it.
            since_epoch = timedelta(milliseconds=round(float(text) * 86_400_000))
            return (datetime(1899, 12, 30) + since_epoch).isoformat()  # noqa: DTZ001 (as typed)
    return text


def moment_of(value: Any) -> datetime | None:
    """The instant that a text means; None for none. An instant is itself."""
    if isinstance(value, datetime):
        return value
    try:
        return UTCDateTimeField().to_internal_value(moment_text(value))
    except InvalidBody:
        return None


def owner_of(table: type[ExternalIdModel]) -> models.ForeignKey:
    """The foreign key to the row that an external id names."""
    return next(each for each in table._meta.fields if each.is_relation and each.name != "created_by")  # type: ignore[return-value]


def texts_of(rows: Iterable[Row], column: str) -> set[str]:
    return {text for row in rows if (text := row.cells.get(column, "").strip()) and "\0" not in text}


def ids_of(rows: Iterable[Row], column: str) -> list[int]:
    return [pk for row in rows if (pk := id_of(row.cells.get(column, "").strip()))]
