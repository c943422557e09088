"""Schemas of responses that no serializer renders, for the OpenAPI description."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers

from call.serializers import CallPlanSerializer
from crm.api.serializers import MoneyField, UTCDateTimeField
from lead.models import LeadStatus
from track.health import Verdict
from track.models import InteractionType

FEED_ADDRESS: dict[str, Any] = {
    "type": "object",
    "properties": {"url": {"type": "string", "format": "uri"}},
    "required": ["url"],
}


class AgendaLeadSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    city = serializers.CharField()
    lead_status = serializers.ChoiceField(LeadStatus.choices)


class AgendaContactSerializer(serializers.Serializer):
    """The person last spoken to, else the lead's first."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    role = serializers.CharField()
    phone = serializers.CharField()


class LastTouchSerializer(serializers.Serializer):
    date = UTCDateTimeField()
    interaction_type = serializers.ChoiceField(InteractionType.choices)
    details = serializers.CharField()


class LastOrderSerializer(serializers.Serializer):
    date = UTCDateTimeField()
    total_price = MoneyField(max_digits=14, decimal_places=2, allow_null=True)


class AgendaAccountSerializer(serializers.Serializer):
    verdict = serializers.ChoiceField(Verdict.choices)
    sentence = serializers.CharField()


class AgendaEntrySerializer(serializers.Serializer):
    """The details for one call, and `why` it is listed."""

    plan = CallPlanSerializer(allow_null=True)
    lead = AgendaLeadSerializer()
    contact = AgendaContactSerializer(allow_null=True)
    last_touch = LastTouchSerializer(allow_null=True)
    last_order = LastOrderSerializer(allow_null=True)
    days_overdue = serializers.IntegerField()
    why = serializers.CharField()
    account = AgendaAccountSerializer(allow_null=True)


class AgendaSerializer(serializers.Serializer):
    date = serializers.DateField()
    time_zone = serializers.CharField()
    overdue = AgendaEntrySerializer(many=True)
    today = AgendaEntrySerializer(many=True)
    upcoming = AgendaEntrySerializer(many=True)
    unplanned = AgendaEntrySerializer(many=True)
    at_risk = AgendaEntrySerializer(many=True)


class AdherenceSerializer(serializers.Serializer):
    """What became of an owner's planned calls; planned = on_time + late + missed + skipped."""

    owner = serializers.IntegerField(allow_null=True)
    planned = serializers.IntegerField()
    on_time = serializers.IntegerField()
    late = serializers.IntegerField()
    missed = serializers.IntegerField()
    skipped = serializers.IntegerField()
    snoozed = serializers.IntegerField(help_text="of the planned ones, those that were moved")
    average_days_late = serializers.FloatField(allow_null=True)


class WorkProfile(OpenApiSerializerExtension):
    """Its JSON columns."""

    target_class = "call.serializers.WorkProfileSerializer"

    def map_serializer(self, auto_schema, direction):
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        weekday = {"type": "integer", "minimum": 1, "maximum": 7}
        day = {"type": "string", "format": "date"}
        leave = {"type": "object", "properties": {"from": day, "to": day}, "required": ["from", "to"]}
        schema["properties"] |= {
            "working_days": {"type": "array", "items": weekday, "description": "ISO weekdays: 1 is Monday"},
            "leave": {"type": "array", "items": leave, "description": "local dates, both inclusive"},
        }
        return schema
