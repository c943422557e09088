"""The timeline of a lead: what happened with the account, newest first, from several tables.

Each table is read for a page of rows before a cursor; the newest of them are the page. So a page costs one query a
table, however far back it is.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import get_current_timezone

from call.models import CallEvent, Frequency, Outcome
from contact.models import Contact
from crm.db.models import TimestampedModel
from lead.models import OwnerChange, Policy, StatusChange
from track.models import Interaction, OrderDetails

PAGE = 50
HIDDEN_CONTACT = "A contact of another lead"  # that the user may not see
START = datetime(1970, 1, 1, tzinfo=UTC)


class Cursor(NamedTuple):
    """The position of an entry. It is unique: the table and the id decide between equal moments."""

    moment: datetime
    table: int
    pk: int

    def __str__(self) -> str:
        return f"{(self.moment - START) // timedelta(microseconds=1)}-{self.table}-{self.pk}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for an invalid cursor."""
        try:
            microseconds, table, pk = (int(part) for part in text.split("-"))
            return cls(START + timedelta(microseconds=microseconds), table, min(pk, 2**63 - 1))
        except (ValueError, OverflowError):
            return None


@dataclass
class Entry:
    """One line of the timeline. `kind` is a CSS class; `by` is the user who did it, None where unknown."""

    kind: str
    title: str
    text: str = ""
    order: str = ""
    about: models.Model | None = None  # the row whose page it links to
    by: Any = None
    moment: datetime = START
    href: str = ""


@dataclass(frozen=True)
class Source:
    """A table with entries of the timeline: the rows of a lead that a user may see, and their text."""

    model: type[TimestampedModel]
    moment: str
    rows: Callable[[int, Any], QuerySet]
    entry: Callable[[Any], Entry]


class Timeline:
    """The timeline of the lead with this id, as far as `user` may see it."""

    def __init__(self, lead: int, user: Any) -> None:
        self.lead, self.user = lead, user

    def page(self, before: Cursor | None = None, size: int = PAGE) -> tuple[list[Entry], Cursor | None]:
        """The newest entries before a cursor, and the cursor of the next page, None on the last one.

        One query for each table.
        """
        candidates: list[tuple[Cursor, Source, Any]] = []
        for number, source in enumerate(SOURCES):
            if may_view(self.user, source.model):
                rows = source.rows(self.lead, self.user).order_by(f"-{source.moment}", "-pk")
                if before:
                    rows = rows.filter(is_before(source.moment, number, before))
                for row in rows[: size + 1]:
                    candidates.append((Cursor(getattr(row, source.moment), number, row.pk), source, row))
        candidates.sort(key=lambda each: each[0], reverse=True)
        page = candidates[:size]
        shown: list[Any] = [row for _, source, row in page if source.model is Interaction]
        hidden = hidden_contacts(
            [(contact, self.lead) for row in shown if (contact := loaded(row, "contact"))], self.user
        )
        for row in shown:
            row.hides_contact = row.contact_id in hidden
        return [self.entry(*each) for each in page], page[-1][0] if candidates[size:] else None

    def entry(self, cursor: Cursor, source: Source, row: Any) -> Entry:
        entry = source.entry(row)
        entry.moment, entry.by = cursor.moment, row.created_by
        if entry.about and may_view(self.user, type(entry.about)):
            entry.href = page_url(entry.about)
        return entry


def is_before(field: str, table: int, cursor: Cursor) -> Q:
    """The condition on a table's rows for entries that are older than the cursor."""
    before = Q(**{f"{field}__lt": cursor.moment})
    if table < cursor.table:
        before |= Q(**{field: cursor.moment})
    elif table == cursor.table:
        before |= Q(**{field: cursor.moment}, pk__lt=cursor.pk)
    return Q(**{f"{field}__lte": cursor.moment}) & before  # implied by `before`, but lets the database use the index


def may_view(user: Any, model: type[models.Model]) -> bool:
    """As in Django's admin, the permission to change includes the one to view."""
    meta = model._meta
    return any(user.has_perm(f"{meta.app_label}.{verb}_{meta.model_name}") for verb in ("view", "change"))


# --- Sources ----------------------------------------------------------------------------------


