from datetime import timedelta
from typing import ClassVar

from django.contrib.auth import get_user_model
from rest_framework import serializers

from crm import dates
from crm.api.merging import MergeSerializer
from crm.api.serializers import IdField, ModelSerializer, Serializer, TimeZoneField, UTCDateTimeField
from lead.models import ExternalId, LeadStatus, LostReason, OwnerChange, Policy, Restaurant, StatusChange, Team
from lead.models.merge import MERGED, TEXTS
from lead.models.restaurant import REASON_OF_LOST

MAX_LEADS = 10_000  # named in one hand-over
MAX_USERS = 10_000  # of a team
PERIOD = 30  # days of the pipeline's default period


class RestaurantSerializer(ModelSerializer):
    class Meta:
        model = Restaurant
        fields = [
            "id",
            "name",
            "address",
            "city",
            "state",
            "pincode",
            "contact_person",
            "phone",
            "email",
            "lead_status",
            "potential_revenue",
            "notes",
            "restaurant_type",
            "cuisine_type",
            "assigned_to",
            "created_at",
            "updated_at",
        ]
        extra_kwargs: ClassVar = {"assigned_to": {"check": False}}  # `validate_assigned_to` looks it up

    def validate_assigned_to(self, owner: int | None) -> int | None:
        """A new owner is one to whom the user may hand over. An import has looked owners up before."""
        request = self.context.get("request")
        is_known = self.context.get("references_are_known", False)
        if is_known or owner is None or owner == getattr(self.instance, "assigned_to_id", None):
            return owner
        policy = Policy.of(request.user) if request else Policy(sees_everything=True)
        if not policy.may_hand_over_to(owner):
            self.fields["assigned_to"].fail("does_not_exist", pk_value=owner)
        return owner


class StatusChangeSerializer(ModelSerializer):
    changed_by = serializers.PrimaryKeyRelatedField(source="created_by", read_only=True)  # type: ignore[var-annotated]
    changed_at = UTCDateTimeField(source="created_at", read_only=True)

    class Meta:
        model = StatusChange
        fields = ["id", "lead", "old_status", "new_status", "changed_by", "changed_at", "note"]
        read_only_fields = fields


class OwnerChangeSerializer(ModelSerializer):
    changed_by = serializers.PrimaryKeyRelatedField(source="created_by", read_only=True)  # type: ignore[var-annotated]
    changed_at = UTCDateTimeField(source="created_at", read_only=True)

    class Meta:
        model = OwnerChange
        fields = ["id", "lead", "old_owner", "new_owner", "changed_by", "changed_at", "note"]
        read_only_fields = fields


class ExternalIdSerializer(ModelSerializer):
    """The unique pair is looked at by the verb, which says whose it is."""

    class Meta:
        model = ExternalId
        fields = ["source", "value"]
        validators: ClassVar[list] = []


class ChangeStatusSerializer(Serializer):
    """The body of `change_status`; `lead_status` is a synonym of `status`, `reason` says why a lead is LOST."""

    status = serializers.ChoiceField(LeadStatus.choices)
    note = serializers.CharField(max_length=20_000, required=False, allow_blank=True, default="")
    reason = serializers.ChoiceField(LostReason.choices, required=False, allow_blank=True)

    def to_internal_value(self, data):
        if "status" not in data and "lead_status" in data:
            further = {name: data[name] for name in ("note", "reason") if name in data}
            data = {"status": data["lead_status"], **further}
        return super().to_internal_value(data)

    def validate(self, attrs):
        if attrs.get("reason") and attrs["status"] != LeadStatus.LOST:
            raise serializers.ValidationError({"reason": [REASON_OF_LOST]})
        return attrs


class PipelinePeriodSerializer(Serializer):
    """The query of `pipeline`: local dates in `tz`, both inclusive, and an owner."""

    to = serializers.DateField(required=False, help_text="The last day; today by default.")
    owner = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    tz = TimeZoneField(required=False, help_text="An IANA time zone; default: the server's.")

    def get_fields(self):
        first = serializers.DateField(required=False, help_text="The first day; by default, of the 30 days to `to`.")
        return {"from": first, **super().get_fields()}  # `from` is no Python name

    def validate(self, attrs):
        """With the instants `start` and `end` of the period, the second one exclusive."""
        zone = attrs.get("tz") or dates.server_zone()
        last = attrs.get("to") or dates.today(zone)
        first = attrs.get("from") or last - timedelta(days=PERIOD - 1)
        for name, day in {"from": first, "to": last}.items():
            if not 2000 <= day.year <= 2100:
                raise serializers.ValidationError({name: ["Give a date between 2000 and 2100."]})
        if first > last:
            raise serializers.ValidationError({"to": ["Give a date on or after `from`."]})
        end = dates.bounds_of_day(last, zone)[1]
        return {"start": dates.start_of_day(first, zone), "end": end, "owner": attrs.get("owner")}


class HandedOverSerializer(Serializer):
    """Whose leads went to whom, and which they were."""

    leads = serializers.ListField(child=IdField(queryset=Restaurant.objects.all(), check=False))

    def get_fields(self):
        users = get_user_model().objects.all()
        return {
            "from": IdField(queryset=users, allow_null=True),  # no Python name
            "to": IdField(queryset=users, check=False),
            **super().get_fields(),
        }


class HandOverSerializer(HandedOverSerializer):
    """The body of `hand_over`. `from` is null for unowned leads; without `leads`, all are meant."""

    leads = serializers.ListField(
        child=IdField(queryset=Restaurant.objects.all(), check=False),
        required=False,
        min_length=1,
        max_length=MAX_LEADS,
    )
    note = serializers.CharField(max_length=20_000, required=False, allow_blank=True, default="")


class UserIdsField(serializers.ListField):
    """The ids of users, in ascending order."""

    def __init__(self, **kwargs):
        super().__init__(
            child=IdField(queryset=get_user_model().objects.all(), check=False), max_length=MAX_USERS, **kwargs
        )

    def to_internal_value(self, data):
        ids = super().to_internal_value(data)
        known = set(get_user_model().objects.filter(pk__in=ids).values_list("pk", flat=True))
        for pk in ids:
            if pk not in known:
                self.child.fail("does_not_exist", pk_value=pk)
        return ids

    def to_representation(self, users):
        return sorted(user.pk for user in users.all())


class TeamSerializer(ModelSerializer):
    members = UserIdsField(required=False)
    managers = UserIdsField(required=False)

    class Meta:
        model = Team
        fields = ["id", "name", "parent", "members", "managers"]

    def create(self, validated_data):
        return Team.establish(**validated_data)


class LeadMergeSerializer(MergeSerializer):
    """The body of `merge`. `take` says by field whose value stays; left out, this lead's, unless it is empty."""

    merged, texts = MERGED, TEXTS

    other = IdField(queryset=Restaurant.objects.all())


class MergedLeadSerializer(RestaurantSerializer):
    """The lead after a merge, and by table how many rows belong to it now."""

    moved = serializers.DictField(child=serializers.IntegerField())

    class Meta(RestaurantSerializer.Meta):
        fields = [*RestaurantSerializer.Meta.fields, "moved"]


class DifferentLeadSerializer(Serializer):
    """The lead that is said to be another restaurant."""

    other = IdField(queryset=Restaurant.objects.all())
