"""The fields that the documented bodies are made of, and a ModelSerializer that saves only what it was given."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn

from django.db import models
from rest_framework import serializers

from crm import dates
from crm.db.merging import survivor_of
from crm.fast.fields import BoundOnce, methods_of

MAX_ID = 2**63 - 1  # bigint


def id_of(text: str) -> int | None:
    """None for a text that is no id, however long: Python refuses to read a number of thousands of digits."""
    return int(text) if re.fullmatch("[0-9]{1,19}", text) and 0 < int(text) <= MAX_ID else None


class IdField(serializers.PrimaryKeyRelatedField):
    """A foreign key as the plain id that the document shows; validated data holds the id under `<name>_id`.

    The id of a row that the request's user may not see does not exist. `check=False` leaves the look-up to a serializer
    that resolves several references in one query.
    """

    shows_column = models.ForeignKey

    default_error_messages = {
        "merged": 'Invalid pk "{pk_value}" - object does not exist: it was merged into {survivor}.'
    }

    def __init__(self, *, check: bool = True, **kwargs: Any) -> None:
        self.check = check
        super().__init__(**kwargs)

    def bind(self, field_name: str, parent: Any) -> None:
        super().bind(field_name, parent)
        if self.source == field_name:
            self.source = f"{field_name}_id"
            self.source_attrs = [self.source]

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | str):
            self.fail("incorrect_type", data_type=type(data).__name__)
        if isinstance(data, str) and not (data.isascii() and data.isdigit()):
            self.fail("incorrect_type", data_type="str")
        pk = int(data) if len(str(data)) <= 20 else MAX_ID + 1
        if not 0 < pk <= MAX_ID or (self.check and not self.visible_rows().filter(pk=pk).exists()):
            self.fail_missing(pk, data)
        return pk

    def fail_missing(self, pk: int, given: Any) -> NoReturn:
        """Raises ValidationError, which names the row that this one was merged into."""
        survivor = survivor_of(self.visible_rows(), pk) if pk <= MAX_ID else None
        self.fail("merged" if survivor else "does_not_exist", pk_value=given, survivor=survivor)

    def visible_rows(self) -> models.QuerySet:
        """Those that the request's user may see; all where there is no request."""
        rows, request = self.get_queryset(), self.context.get("request")
        visible_to = getattr(rows, "visible_to", None)
        return visible_to(request.user) if request and visible_to else rows  # type: ignore[return-value]

    def check_visible(self, pk: int | None) -> None:
        """For `check=False`: fails where the user may not see the row, without a query where all are visible."""
        rows = self.visible_rows()
        if pk and rows.query.where and not rows.filter(pk=pk).exists():
            self.fail_missing(pk, pk)


class UTCDateTimeField(serializers.DateTimeField):
    """Takes any UTC offset, a naive time in the server's zone; answers in UTC with a `Z`."""

    shows_column = models.DateTimeField

    default_error_messages = {"overflow": "Datetime value out of range."}

    def to_internal_value(self, value: Any) -> datetime:
        try:
            return super().to_internal_value(value).astimezone(UTC)
        except OverflowError:
            self.fail("overflow")

    def enforce_timezone(self, value: datetime) -> datetime:
        return value if value.tzinfo else super().enforce_timezone(value)

    def default_timezone(self):
        return dates.server_zone()

    def to_representation(self, value: datetime) -> str | None:
        return value and value.astimezone(UTC).isoformat().replace("+00:00", "Z")  # type: ignore[return-value]


class TimeZoneField(serializers.CharField):
    """A name of the IANA time zone database; validated data holds the zone."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 64, **kwargs})

    def run_validation(self, data: Any = serializers.empty) -> Any:
        name = super().run_validation(data)
        try:
            return name and dates.zone(name)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class MoneyField(serializers.DecimalField):
    """A JSON number with its decimals (crm.api.renderers writes it), taken as number or string."""

    shows_column = models.DecimalField

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data) + 0  # −0.00 becomes 0.00


class ExplicitBooleanField(serializers.BooleanField):
    """A boolean that a form may leave out: DRF would read its absence as an unticked box, false."""

    shows_column = models.BooleanField
    default_empty_html = serializers.empty


class JSONField(serializers.JSONField):
    """Too deep a value is none: a form's text is parsed here, and DRF writes every value out to see whether it can."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            return super().to_internal_value(data)
        except RecursionError:
            self.fail("invalid")


class Serializer(BoundOnce, serializers.Serializer):
    pass


class ModelSerializer(BoundOnce, serializers.ModelSerializer):
    """Creates through the model's manager and edits through `TimestampedModel.edit`, which saves only what changed."""

    serializer_related_field = IdField
    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.BooleanField: ExplicitBooleanField,
        models.DateTimeField: UTCDateTimeField,
        models.DecimalField: MoneyField,
        models.JSONField: JSONField,
    }

    def create(self, validated_data: dict[str, Any]):
        return self.Meta.model.objects.create(**validated_data)  # type: ignore[attr-defined]

    def update(self, instance, validated_data: dict[str, Any]):
        instance.edit(**validated_data)
        return instance


class PeriodSerializer(Serializer):
    """The query of a report: local dates, both inclusive, at most two years."""

    to = serializers.DateField()

    def get_fields(self):
        return {"from": serializers.DateField(), **super().get_fields()}  # `from` is no Python name

    def validate(self, attrs: dict[str, date]) -> dict[str, date]:
        if not attrs["from"].year >= 2000 or not attrs["to"].year <= 2100:
            raise serializers.ValidationError({"from": ["Give dates between 2000 and 2100."]})
        if not timedelta(0) <= attrs["to"] - attrs["from"] <= timedelta(days=2 * 366):
            raise serializers.ValidationError({"to": ["Give a date on or after `from`, at most two years later."]})
        return attrs


for kit in (Serializer, ModelSerializer):
    kit.kits_methods = methods_of(kit)  # as they are before anybody replaces one
