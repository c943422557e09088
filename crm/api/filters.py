"""Query parameters of a list: filters, `search`, `ordering`.

The filters are django-filter's declarations. Their forms are left out: a form builds and cleans every field on every
request, this reads only the parameters that were sent.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

import django_filters
from django import forms
from django.core.exceptions import ValidationError as FormError
from django.db.models import F, Model, QuerySet
from django.db.models.expressions import OrderBy
from django.http import QueryDict
from django.utils.dateparse import parse_date, parse_datetime
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend

from crm import dates
from crm.api.pagination import PAGE_PARAMETERS
from crm.api.serializers import MAX_ID
from crm.db.folding import fold_key, folded_fields
from crm.db.search import search, words_of

FilterSet = django_filters.FilterSet
ZONE = "tz"  # an IANA time zone: plain dates mean its days
OWN_WAYS = ("__init__", "is_valid", "errors", "form", "get_form_class", "filter_queryset", "qs")


class Field(forms.Field):
    """A value that may be left out, as a FilterSet's own form leaves it; else `parse` reads it."""

    def to_python(self, value: str | None) -> Any:
        return None if value in self.empty_values else self.parse(value)

    def parse(self, value: Any) -> Any:
        raise NotImplementedError


class IdParameter(Field):
    def parse(self, value: str) -> int:
        if not (value.isascii() and value.isdigit() and len(value) <= 19 and int(value) <= MAX_ID):
            raise FormError("Enter an id: a whole number.")
        return int(value)


class UTCDateTimeParameter(Field):
    """A date-time (naive: in the server's zone), or a date: the first instant of that day in a zone, the server's."""

    def parse(self, value: str, zone: ZoneInfo | None = None) -> datetime:
        # An offset's "+" arrives as a space from clients that do not encode it.
        value = re.sub(r" (?=\d\d:?\d\d$)", "+", value) if "T" in value else value
        moment: datetime | None
        try:
            if len(value) <= 10:
                day = parse_date(value)
                moment = dates.start_of_day(day, zone or dates.server_zone()) if day else None
            else:
                moment = parse_datetime(value)
            moment = moment and (moment if moment.tzinfo else moment.replace(tzinfo=dates.server_zone()))
            if moment and date(1900, 1, 1) <= moment.astimezone(dates.UTC).date() < date(2200, 1, 1):
                return moment.astimezone(dates.UTC)
        except (ValueError, OverflowError):
            pass
        raise FormError("Enter a date or a date-time between 1900 and 2200, such as 2024-12-24T15:30:00Z.")


class DayParameter(Field):
    """A date between 1900 and 2200, ISO 8601."""

    def parse(self, value: str) -> date:
        try:
            day = parse_date(value.strip())
        except ValueError:
            day = None
        if day is None or not 1900 <= day.year < 2200:
            raise FormError("Enter a date between 1900 and 2200, such as 2024-12-24.")
        return day


class TruthField(Field):
    def parse(self, value: str) -> bool:
        known = {"true": True, "1": True, "false": False, "0": False}
        if value.lower() not in known:
            raise FormError("Enter true or false.")
        return known[value.lower()]


class ChoicesField(forms.MultipleChoiceField):
    """Several at once: repeated (`a=X&a=Y`) or with commas (`a=X,Y`)."""

    def to_python(self, values: list[str] | None) -> list[str]:
        return [part.strip() for value in values or [] for part in value.split(",") if part.strip()]


class IdFilter(django_filters.Filter):
    field_class = IdParameter


class UTCDateTimeFilter(django_filters.Filter):
    field_class = UTCDateTimeParameter


class DayFilter(django_filters.Filter):
    field_class = DayParameter


class TruthFilter(django_filters.Filter):
    field_class = TruthField


class ChoicesFilter(django_filters.Filter):
    field_class = ChoicesField

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, lookup_expr="in", **kwargs)


