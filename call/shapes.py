"""Schemas of responses that no serializer renders, for the OpenAPI description."""

from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers

from call.serializers import CallPlanSerializer
from crm.api.serializers import MoneyField, UTCDateTimeField
from crm.db.phones import Match
from lead.models import LeadStatus
from track.health import Verdict
from track.models import InteractionType


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
    unattended = AgendaEntrySerializer(many=True)
    at_risk = AgendaEntrySerializer(many=True)


class HitLeadSerializer(AgendaLeadSerializer):
    assigned_to = serializers.IntegerField(allow_null=True)


class HitSerializer(serializers.Serializer):
    """A contact or a lead with the number; `name`, `role` and `phone` are its own, all else is of the lead."""

    kind = serializers.ChoiceField([("contact", "Contact"), ("lead", "Lead")])
    id = serializers.IntegerField()
    name = serializers.CharField()
    role = serializers.CharField(help_text="empty for a lead")
    phone = serializers.CharField(help_text="as it was typed")
    match = serializers.ChoiceField(Match.choices)
    lead = HitLeadSerializer()
    plan = CallPlanSerializer(allow_null=True, help_text="the next one")
    last_touch = LastTouchSerializer(allow_null=True)
    account = AgendaAccountSerializer(allow_null=True)


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
    former_owner = serializers.CharField(required=False, help_text="a deleted user's name; `owner` is null then")

    left_out = ("former_owner",)


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
