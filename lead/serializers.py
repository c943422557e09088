from typing import ClassVar

from django.contrib.auth import get_user_model
from rest_framework import serializers

from crm.api.serializers import IdField, ModelSerializer, Serializer, UTCDateTimeField
from lead.models import ExternalId, LeadStatus, OwnerChange, Restaurant, StatusChange

MAX_LEADS = 10_000  # named in one hand-over


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
    """The body of `change_status`; `lead_status` is a synonym of `status`."""

    status = serializers.ChoiceField(LeadStatus.choices)
    note = serializers.CharField(max_length=20_000, required=False, allow_blank=True, default="")

    def to_internal_value(self, data):
        if "status" not in data and "lead_status" in data:
            data = {"status": data["lead_status"], **({"note": data["note"]} if "note" in data else {})}
        return super().to_internal_value(data)


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
