"""The timeline of a lead: what happened with the account, newest first, from the tables of several apps.

Each app subscribes a source for a type of entries in its AppConfig. Of each source as many rows before a cursor are
read as a page has, by an index that gives them in order; the newest of them all are the page. So a page costs the same
number of queries, however far back it is, and rows that come or go meanwhile move no other row.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models import Q, QuerySet
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from rest_framework.serializers import ModelSerializer

from crm.db.models import TimestampedModel
from crm.formats import inside
from lead.models import OwnerChange, StatusChange
from lead.serializers import OwnerChangeSerializer, StatusChangeSerializer

START = datetime(1970, 1, 1, tzinfo=UTC)
LINE = 200  # characters of a note or of order details in an entry's text


class EntryType(models.TextChoices):
    """What an entry is about. An interaction with an order is an ORDER, a call that is one too an INTERACTION."""

    INTERACTION = "INTERACTION"
    ORDER = "ORDER"
    STATUS = "STATUS"
    OWNER = "OWNER"
    CALL = "CALL"
    NOTE = "NOTE"
    CONTACT = "CONTACT"


class Cursor(NamedTuple):
    """The position of an entry. It is unique: the type and the id decide between equal instants."""

    at: datetime
    type: str
    pk: int

    def __str__(self) -> str:
        return f"{(self.at - START) // timedelta(microseconds=1)}-{self.type}-{self.pk}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for an invalid cursor."""
        try:
            microseconds, type, pk = text.rsplit("-", 2)
            at = START + timedelta(microseconds=int(microseconds))
            return cls(at, EntryType(type), min(int(pk), 2**63 - 1))
        except (ValueError, OverflowError):
            return None


@dataclass(frozen=True)
class Viewer:
    """Who looks: the rows of which tables are shown, and the time zone of dates in texts."""

    user: Any
    zone: ZoneInfo
    may_view: Callable[[type[models.Model]], bool] = lambda model: True


@dataclass(frozen=True)
class Description:
    """An entry for people: what happened, what was ordered, what was noted about it."""

    title: str
    order: str = ""
    details: str = ""

    def __str__(self) -> str:
        """In one line."""
        order, details = (Truncator(" ".join(text.split())).chars(LINE) for text in (self.order, self.details))
        if order:
            return " · ".join(filter(None, [self.title, order, details]))
        return f"{self.title}: {details}" if details else self.title


@dataclass(frozen=True)
class Source:
    """The entries of a type: rows of `model`, each at its field `at`.

    `rows` returns those of a lead with `created_by`: one queryset, or several without annotations, each of which an
    index gives by `at` and id. `about` is the row, or one that it belongs to, which has a page in the admin.
    """

    kind: EntryType
    model: type[TimestampedModel]
    at: str
    serializer: type[ModelSerializer]
    rows: Callable[[int, Viewer], Sequence[QuerySet]]
    describe: Callable[[Any, Viewer], Description]
    about: Callable[[Any], models.Model | None] = lambda row: None

    def newest(self, lead: int, viewer: Viewer, condition: Q, size: int) -> Iterable[Any]:
        """The newest rows that fulfil the condition, in one query."""
        order = (f"-{self.at}", "-pk")
        parts = [rows.filter(condition).order_by(*order) for rows in self.rows(lead, viewer)]
        if len(parts) <= 1:
            return parts[0][:size] if parts else []
        every = parts[0].model._default_manager.order_by()  # SQLite takes no LIMIT in a part of a union, but inside it
        first, *others = [every.filter(pk__in=part.values("pk")[:size]).values("pk") for part in parts]
        rows = every.filter(pk__in=first.union(*others, all=True))
        return rows.select_related(*parts[0].query.select_related).order_by(*order)[:size]


@dataclass(frozen=True)
class Entry:
    """One entry of the timeline."""

    cursor: Cursor
    source: Source
    row: Any
    description: Description

    @property
    def about(self) -> models.Model | None:
        return self.source.about(self.row)


sources: dict[EntryType, Source] = {}


def subscribe(source: Source) -> None:
    """Show the rows of a source; for an AppConfig. Raises ImproperlyConfigured for a type that has another one."""
    if sources.setdefault(source.kind, source) != source:
        raise ImproperlyConfigured(f"The timeline has a source for {source.kind} already.")


