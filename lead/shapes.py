"""Schemas of responses that no serializer renders, for the OpenAPI description."""

from rest_framework import serializers

from crm.api.serializers import UTCDateTimeField
from lead.duplicates import DuplicateReason
from lead.models import LeadStatus, LostReason, Restaurant
from lead.pipeline import UNKNOWN
from lead.timeline import EntryType


class DurationSerializer(serializers.Serializer):
    """The time that a lead has spent in a status, with its present stay there."""

    status = serializers.ChoiceField(LeadStatus.choices)
    days = serializers.FloatField(help_text="of 24 hours, with two decimals; all stays together")
    entered = serializers.IntegerField(help_text="how many stays; the creation of the lead begins the first")
    since = UTCDateTimeField(allow_null=True, help_text="the start of the present stay; null in all other statuses")


class MovesToSerializer(serializers.Serializer):
    """How many moved to each other status."""

    def get_fields(self):
        return {name: serializers.IntegerField() for name in LeadStatus.values}


class LostReasonsSerializer(serializers.Serializer):
    """Of those that moved to LOST: how many for each reason, UNKNOWN where none was noted."""

    def get_fields(self):
        return {name: serializers.IntegerField() for name in [*LostReason.values, UNKNOWN]}


class PipelineSerializer(serializers.Serializer):
    """One status in a period. `left` is the sum of `to`."""

    status = serializers.ChoiceField(LeadStatus.choices)
    now = serializers.IntegerField(help_text="leads in the status now, whatever the period")
    entered = serializers.IntegerField(help_text="moves into the status, and leads that were created in it")
    created = serializers.IntegerField(help_text="of these, the leads that were created in it")
    left = serializers.IntegerField()
    to = MovesToSerializer()
    lost_reasons = LostReasonsSerializer()
    median_days = serializers.FloatField(
        allow_null=True, help_text="the median of the days that those who left had been there; null: none left"
    )
    conversion = serializers.FloatField(
        allow_null=True,
        help_text="the part, 0 to 1, of those who left an open status that moved on to a later one or to CONVERTED",
    )


class TimelineEntrySerializer(serializers.Serializer):
    """One thing that happened: `at` an instant, `by` a user, `text` in one line."""

    at = UTCDateTimeField()
    type = serializers.ChoiceField(EntryType.choices)
    by = serializers.IntegerField(allow_null=True)
    text = serializers.CharField()
    data = serializers.DictField(help_text="the row as its own list shows it")  # type: ignore[assignment]


class LeadInBriefSerializer(serializers.ModelSerializer):
    """What tells a lead from another one."""

    class Meta:
        model = Restaurant
        fields = ["id", "name", "city", "phone", "email", "lead_status", "assigned_to"]


class MatchSerializer(serializers.Serializer):
    """How likely two rows are one: `why` in words, from the weightiest reason."""

    score = serializers.FloatField(help_text="0 to 1")
    reasons = serializers.ListField(child=serializers.ChoiceField(DuplicateReason.choices))
    why = serializers.CharField()


class LeadPairSerializer(MatchSerializer):
    leads = LeadInBriefSerializer(many=True)


class LeadCandidateSerializer(MatchSerializer):
    lead = LeadInBriefSerializer()


class RefusedLeadSerializer(serializers.Serializer):
    """A lead was not created, because it may be one of the candidates."""

    left_out = ["candidates"]  # where a simultaneous change got in the way

    detail = serializers.CharField()
    candidates = LeadCandidateSerializer(many=True)


class OtherRowSerializer(serializers.Serializer):
    other = serializers.IntegerField(min_value=1, help_text="The id of the other row.")


class DifferentRowSerializer(serializers.Serializer):
    """The id of the `other` row, and who said that the two are different."""

    other = serializers.IntegerField()
    said_by = serializers.IntegerField(allow_null=True)
    said_at = UTCDateTimeField()
