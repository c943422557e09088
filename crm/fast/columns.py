"""Rows as tuples where a serializer only shows columns: making instances and fields of them costs more than the rest.

A field class of the kit says in `shows_column` which kind of column it shows as it is.
"""

from functools import cache
from typing import Any

from django.db import models
from django.db.models import QuerySet
from django.db.models.query import ModelIterable
from django.db.models.signals import post_init, pre_init
from rest_framework import serializers

from crm.fast import is_on
from crm.fast.fields import BoundOnce

# The fields that show a column of these kinds as it is.
SHOWN_AS_STORED: dict[type, Any] = {
    **dict.fromkeys((serializers.IntegerField, serializers.BigIntegerField), models.IntegerField),
    **dict.fromkeys((serializers.CharField, serializers.ChoiceField), (models.CharField, models.TextField)),
    **{serializers.PrimaryKeyRelatedField: models.ForeignKey, serializers.EmailField: models.CharField},
}
FROM_DB = models.Model.from_db.__func__  # type: ignore[attr-defined]
# Of a QuerySet, what gives its rows.
FETCHES = ["__iter__", "__getitem__", "_fetch_all", "_clone", "iterator", "values_list", "all", "filter", "order_by"]
Shown = dict[str, str]  # the keys of a serializer, in their order, each with the column that it shows


def columns(view) -> Shown | None:
    """None where the view's serializer does more than show columns."""
    serializer_class = view.get_serializer_class()
    if not is_on("columns") or not view.shows_as_stock() or not issubclass(serializer_class, BoundOnce):
        return None
    is_models = issubclass(serializer_class, serializers.ModelSerializer)
    return columns_of(serializer_class) if is_models and serializer_class.is_plain() else None


@cache
def columns_of(serializer_class: type[Any]) -> Shown | None:
    stored = {}
    for column in serializer_class.Meta.model._meta.concrete_fields:
        stored[column.name] = stored[column.attname] = column
    shown = {name: field for name, field in serializer_class().fields.items() if not field.write_only}
    is_stored = all(shows(field, stored.get(field.source)) for field in shown.values())
    if not is_stored or hasattr(serializer_class.Meta, "list_serializer_class"):
        return None
    return {name: stored[field.source].attname for name, field in shown.items()}


def shows(field: Any, column: Any) -> bool:
    """Whether the field shows the column as it is: by its type and by its options."""
    forms = [getattr(field, name, None) for name in ("coerce_to_string", "normalize_output", "localize", "pk_field")]
    same = getattr(field, "decimal_places", None) == getattr(column, "decimal_places", None)
    texts = type(field) is not serializers.ChoiceField or {type(choice) for choice in field.choices} <= {str}
    kind = SHOWN_AS_STORED.get(type(field)) or vars(type(field)).get("shows_column", ())
    return isinstance(column, kind) and same and texts and not any(forms)


def is_plain(queryset: Any) -> bool:
    """Whether the queryset's rows are the model's, and have nothing that their columns do not."""
    if not isinstance(queryset, QuerySet) or queryset._result_cache is not None:
        return False
    query, model, related = queryset.query, queryset.model, queryset._prefetch_related_lookups  # type: ignore
    more = any((related, query.select_related, query.distinct, query.combinator, query.group_by, query.extra))
    made = (queryset._iterable_class, model.__init__, model.from_db.__func__)
    own = [getattr(type(queryset), name) for name in FETCHES] == [getattr(QuerySet, name) for name in FETCHES]
    listened = any(signal.has_listeners(model) for signal in (pre_init, post_init))
    return made == (ModelIterable, models.Model.__init__, FROM_DB) and own and not more and not listened