def interactions(lead: int, user: Any) -> QuerySet:
    """With the outcome of the call, the contact and the order, as far as the user may see them."""
    related = ["created_by"]
    outcome = CallEvent.objects.in_effect().filter(interaction=OuterRef("pk")).exclude(outcome="").values("outcome")[:1]
    rows = Interaction.objects.filter(lead=lead).annotate(
        outcome=Subquery(outcome) if may_view(user, CallEvent) else models.Value("")
    )
    for model, name in ((Contact, "contact"), (OrderDetails, "order")):
        if may_view(user, model):
            related.append(name)
    return rows.select_related(*related)


def hidden_contacts(contacts: Iterable[tuple[Contact, int]], user: Any) -> set[int]:
    """The ids of those that the user may not see, of contacts each with the lead of a row that names it.

    One query, and only where one of them works for another lead by now.
    """
    moved = {contact.pk for contact, lead in contacts if contact.restaurant_id != lead}
    if not moved or Policy.of(user).sees_everything:
        return set()
    return moved - set(Contact.objects.visible_to(user).filter(pk__in=moved).values_list("pk", flat=True))


def loaded(row: Any, name: str) -> Any:
    """The related row, where it was selected with this one and exists."""
    field = row._meta.get_field(name)
    return field.get_cached_value(row, default=None)


def interaction_entry(row: Any) -> Entry:
    title = row.get_interaction_type_display()
    if contact := loaded(row, "contact"):
        title += f" with {HIDDEN_CONTACT.lower() if row.hides_contact else contact}"
    if row.outcome:
        title += f": {Outcome(row.outcome).label.lower()}"
    kind = "order" if row.order_placed else "interaction"
    order = loaded(row, "order")
    return Entry(kind, title, row.details, order_text(order) if order else "", about=row)


def order_text(order: OrderDetails) -> str:
    return f"{order.product_details} · quantity {order.quantity:,} · {order.total_price:,.2f}"


def call_events(lead: int, user: Any) -> QuerySet:
    """Without those that have an interaction, which is an entry itself."""
    rows = CallEvent.objects.in_effect().filter(plan__lead=lead).select_related("created_by", "plan")
    return rows.filter(interaction=None) if may_view(user, Interaction) else rows


def call_entry(event: CallEvent) -> Entry:
    rhythm = Frequency(event.plan.frequency).label.lower()
    due = day(event.due)
    match event.kind:
        case CallEvent.Kind.CALLED:
            title = f"Called ({rhythm} plan)"
        case CallEvent.Kind.ATTEMPTED:
            title = f"Tried to call ({rhythm} plan)"
        case CallEvent.Kind.SNOOZED:
            title = f"Call of {day(event.planned_for)} put off to {due}"
        case CallEvent.Kind.SKIPPED:
            title = f"Call of {day(event.planned_for)} skipped"
        case CallEvent.Kind.RESCHEDULED:
            title = f"Next call set to {due}"
        case CallEvent.Kind.FREQUENCY_CHANGED:
            title = f"Calls now {Frequency(event.frequency).label.lower()}"
        case _:
            title = f"{rhythm.capitalize()} calls {event.get_kind_display().lower()}"
    if event.outcome:
        title += f": {event.get_outcome_display().lower()}"
    return Entry("call", title, event.reason, about=event.plan)


def status_changes(lead: int, user: Any) -> QuerySet:
    return StatusChange.objects.filter(lead=lead).select_related("created_by")


def status_entry(change: StatusChange) -> Entry:
    title = f"Status: {change.get_old_status_display()} → {change.get_new_status_display()}"
    return Entry("status", title, change.note)


def owner_changes(lead: int, user: Any) -> QuerySet:
    return OwnerChange.objects.filter(lead=lead).select_related("created_by", "old_owner", "new_owner")


def owner_entry(change: OwnerChange) -> Entry:
    return Entry("owner", f"Owner: {change}", change.note)


SOURCES = [
    Source(Interaction, "date", interactions, interaction_entry),
    Source(CallEvent, "happened_at", call_events, call_entry),
    Source(StatusChange, "created_at", status_changes, status_entry),
    Source(OwnerChange, "created_at", owner_changes, owner_entry),
]


# --- Formatting -------------------------------------------------------------------------------


def page_url(row: models.Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk]) + "?back=lead"


def day(moment: datetime) -> str:
    """The local date, in the zone that the page shows."""
    return date_format(moment.astimezone(current_zone()), "j M Y")


def current_zone() -> ZoneInfo:
    """The viewer's, where the page has activated it; else the server's."""
    return get_current_timezone()