class TextFilter(django_filters.Filter):
    field_class = forms.CharField

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, max_length=254, **kwargs)


class FoldedFilter(TextFilter):
    """Finds what folds to the same text (crm.db.folding); `field_name` is a look-up path to a FoldedField."""

    def filter(self, qs: QuerySet, value: str) -> QuerySet:
        return super().filter(qs, fold_key(value))


class MoneyFilter(django_filters.Filter):
    field_class = forms.DecimalField

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, max_digits=14, decimal_places=2, **kwargs)


# Filters whose SQL is the same for all values of a type; an app may add its own.
COMPARED: dict[type[django_filters.Filter], type] = {IdFilter: int, UTCDateTimeFilter: datetime}
COMPARISONS = {"exact", "gt", "gte", "lt", "lte"}


@dataclass
class ListQuery:
    """The parsed query string of a list: values for its filters, words to search for, an order."""

    filters: dict[str, Any]
    words: str = ""
    order: tuple[str, ...] = ()

    @classmethod
    def read(cls, request, view) -> Self:
        """Raises ValidationError (400), which names every parameter with an invalid value."""
        declared = declared_by(view)
        fields = getattr(view, "ordering_fields", ["id"])
        query, errors = cls({}), {}
        try:
            zone = zone_of(request, view)
        except FormError as error:
            zone, errors[ZONE] = None, error.messages
        for name, values in request.query_params.lists():
            values = [value for value in values if value.strip()]
            try:
                if name in declared and values and is_declarative(getattr(view, "filterset_class", None)):
                    query.filters[name] = cleaned(declared[name].field, values, zone)
                elif name == "search" and getattr(view, "search_field", None) and values:
                    words_of(values[-1])
                    query.words = values[-1]
                elif name == "ordering" and values and fields:
                    query.order = ordering(values[-1], fields)
                elif name not in known_to(view) and is_strict(request):
                    errors[name] = ["Unknown parameter."]
            except FormError as error:
                errors[name] = error.messages
        if errors:
            raise ValidationError(errors)
        return query

    def compared(self, view) -> list[tuple[str, type]] | None:
        """The names of the filters, each with the type of its value, where the SQL is the same for all values.

        None where it is not: for a search, a choice, a filter or filterset of an app's own.
        """
        declared = declared_by(view)
        is_simple = all(is_comparison(declared[name], value) for name, value in self.filters.items())
        if self.words or not is_simple or not is_declarative(view.filterset_class):
            return None
        return [(name, COMPARED[type(declared[name])]) for name in self.filters]

    def of(self, queryset: QuerySet, view) -> QuerySet:
        """The rows that are let through, in order. `view` is one of ReadingViewSet, or its class."""
        declared = declared_by(view)
        for name, value in self.filters.items():
            queryset = declared[name].filter(queryset, value)
        if self.words:
            queryset = search(queryset, view.search_field, self.words, view.request.user)
        return queryset.order_by(*terms(self.order, queryset.model)) if self.order else queryset


def declared_by(view) -> dict[str, django_filters.Filter]:
    filterset_class = getattr(view, "filterset_class", None)
    return filterset_class.base_filters if filterset_class else {}


def cleaned(field: forms.Field, values: list[str], zone: ZoneInfo | None) -> Any:
    if isinstance(field, UTCDateTimeParameter):
        return field.parse(values[-1], zone)
    return field.clean(values if isinstance(field, ChoicesField) else values[-1])


def has_dates(view) -> bool:
    """Whether the list has filters by date, so that it takes `tz`."""
    return any(isinstance(each.field, UTCDateTimeParameter) for each in declared_by(view).values())


def zone_of(request, view) -> ZoneInfo | None:
    """The zone of `tz`, whose days plain dates mean; None where there is none. Raises FormError."""
    name = request.query_params.get(ZONE, "").strip()
    if not name or not has_dates(view):
        return None
    try:
        return dates.zone(name)
    except ValueError as error:
        raise FormError(f"{error}.") from None