@dataclass(frozen=True)
class Timeline:
    """The timeline of the lead with this id, as far as `viewer` may see it.

    Of `types` only (empty: of all), in [after, before), both instants in UTC and optional.
    """

    lead: int
    viewer: Viewer
    types: Sequence[str] = ()
    after: datetime | None = None
    before: datetime | None = None

    def page(self, cursor: Cursor | None, size: int) -> tuple[list[Entry], Cursor | None]:
        """The newest entries before the cursor, and the cursor of the next page, None on the last one.

        One query for each source, and what the source itself asks first.
        """
        found = []
        for source in self.sources():
            for row in source.newest(self.lead, self.viewer, self.condition(source, cursor), size + 1):
                found.append((Cursor(getattr(row, source.at), source.kind, row.pk), source, row))
        found.sort(key=lambda each: each[0], reverse=True)
        entries = [Entry(*each, each[1].describe(each[2], self.viewer)) for each in found[:size]]
        return entries, entries[-1].cursor if found[size:] else None

    def pages(self, size: int) -> Iterator[list[Entry]]:
        """All entries, a page of them in memory. There is at least one page."""
        entries, cursor = self.page(None, size)
        yield entries
        while cursor:
            entries, cursor = self.page(cursor, size)
            yield entries

    def sources(self) -> list[Source]:
        return [
            source
            for source in sources.values()
            if (not self.types or source.kind in self.types) and self.viewer.may_view(source.model)
        ]

    def condition(self, source: Source, cursor: Cursor | None) -> Q:
        condition = Q()
        if self.after:
            condition &= Q(**{f"{source.at}__gte": self.after})
        if self.before:
            condition &= Q(**{f"{source.at}__lt": self.before})
        return condition & is_before(source, cursor) if cursor else condition


def is_before(source: Source, cursor: Cursor) -> Q:
    """The condition on a source's rows for entries that are older than the cursor."""
    before = Q(**{f"{source.at}__lt": cursor.at})
    if source.kind < cursor.type:
        before |= Q(**{source.at: cursor.at})
    elif source.kind == cursor.type:
        before |= Q(**{source.at: cursor.at}, pk__lt=cursor.pk)
    return Q(**{f"{source.at}__lte": cursor.at}) & before  # implied by `before`, but lets the database use the index


def to_bodies(entries: list[Entry]) -> list[dict[str, Any]]:
    """The entries as in the answer of `GET /lead/restaurants/{id}/timeline/`."""
    data: dict[tuple[str, int], Any] = {}
    for source in {entry.source.kind: entry.source for entry in entries}.values():
        rows = [entry.row for entry in entries if entry.source is source]
        shown = source.serializer(rows, many=True).data
        data |= {(source.kind, row.pk): body for row, body in zip(rows, shown, strict=True)}
    return [
        {
            "at": entry.cursor.at,
            "type": entry.source.kind,
            "by": entry.row.created_by_id,
            "text": str(entry.description),
            "data": data[entry.source.kind, entry.row.pk],
        }
        for entry in entries
    ]


# --- The lead's own sources ---------------------------------------------------------------------


def status_changes(lead: int, viewer: Viewer) -> list[QuerySet]:
    return [StatusChange.objects.visible_to(viewer.user).filter(lead=lead).select_related("created_by")]


def describe_status_change(change: StatusChange, viewer: Viewer) -> Description:
    said = {"old": change.get_old_status_display(), "new": change.get_new_status_display()}
    title = _("Status: %(old)s → %(new)s") % said
    if change.reason:
        title += f" ({inside(change.get_reason_display())})"
    return Description(title, details=change.note)


def owner_changes(lead: int, viewer: Viewer) -> list[QuerySet]:
    rows = OwnerChange.objects.visible_to(viewer.user).filter(lead=lead)
    return [rows.select_related("created_by", "old_owner", "new_owner")]


def describe_owner_change(change: OwnerChange, viewer: Viewer) -> Description:
    return Description(_("Owner: %(change)s") % {"change": change}, details=change.note)


STATUS = Source(
    EntryType.STATUS, StatusChange, "created_at", StatusChangeSerializer, status_changes, describe_status_change
)
OWNER = Source(EntryType.OWNER, OwnerChange, "created_at", OwnerChangeSerializer, owner_changes, describe_owner_change)
