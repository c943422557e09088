"""Merging two rows of a table, and taking them apart again: a journal of every step, found from the models."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext

from crm.db.batches import batched
from crm.db.derived import DerivedField
from crm.db.models import ParentModel, TimestampedModel, TimestampedQuerySet
from crm.db.pairs import PairModel

BATCH = 10_000  # ids in one statement
OURS, OTHER, BOTH = "ours", "other", "both"  # whose value of a field stays


class Journal:
    """What a merge did, in order. `undo` takes it back, except for what has changed since.

    Call it in a transaction, on rows that are locked. Values are stored as text, as Django's serializers do, but with
    microseconds.
    """

    def __init__(self, using: str, steps: Iterable[dict[str, Any]] = ()) -> None:
        self.using = using
        self.steps = list(steps)

    @classmethod
    def load(cls, using: str, text: str) -> "Journal":
        return cls(using, json.loads(text))

    @property
    def moved(self) -> dict[str, int]:
        """By the plural name of a table, how many rows refer to another row now."""
        return {str(model._meta.verbose_name_plural): count for model, count in rows_of(self.steps, "move").items()}

    def dump(self) -> str:
        return json.dumps(self.steps)

    def rows(self, model: Any) -> Any:
        return model._base_manager.using(self.using)

    def locked(self, model: Any) -> Any:
        """The rows, locked: a simultaneous change of one is either in what is read here or comes after it."""
        return self.rows(model).select_for_update(of=("self",), no_key=True)

    # --- Steps --------------------------------------------------------------------------------

    def move_references(self, dropped: models.Model, survivor: models.Model) -> None:
        """Whatever refers to `dropped` refers to `survivor`; rows that would then stand twice are deleted."""
        references = references_to(type(dropped))
        for table in {model for model, _ in references if issubclass(model, PairModel)}:
            self.move_pairs(table, dropped.pk, survivor.pk)
        for model, field in references:
            if issubclass(model, PairModel):
                continue
            for own in unique_with(model, field):
                for row in self.doubles(model, field, own, dropped, survivor):
                    self.delete(row)
            rows = self.locked(model).filter(**{field.name: dropped}).order_by("pk")
            ids = list(rows.values_list("pk", flat=True))
            if ids:
                self._set(model, field, ids, survivor.pk)
                step = {"op": "move", "model": model._meta.label, "field": field.name}
                self.steps.append({**step, "from": dropped.pk, "to": survivor.pk, "ids": ids})

    def move_pairs(self, table: Any, dropped: int, survivor: int) -> None:
        """In the pairs of `dropped` the survivor takes its place, each pair once; that of the two goes."""
        old = list(table.of(dropped, self.using).select_for_update(of=("self",)).order_by("pk"))
        if not old:
            return
        known = {pair.other_than(survivor) for pair in table.of(survivor, self.using)}
        for pair in old:
            self.steps.append({"op": "delete", "model": table._meta.label, "row": values_of(pair)})
        self.rows(table).filter(pk__in=[pair.pk for pair in old]).delete()
        others = {pair.other_than(dropped): pair for pair in old}
        new = [
            table(**table.ordered(survivor, other), created_by_id=pair.created_by_id, created_at=pair.created_at)
            for other, pair in others.items()
            if other != survivor and other not in known
        ]
        for pair in self.rows(table).bulk_create(new):
            self.created(pair)

    def doubles(
        self, model: Any, field: models.Field, own: list[str], dropped: Any, survivor: Any
    ) -> list[models.Model]:
        """The rows of `dropped` that equal one of `survivor` in the fields `own`; all, where only one is allowed."""
        taken = {tuple(row) for row in self.rows(model).filter(**{field.name: survivor}).values_list("pk", *own)}
        values = {row[1:] for row in taken}
        rows = self.rows(model).filter(**{field.name: dropped}) if taken else []
        return [row for row in rows if tuple(getattr(row, attname(model, name)) for name in own) in values]

    def delete(self, row: models.Model) -> None:
        """Delete a row with all that depends on it, as Django would."""
        for model, field in references_to(type(row)):
            dependent = self.rows(model).filter(**{field.name: row})
            if field.remote_field.on_delete is models.SET_NULL:  # type: ignore[union-attr]
                for each in dependent:
                    with self.change(each):
                        self.rows(model).filter(pk=each.pk).update(**{field.name: None})
            else:
                for each in dependent:
                    self.delete(each)
        self.steps.append({"op": "delete", "model": row._meta.label, "row": values_of(row)})
        self.rows(type(row)).filter(pk=row.pk).delete()

    @contextmanager
    def change(self, row: models.Model) -> Iterator[None]:
        """Record what the block changes in the row's columns."""
        before = values_of(row)
        yield
        after = values_of(self.rows(type(row)).get(pk=row.pk))
        changed = {name: [value, after[name]] for name, value in before.items() if value != after[name]}
        changed.pop("updated_at", None)
        if changed:
            self.steps.append({"op": "change", "model": row._meta.label, "id": row.pk, "columns": changed})

    def created(self, row: models.Model) -> None:
        """Record that the merge made this row."""
        self.steps.append({"op": "create", "model": row._meta.label, "id": row.pk})

    def _set(self, model: Any, field: models.Field, ids: list[int], value: Any) -> None:
        for batch in batched(ids, BATCH):
            self.rows(model).filter(pk__in=batch).update(**{field.attname: value})  # type: ignore[attr-defined]

    # --- Back ---------------------------------------------------------------------------------

    def undo(self) -> None:
        """Raises ValidationError where a row that has to come back refers to one that is gone."""
        for step in reversed(self.steps):
            getattr(self, f"_undo_{step['op']}")(apps.get_model(step["model"]), step)

    def _undo_move(self, model: Any, step: dict[str, Any]) -> None:
        field = model._meta.get_field(step["field"])
        still = self.rows(model).filter(**{field.attname: step["to"]})
        for batch in batched(step["ids"], BATCH):
            still.filter(pk__in=batch).update(**{field.attname: step["from"]})

    def _undo_delete(self, model: Any, step: dict[str, Any]) -> None:
        row = parsed_row(model, step["row"])
        for field in model._meta.concrete_fields:
            target = getattr(row, field.attname)
            if not field.is_relation or target is None:
                continue
            if not self.rows(field.related_model).filter(pk=target).exists():
                if issubclass(model, PairModel):
                    return  # it would have gone with the other row
                if not field.null:
                    name = field.related_model._meta.verbose_name
                    raise ValidationError(
                        {
                            "other": [
                                gettext("It cannot be taken apart: %(name)s %(pk)s is gone.")
                                % {"name": name, "pk": target}
                            ]
                        }
                    )
                setattr(row, field.attname, None)
        self.rows(model).bulk_create([row])

    def _undo_change(self, model: Any, step: dict[str, Any]) -> None:
        row = self.locked(model).filter(pk=step["id"]).first()
        if row is None:
            return
        now = values_of(row)
        back = {name: parsed(model, name, old) for name, (old, new) in step["columns"].items() if now[name] == new}
        if back:
            rows = self.rows(model).filter(pk=row.pk)
            write = TimestampedQuerySet.update if issubclass(model, TimestampedModel) else models.QuerySet.update
            write(rows, **back)  # without the histories that a table's own `update` writes

    def _undo_create(self, model: Any, step: dict[str, Any]) -> None:
        self.rows(model).filter(pk=step["id"]).delete()


