"""What an import has changed, row by row, so that it can be taken back.

The state of a row is what a person may set of it, with its external ids, its order, the last line of its log. The
journal holds the state that an import left, as a digest, and what of the state before was another. Taking back goes by
the models' verbs, so that histories and logs say what happened; a row whose state is another one by now is left alone.
"""

import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.db import models
from django.db.models import Max
from django.utils.translation import gettext_noop

from backoffice.models import Import, ImportedRow
from backoffice.words import stores_english
from call.models import CallEvent, CallPlan
from contact.models import Contact, ContactExternalId
from crm import dates
from crm.db import merging
from crm.db.external_ids import ExternalIdModel
from lead.models import ExternalId, OwnerChange, Restaurant, StatusChange
from track.models import Interaction, InteractionExternalId, OrderDetails

BATCH = 500  # rows
EXTERNAL_IDS, ORDER, EVENT = "external_ids", "order", "event"  # of a state, beside the fields

State = dict[str, Any]  # values as JSON has them: of fields, their texts
Written = list[tuple[int, Any, bool]]  # the row of the file, our row, whether it is new

# What belongs to a row, and goes with it; any other row that refers to it means that the row is in use.
PARTS: dict[type[models.Model], set[type[models.Model]]] = {
    Restaurant: {ExternalId, StatusChange, OwnerChange},
    Contact: {ContactExternalId},
    Interaction: {InteractionExternalId, OrderDetails, CallEvent},
    CallPlan: {CallEvent},
}
IDS: dict[type[models.Model], tuple[type[ExternalIdModel], str]] = {
    Restaurant: (ExternalId, "lead_id"),
    Contact: (ContactExternalId, "contact_id"),
    Interaction: (InteractionExternalId, "interaction_id"),
}
FURTHER_FIELDS = {"paused"}  # not editable in forms, and set by verbs all the same


# --- The state of rows ----------------------------------------------------------------------------


def states_of(model: type[models.Model], pks: Iterable[int]) -> dict[int, State]:
    """By id, as the database has the rows; some queries for all of them."""
    pks = list(pks)
    rows = model._default_manager.filter(pk__in=pks).order_by("pk")
    states = {row.pk: fields_of(row) for row in rows}
    if model in IDS:
        table, owner = IDS[model]
        found = table._default_manager.filter(**{f"{owner}__in": pks}).order_by("source", "value")
        for pk, source, value in found.values_list(owner, "source", "value"):
            states[pk].setdefault(EXTERNAL_IDS, []).append(f"{source}:{value}")
    if model is Interaction:
        for order in OrderDetails.objects.filter(interaction__in=pks):
            states[order.interaction_id][ORDER] = order_of(order)
    if model is CallPlan:
        events = CallEvent.objects.in_effect().filter(plan__in=pks).order_by()
        for pk, last in events.values("plan").annotate(last=Max("pk")).values_list("plan", "last"):
            states[pk][EVENT] = last
    return states


def fields_of(row: models.Model) -> State:
    fields = [
        field
        for field in row._meta.concrete_fields
        if (field.editable or field.name in FURTHER_FIELDS) and not field.primary_key
    ]
    return dict(merging.values_of(row, fields))


def order_of(order: OrderDetails) -> State:
    """An order date that follows the interaction's is none of its own."""
    state = fields_of(order)
    del state["interaction_id"]
    return state | {"order_date": None} if order.follows_interaction_date else state


def digest_of(state: State) -> str:
    return sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


# --- Writing the journal --------------------------------------------------------------------------


def record(imported: Import, model: type[models.Model], written: Written, before: dict[int, State]) -> None:
    """Write the journal of rows that have just been imported, and the admin's log of them."""
    states = states_of(model, [instance.pk for _, instance, _ in written])
    ImportedRow.objects.bulk_create(
        ImportedRow(
            imported=imported,
            row=number,
            object_id=instance.pk,
            before=None if is_new else difference(before[instance.pk], states[instance.pk]),
            digest=digest_of(states[instance.pk]),
        )
        for number, instance, is_new in written
    )
    for flag, wanted in ((ADDITION, True), (CHANGE, False)):
        rows = [instance for _, instance, is_new in written if is_new == wanted]
        if imported.user_id and rows:
            LogEntry.objects.log_actions(imported.user_id, rows, flag, f"Imported from {imported.name}.")


