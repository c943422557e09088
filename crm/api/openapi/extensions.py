"""What drf-spectacular cannot know by itself: our authentication, fields of our own, and the parameters of lists."""

from typing import Any

from django import forms
from django.db import models
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiFilterExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.plumbing import build_parameter_type
from rest_framework import serializers

from crm.api import filters
from crm.db import search


def column_of(field: serializers.Field) -> models.Field | None:
    """The column that a serializer's field shows."""
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    columns = model._meta.concrete_fields if model else []
    return next((column for column in columns if field.source in (column.name, column.attname)), None)


class Token(OpenApiAuthenticationExtension):
    target_class = "crm.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class Reference(OpenApiSerializerFieldExtension):
    target_class = "crm.api.serializers.IdField"

    def map_serializer_field(self, auto_schema, direction):
        return {"type": "integer", "format": "int64", "minimum": 1}


class Money(OpenApiSerializerFieldExtension):
    target_class = "crm.api.serializers.MoneyField"

    def map_serializer_field(self, auto_schema, direction):
        field = self.target
        return {
            "type": "number",
            "multipleOf": 10**-field.decimal_places,
            "exclusiveMaximum": 10**field.max_whole_digits,
        }


class Choice(OpenApiSerializerFieldExtension):
    """A component for each of the models' enumerations, called as its class; but where it may be blank."""

    target_class = "rest_framework.serializers.ChoiceField"

    def get_name(self):
        values = self.values()
        return next((choices.__name__ for choices in enumerations() if choices.values == values), None)

    def map_serializer_field(self, auto_schema, direction):
        return {"type": "string", "enum": self.values()}

    def values(self) -> list[str]:
        column = column_of(self.target)
        may_be_blank = column.blank and not column.has_default() if column else self.target.allow_blank
        return [*self.target.choices, *([""] if may_be_blank else [])]


def enumerations() -> list[type[models.TextChoices]]:
    return models.TextChoices.__subclasses__()


class Filters(OpenApiFilterExtension):
    target_class = "crm.api.filters.ListQueryBackend"

    def get_schema_operation_parameters(self, auto_schema, *args, **kwargs):
        view = auto_schema.view
        declared = view.filterset_class.base_filters if view.filterset_class else {}
        parameters = [self.of_filter(name, filter) for name, filter in declared.items()]
        if view.search_field:
            parameters.append(
                build_parameter_type(
                    "search",
                    {"type": "string", "maxLength": search.MAX_LENGTH},
                    "query",
                    description=f"Up to {search.MAX_TERMS} words, or a phone number; each must be found, anywhere in"
                    " the names, phones, e-mails and cities, or in the details of an interaction. Case and accents do"
                    " not matter, nor how a phone is typed.",
                )
            )
        if filters.has_dates(view):
            parameters.append(
                build_parameter_type(
                    filters.ZONE,
                    {"type": "string", "maxLength": 64, "example": "Asia/Kolkata"},
                    "query",
                    description="An IANA time zone: plain dates in the filters mean its days. Default: the server's.",
                )
            )
        if named := [sign + name for name in view.ordering_fields for sign in ("", "-")]:
            parameters.append(
                build_parameter_type(
                    "ordering",
                    {"type": "array", "items": {"type": "string", "enum": named}},
                    "query",
                    explode=False,
                    style="form",
                    description="The order of the rows, a leading minus for descending; the id decides last. Texts are"
                    " ordered without case and accents, and then as written.",
                )
            )
        return parameters

    def of_filter(self, name: str, filter) -> dict[str, Any]:
        field = str(filter.field_name).removesuffix("_id")
        match filter.field:
            case filters.IdParameter():
                schema = {"type": "integer", "format": "int64", "minimum": 0}
                text = f"The id of the `{name}`."
            case filters.UTCDateTimeParameter():
                instants = [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]
                schema = {"oneOf": instants}
                bound = "From this moment on" if filter.lookup_expr == "gte" else "Before this moment"
                text = f"{bound}, by `{field}`. A plain date is the first instant of that day."
            case filters.DayParameter():
                schema, text = {"type": "string", "format": "date"}, f"This `{field}`, a date."
            case filters.TruthField():
                schema, text = {"type": "boolean"}, f"Whether `{field}`."
            case filters.ChoicesField() as choices:
                values = [value for value, _ in choices.choices]  # type: ignore[union-attr]
                schema = {"type": "array", "items": {"type": "string", "enum": values}}
                text = "One or several, repeated or with commas."
            case forms.DecimalField():
                bounds = {"exclusiveMinimum": -(10**12), "exclusiveMaximum": 10**12}
                schema = {"type": "number", "multipleOf": 0.01, **bounds}
                text = f"{'At least' if filter.lookup_expr == 'gte' else 'At most'} this `{field}`."
            case _:
                schema, text = {"type": "string", "maxLength": 254}, f"Exactly this `{field}`."
                if isinstance(filter, filters.FoldedFilter):
                    text = f"This `{name}`; case and accents do not matter."
        return build_parameter_type(name, schema, "query", description=filter.extra.get("help_text") or text)