class MergeRecord(TimestampedModel):
    """One merge: `created_by` merged the row that had the id `merged_id` into another, at `created_at`.

    A subclass has the foreign key `survivor`.
    """

    merged_id = models.BigIntegerField(unique=True)
    journal = models.TextField(blank=True)

    survivor: Any

    class Meta(TimestampedModel.Meta):
        abstract = True

    def __str__(self) -> str:
        return f"{self.merged_id} → {self.survivor}"

    @classmethod
    def take_apart(cls, survivor: ParentModel, other: int) -> None:
        """Undo the merge of the row that had the id `other` into `survivor`, which is locked, and read it again.

        Raises ValidationError, naming `other`, where it was not merged into this one or cannot be restored.
        """
        records = cls.objects.using(survivor.database).locked()
        record = records.filter(survivor=survivor, merged_id=other).first()
        if record is None:
            name = capfirst(str(survivor._meta.verbose_name))
            text = gettext("%(name)s %(pk)s was not merged into this one.")
            raise ValidationError({"other": [text % {"name": name, "pk": other}]})
        record.undo()
        survivor.refresh_from_db(from_queryset=type(survivor).objects.using(survivor.database))
        survivor.save(update_fields=["updated_at"])

    @classmethod
    def store(cls, survivor: ParentModel, other: int, journal: Journal, *, by: Any) -> None:
        """What `undo` needs of a merge that has just been made."""
        cls.objects.using(survivor.database).create(
            survivor=survivor, merged_id=other, journal=journal.dump(), created_by=by
        )

    def steps(self) -> list[dict[str, Any]]:
        return json.loads(self.journal or "[]")

    def merged_row(self) -> models.Model | None:
        """The row as it was, read from the journal; None where the merge was part of another one."""
        model: Any = self._meta.get_field("survivor").related_model
        of_row = (step for step in reversed(self.steps()) if step["model"] == model._meta.label)
        return next((parsed_row(model, step["row"]) for step in of_row if step["op"] == "delete"), None)

    def undo(self) -> None:
        """Take the two apart. Raises ValidationError for a merge that was part of another one."""
        if not self.journal:
            raise ValidationError({"other": [gettext("It was merged as part of another merge: take that one apart.")]})
        for later in type(self).objects.using(self.database).filter(survivor=self.survivor, pk__gt=self.pk):
            moves = [step for step in later.steps() if step["op"] == "move" and step["model"] == self._meta.label]
            if any(self.pk in step["ids"] for step in moves):
                text = gettext("Take %(pk)s out first: it brought this one.")
                raise ValidationError({"other": [text % {"pk": later.merged_id}]})
        Journal.load(self.database, self.journal).undo()
        type(self).objects.using(self.database).filter(pk=self.pk).delete()