def difference(before: State, after: State) -> State:
    """What of the state before is another one after; null where there was nothing."""
    return {key: before.get(key) for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


# --- Taking an import back ------------------------------------------------------------------------


@stores_english
def revert(imported: Import, *, by: Any = None) -> None:
    """Take back what the import has written, last row first, in one transaction of the caller.

    Rows that have been changed since, or are used by others, stay as they are; their journal stays too and says why
    (`imported.remaining_rows`), so that the rest can be taken back later.
    """
    last = None
    while entries := imported.journal_before(last, BATCH):
        last = entries[-1].pk
        Taking(imported, entries, by).back()
    imported.status, imported.reverted_at = Import.Status.REVERTED, dates.now()
    imported.save(update_fields=["status", "reverted_at"])


class Taking:
    """Some rows of one table on their way back."""

    def __init__(self, imported: Import, entries: list[ImportedRow], by: Any) -> None:
        self.imported, self.entries, self.by = imported, entries, by
        model = imported.model
        pks = [entry.object_id for entry in entries]
        rows: Any = model._default_manager
        rows = rows.visible_to(by) if by else rows.all()
        self.rows = {row.pk: row for row in rows.locked_with_keys().filter(pk__in=pks).order_by("pk")}
        self.states = states_of(model, self.rows)
        self.uses = uses_of(model, [entry.object_id for entry in entries if entry.before is None])

    def back(self) -> None:
        done, remaining = [], []
        for entry in self.entries:
            row = self.rows.get(entry.object_id)
            entry.reason_remaining = self.reason(entry, row)
            if entry.reason_remaining:
                remaining.append(entry)
                continue
            if entry.before is None:
                self.log(row, DELETION)
                delete(row, self.by)
            else:
                self.log(row, CHANGE)
                restore(row, entry.before, self.states[entry.object_id], self.by)
            done.append(entry.pk)
        ImportedRow.objects.bulk_update(remaining, ["reason_remaining"])
        ImportedRow.objects.filter(pk__in=done).delete()

    def log(self, row: Any, flag: int) -> None:
        if self.by:
            LogEntry.objects.log_actions(self.by.pk, [row], flag, f"Import of {self.imported.name} taken back.")

    def reason(self, entry: ImportedRow, row: Any) -> str:
        """Why the row cannot be taken back; empty where it can."""
        if row is None:  # merged and hidden rows are as if they were deleted
            return gettext_noop("It has been deleted since.")
        if digest_of(self.states[row.pk]) != entry.digest:
            return gettext_noop("It has been changed since.")
        if used := self.uses.get(row.pk):
            return f"It is used by {' and '.join(used)}."
        return ""


def uses_of(model: type[models.Model], pks: list[int]) -> dict[int, list[str]]:
    """What else refers to the rows, by id and in words."""
    uses: dict[int, list[str]] = {}
    for relation in model._meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ForeignObjectRel) and relation.related_model not in PARTS[model]:
            table: Any = relation.related_model
            name = relation.field.attname
            found = table._base_manager.filter(**{f"{name}__in": pks}).order_by().values_list(name, flat=True)
            for pk in set(found):
                uses.setdefault(pk, []).append(str(table._meta.verbose_name_plural))
    return uses


def delete(row: Any, by: Any) -> None:
    """The verb by which it goes."""
    if isinstance(row, Interaction):
        row.delete(by=by)
    else:
        row.delete()


def restore(row: Any, before: State, now: State, by: Any) -> None:
    """The verbs by which the row, which is locked, becomes what it was."""
    before = dict(before)
    if EXTERNAL_IDS in before:
        remove_external_ids(row, set(now[EXTERNAL_IDS]) - set(before.pop(EXTERNAL_IDS) or []))
    if EVENT in before:
        last = before.pop(EVENT) or 0
        for event in row.events.in_effect().filter(pk__gt=last).order_by("-pk"):
            row.withdraw(event, by=by)
    order: dict[str, Any] = {}
    if ORDER in before:
        if state := before.pop(ORDER):
            order = {"order": values_of(OrderDetails, state)}
        else:
            row.order.delete()
    row.edit(by=by, **values_of(type(row), before), **order)


def remove_external_ids(row: Any, texts: Iterable[str]) -> None:
    for text in texts:
        source, _, value = text.partition(":")
        row.external_ids.filter(source=source, value=value).delete()


def values_of(model: type[models.Model], state: State) -> dict[str, Any]:
    """The state's texts as values of the fields; a row that is gone is referred to no more."""
    values = {}
    for name, text in state.items():
        field: Any = model._meta.get_field(name)
        value = None if text is None else field.to_python(text)
        if field.is_relation and value and not field.related_model._base_manager.filter(pk=value).exists():
            value = None
        values[name] = value
    return values
