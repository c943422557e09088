import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError as ModelValidationError
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from call import recurrence
from call.models import CallEvent, CallPlan, Frequency, Outcome, WorkProfile
from call.models.event import AHEAD
from call.models.plan import DATE_BOUNDS
from call.models.work_profile import validate_country
from contact.models import Contact
from crm import dates
from crm.api.serializers import IdField, JSONField, ModelSerializer, Serializer, TimeZoneField, UTCDateTimeField
from track.models import contact_of_lead

MAX_DAYS = 366


class CallPlanSerializer(ModelSerializer):
    class Meta:
        model = CallPlan
        fields = ["id", "lead", "frequency", "last_called", "next_call_date", "notes"]
        extra_kwargs = {"next_call_date": {"required": False}}

    def create(self, validated_data: dict[str, Any]) -> CallPlan:
        """A new plan has not been called yet, whatever the body says."""
        return super().create({**validated_data, "last_called": None})


class CallEventSerializer(ModelSerializer):
    event = serializers.ChoiceField(CallEvent.Kind.choices, source="kind", read_only=True)
    planned_date = UTCDateTimeField(source="planned_for", read_only=True)
    by = serializers.PrimaryKeyRelatedField(source="created_by", read_only=True)  # type: ignore[var-annotated]

    class Meta:
        model = CallEvent
        fields = [
            "id",
            "plan",
            "event",
            "planned_date",
            "happened_at",
            "by",
            "reason",
            "outcome",
            "frequency",
            "interaction",
        ]
        read_only_fields = fields


class RecordCallSerializer(Serializer):
    """The body of `record_call`; `last_called` left out is now. With anything else it writes an interaction too."""

    last_called = UTCDateTimeField(required=False, validators=DATE_BOUNDS)
    contact = IdField(queryset=Contact.objects.all(), check=False, required=False, allow_null=True)
    outcome = serializers.ChoiceField(Outcome.choices, required=False)
    details = serializers.CharField(max_length=20_000, required=False, allow_blank=True)

    def validate_last_called(self, called: datetime) -> datetime:
        if called > dates.now() + AHEAD:
            raise serializers.ValidationError(
                gettext_lazy("A call cannot have been made more than a day in the future.")
            )
        return called

    def validate_contact(self, contact: int | None) -> int | None:
        plan = self.context["plan"]
        if contact is not None and not contact_of_lead(lead=plan.lead_id, contact=contact, using=plan.database):
            raise serializers.ValidationError(f"Contact {contact} does not belong to lead {plan.lead_id}.")
        return contact


class SetFrequencySerializer(Serializer):
    frequency = serializers.ChoiceField(Frequency.choices)


class ReasonSerializer(Serializer):
    reason = serializers.CharField(max_length=20_000, required=False, allow_blank=True, default="")


class SnoozeSerializer(ReasonSerializer):
    """`until` a date-time, or a date at the plan's time of day; or `days` from the user's today."""

    until = serializers.CharField(required=False)
    days = serializers.IntegerField(required=False, min_value=1, max_value=MAX_DAYS)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("until" in attrs) == ("days" in attrs):
            raise serializers.ValidationError({"until": [gettext_lazy("Give either until or days.")]})
        name = "until" if "until" in attrs else "days"
        moment = self.moment(attrs)
        if moment <= dates.now():
            raise serializers.ValidationError({name: [gettext_lazy("A call cannot be put off into the past.")]})
        for check in DATE_BOUNDS:
            try:
                check(moment)
            except ModelValidationError as error:
                raise serializers.ValidationError({name: error.messages}) from error
        return {"until": moment, "reason": attrs["reason"]}

    def moment(self, attrs: dict[str, Any]) -> datetime:
        zone = self.context["zone"]
        time_of_day = recurrence.time_of_day(self.context["plan"].next_call_date, zone)
        if "days" in attrs:
            return recurrence.at(dates.today(zone) + timedelta(days=attrs["days"]), time_of_day, zone)
        with suppress(ValueError, OverflowError):
            return recurrence.at(date.fromisoformat(attrs["until"]), time_of_day, zone)
        try:
            return UTCDateTimeField().run_validation(attrs["until"])
        except serializers.ValidationError as error:
            raise serializers.ValidationError({"until": error.detail}) from error


class LeaveField(JSONField):
    """A list of {"from", "to"}; further keys are dropped."""

    def to_internal_value(self, data: Any) -> list[dict[str, str]]:
        if isinstance(data, list) and all(isinstance(each, Mapping) for each in data):
            data = [{name: each[name] for name in ("from", "to") if name in each} for each in data]
        return super().to_internal_value(data)

    def to_representation(self, value: list[dict[str, str]]) -> list[dict[str, str]]:
        """PostgreSQL does not preserve the order of keys."""
        return [{"from": each["from"], "to": each["to"]} for each in value]


class WorkProfileSerializer(ModelSerializer):
    leave = LeaveField(required=False)
    note = serializers.CharField(read_only=True, allow_null=True)

    class Meta:
        model = WorkProfile
        fields = ["time_zone", "working_days", "country", "region", "leave", "note"]
        extra_kwargs = {name: {"required": False} for name in ("time_zone", "working_days")}

    def get_fields(self):
        fields = super().get_fields()
        fields["leave"].validators = WorkProfile._meta.get_field("leave").validators  # type: ignore[assignment]
        return fields

    def validate_working_days(self, days: list[int]) -> list[int]:
        return sorted(days)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        merged = {name: attrs.get(name, getattr(self.instance, name)) for name in ("country", "region")}
        try:
            validate_country(**merged)
        except ModelValidationError as error:
            raise serializers.ValidationError(error.message_dict) from error
        return attrs


class DaysSerializer(Serializer):
    """The query of `upcoming`: how far ahead."""

    days = serializers.IntegerField(required=False, min_value=0, max_value=MAX_DAYS, default=7)


class DaySerializer(DaysSerializer):
    """The query of the agenda: which day, where, whose, how far ahead."""

    tz = TimeZoneField(required=False)
    date = serializers.DateField(required=False)
    owner = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)

    def validate_date(self, day: date) -> date:  # type: ignore[valid-type]
        if not 2000 <= day.year <= 2099:  # type: ignore[attr-defined]
            raise serializers.ValidationError(gettext_lazy("Give a date between 2000 and 2099."))
        return day


class LookupSerializer(Serializer):
    """The query of the lookup. A "+" that was not encoded arrives as a space, and is one again."""

    phone = serializers.CharField(max_length=100, trim_whitespace=False)

    def validate_phone(self, phone: str) -> str:
        return re.sub(r"^ (?=[1-9])", "+", phone)