def lock_both(survivor: ParentModel, other: int) -> Any:
    """Lock the two rows for a merge and read `survivor` again. Returns the other one, None where it is gone."""
    rows = type(survivor).objects.using(survivor.database)
    locked = {row.pk: row for row in rows.locked_with_keys().filter(pk__in=[survivor.pk, other]).order_by("pk")}
    survivor.refresh_from_db(from_queryset=rows)
    return locked.get(other)


def default_choice(ours: Any) -> str:
    """Whose value of a field stays where nothing is said: ours, unless it is empty."""
    return OTHER if ours in ("", None) else OURS


def taken(survivor: Any, dropped: Any, names: Iterable[str], take: dict[str, str]) -> dict[str, Any]:
    """The values that the survivor gets of these fields: as `take` says by field, else as by `default_choice`."""
    found = {}
    for name in names:
        ours, others = getattr(survivor, name), getattr(dropped, name)
        choice = take.get(name.removesuffix("_id"), default_choice(ours))
        if choice == BOTH and ours and others and ours != others:
            found[name] = f"{ours}\n\n{others}"
        elif choice == OTHER or (choice == BOTH and not ours):
            found[name] = others
    return found


def rows_of(steps: Iterable[dict[str, Any]], op: str) -> dict[Any, int]:
    """By table, how many rows the steps move or delete; a row counts once. Pairs are left out: their other row may be
    hidden.
    """
    found: dict[Any, set[Any]] = {}
    for step in steps:
        model = apps.get_model(step["model"])
        if step["op"] == op and not issubclass(model, PairModel):
            ids = step["ids"] if "ids" in step else [step.get("id") or step["row"]["id"]]
            found.setdefault(model, set()).update(ids)
    return {model: len(ids) for model, ids in found.items()}


def references_to(model: type[models.Model]) -> list[tuple[Any, models.Field]]:
    """Each table with a foreign key to `model`, and the key."""
    relations = model._meta.get_fields(include_hidden=True)
    return [
        (relation.related_model, relation.field) for relation in relations if isinstance(relation, models.ManyToOneRel)
    ]


def unique_with(model: Any, field: models.Field) -> list[list[str]]:
    """For each unique constraint with the field: its other fields; none of them for a one-to-one reference."""
    meta = model._meta
    found = [tuple(each.fields) for each in meta.total_unique_constraints] + list(meta.unique_together)
    others = [[name for name in names if name != field.name] for names in found if field.name in names]
    return [[], *others] if field.unique else others


def attname(model: Any, name: str) -> str:
    return model._meta.get_field(name).attname


def values_of(row: models.Model, fields: Iterable[models.Field] | None = None) -> dict[str, str | None]:
    """By column, the value as text; of all columns but derived ones, which are computed when the row is written."""
    if fields is None:
        fields = [field for field in row._meta.concrete_fields if not isinstance(field, DerivedField)]
    return {
        field.attname: None if getattr(row, field.attname) is None else field.value_to_string(row) for field in fields
    }


def parsed(model: Any, name: str, text: str | None) -> Any:
    (field,) = (each for each in model._meta.concrete_fields if each.attname == name)
    return None if text is None else field.to_python(text)


def parsed_row(model: Any, values: dict[str, str | None]) -> Any:
    return model(**{name: parsed(model, name, text) for name, text in values.items()})


def survivor_of(rows: models.QuerySet, pk: int) -> int | None:
    """The id of the row, among these, that the row with the id `pk` was merged into."""
    return survivors_of(rows, [pk]).get(pk)


def survivors_of(rows: models.QuerySet, pks: Iterable[int]) -> dict[int, int]:
    """By the ids of merged rows, those of the rows, among these, that they were merged into."""
    if not any(relation.name == "merges" for relation in rows.model._meta.related_objects):
        return {}
    return dict(rows.filter(merges__merged_id__in=pks).order_by().values_list("merges__merged_id", "pk"))