def in_utc(request, view) -> QueryDict:
    """The query string, plain dates in the zone of `tz` as instants: for filtersets of an app's own."""
    zone, data = zone_of(request, view), request.query_params.copy()
    for name, each in declared_by(view).items():
        if zone and isinstance(each.field, UTCDateTimeParameter) and data.get(name, "").strip():
            with suppress(FormError):  # which the filterset reports
                data[name] = each.field.parse(data[name], zone).isoformat()
    return data


def is_comparison(declared: django_filters.Filter, value: Any) -> bool:
    return COMPARED.get(type(declared)) is type(value) and declared.lookup_expr in COMPARISONS


def is_declarative(filterset_class: type[django_filters.FilterSet] | None) -> bool:
    """Whether the declared filters are all that there is to the class, so that it need not be made."""
    return filterset_class is None or (
        all(getattr(filterset_class, name) is getattr(FilterSet, name) for name in OWN_WAYS)
        and not any(each.method for each in filterset_class.base_filters.values())
    )


def known_to(view) -> set[str]:
    searched = ["search"] if getattr(view, "search_field", None) else []
    zone = [ZONE] if has_dates(view) else []
    ordered = ["ordering"] if getattr(view, "ordering_fields", ["id"]) else []
    return {*declared_by(view), *getattr(view, "own_parameters", ()), *PAGE_PARAMETERS, *ordered, *searched, *zone}


class ListQueryBackend(BaseFilterBackend):
    """Reads `filterset_class`, `search_field` and `ordering_fields` from the view.

    An invalid value is a 400 that names its parameter. Unknown parameters are ignored, unless the request
    says `Prefer: handling=strict` (RFC 7240, section 4.4).
    """

    def filter_queryset(self, request, queryset, view):
        if getattr(view, "looks_up_one", False):
            return queryset  # the query string applies to lists only
        query = ListQuery.read(request, view)
        if not is_declarative(getattr(view, "filterset_class", None)):
            filterset = view.filterset_class(in_utc(request, view), queryset=queryset, request=request)
            if not filterset.is_valid():
                raise ValidationError(filterset.errors)
            queryset = filterset.qs
        return query.of(queryset, view)


def ordering(value: str, allowed: list[str]) -> tuple[str, ...]:
    """What to order by: names with `-` for descending; the id last, so that the order is whole. Raises FormError."""
    names = list(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
    for name in names:
        if name.removeprefix("-") not in allowed:
            raise FormError(f"Order by one of: {', '.join(allowed)}; with a leading minus for descending.")
    if not {"id", "-id"} & set(names):
        names.append("id")
    return tuple(names)


def terms(names: Iterable[str], model: type[Model]) -> list[str | OrderBy]:
    """For `order_by`: a text as people order it, by its fold and then as written; rows without a value last either way.

    By themselves SQLite and PostgreSQL put these at opposite ends.
    """
    nullable = {field.name for field in model._meta.concrete_fields if field.null}
    ordered: list[str | OrderBy] = []
    for name in names:
        minus, field = name[: -len(name.removeprefix("-"))], name.removeprefix("-")
        if field in nullable:
            ordered.append(OrderBy(F(field), descending=bool(minus), nulls_last=True))
            continue
        if folded := folded_fields(model).get(field):
            ordered.append(minus + folded)
        ordered.append(name)
    return ordered


def is_strict(request) -> bool:
    """Whether unknown parameters are an error: `Prefer: handling=strict` (RFC 7240, section 4.4)."""
    return prefers(request, "handling=strict")


def prefers(request, preference: str) -> bool:
    """Whether the header `Prefer` has the preference (RFC 7240); several are separated by commas."""
    given = re.split("[,;]", re.sub(r'[\s"]', "", request.headers.get("Prefer", "")).lower())
    return preference in given
