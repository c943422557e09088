from datetime import datetime, timedelta
from typing import Any

from rest_framework import serializers

from call.models import DATE_BOUNDS, CallPlan, Frequency
from crm import dates
from crm.serializers import InstantField, ModelSerializer

AHEAD = timedelta(days=1)


class CallPlanSerializer(ModelSerializer):
    class Meta:
        model = CallPlan
        fields = ["id", "lead", "frequency", "last_called", "next_call_date", "notes"]
        extra_kwargs = {"next_call_date": {"required": False}}

    def create(self, validated_data: dict[str, Any]) -> CallPlan:
        """A new plan has not been called yet, whatever the body says."""
        return super().create({**validated_data, "last_called": None})


class RecordCallSerializer(serializers.Serializer):
    """The body of `record_call`; `last_called` left out is now."""

    last_called = InstantField(required=False, validators=DATE_BOUNDS)

    def validate_last_called(self, called: datetime) -> datetime:
        if called > dates.now() + AHEAD:
            raise serializers.ValidationError("A call cannot have been made more than a day in the future.")
        return called


class SetFrequencySerializer(serializers.Serializer):
    frequency = serializers.ChoiceField(Frequency.choices)
