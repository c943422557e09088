from datetime import date
from decimal import Decimal
from typing import Any

from django.db import models
from django.http import QueryDict
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from contact.models import Contact
from crm.api.serializers import IdField, ModelSerializer, MoneyField, Serializer, UTCDateTimeField
from lead.models import Restaurant
from track.accounts import account_of, annotations_of
from track.health import Verdict
from track.models import LATEST, MAX_QUANTITY, Interaction, OrderDetails, QuietMark, check_parties

QUOTED = 40  # characters of a wrong quantity that its error quotes


class QuantityField(serializers.IntegerField):
    shows_column = models.IntegerField

    default_error_messages = {"not_whole": "{value} is not a whole number; put the unit into product_details."}

    def to_internal_value(self, data: Any) -> int:
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError:
            if isinstance(data, float | Decimal) or (isinstance(data, str) and 0 < len(data.strip()) <= QUOTED):
                self.fail("not_whole", value=str(data).strip())
            raise


class OrderDetailsSerializer(ModelSerializer):
    quantity = QuantityField(min_value=1, max_value=MAX_QUANTITY)

    class Meta:
        model = OrderDetails
        fields = ["product_details", "quantity", "total_price", "order_date"]
        extra_kwargs = {"order_date": {"required": False}}


class InteractionSerializer(ModelSerializer):
    lead = IdField(queryset=Restaurant.objects.all(), check=False)
    contact = IdField(queryset=Contact.objects.all(), check=False, allow_null=True, required=False)
    order = OrderDetailsSerializer(write_only=True, required=False)

    class Meta:
        model = Interaction
        fields = ["id", "lead", "contact", "interaction_type", "details", "order_placed", "date", "order"]

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, QueryDict) and any(name.split(".")[0] == "order" for name in data):
            raise serializers.ValidationError({"order": ["Send nested objects as JSON."]})
        return super().to_internal_value(data)

    def validate_order(self, order: dict[str, Any]) -> dict[str, Any]:
        """An order is written whole, in a PATCH too."""
        missing = {"product_details", "quantity", "total_price"} - set(order)
        if missing:
            raise serializers.ValidationError({name: ["This field is required."] for name in sorted(missing)})
        return order

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Lead and contact go together. A new interaction's are checked by the statement that inserts it."""
        if self.instance:
            known = {"lead_id": self.instance.lead_id, "contact_id": self.instance.contact_id}
            given = {name: attrs.get(name, value) for name, value in known.items()}
            if given != known:
                check_parties(*given.values(), using=self.instance.database)
        return attrs

    def validate_lead(self, lead: int) -> int:
        return self.visible("lead", lead)

    def validate_contact(self, contact: int | None) -> int | None:
        return self.visible("contact", contact)

    def visible(self, name: str, pk: Any) -> Any:
        """What the interaction has already may be sent back, though the contact may be another lead's by now."""
        if pk != getattr(self.instance, f"{name}_id", None):
            self.fields[name].check_visible(pk)  # type: ignore[attr-defined]
        return pk

    def create(self, validated_data: dict[str, Any]) -> Interaction:
        return Interaction.log(**validated_data)


class PerformanceSerializer(Serializer):
    """What an owner's leads brought while they were the owner's."""

    owner = serializers.IntegerField(allow_null=True)
    touches = serializers.IntegerField()
    orders = serializers.IntegerField()
    revenue = MoneyField(max_digits=30, decimal_places=2, help_text="of the orders' details")
    former_owner = serializers.CharField(required=False, help_text="a deleted user's name; `owner` is null then")

    left_out = ("former_owner",)


class AccountSerializer(Serializer):
    """How an account does by the rhythm of its orders, on a day."""

    lead = IdField(read_only=True)
    name = serializers.CharField(read_only=True)
    assigned_to = IdField(read_only=True, allow_null=True)
    verdict = serializers.ChoiceField(Verdict.choices, read_only=True)
    order_days = serializers.IntegerField(read_only=True, help_text="days with an order, however many on one")
    last_order_day = serializers.DateField(read_only=True, allow_null=True)
    days_since = serializers.IntegerField(read_only=True, allow_null=True, help_text="since the last order day")
    usual_gap = serializers.FloatField(read_only=True, allow_null=True, help_text="median of the last 12 gaps, in days")
    longest_gap = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="of the last 12, in days; from 10 gaps on the second longest"
    )
    expected_on = serializers.DateField(read_only=True, allow_null=True, help_text="last order day + usual gap")
    orders_365 = serializers.IntegerField(read_only=True, help_text="in the 365 days that end with the day")
    revenue_365 = MoneyField(
        read_only=True,
        max_digits=20,
        decimal_places=2,
        allow_null=True,
        help_text="of the known prices; null where there are orders and none has a price",
    )
    revenue_365_before = MoneyField(
        read_only=True, max_digits=20, decimal_places=2, allow_null=True, help_text="in the 365 days before those"
    )
    next_call_date = UTCDateTimeField(read_only=True, allow_null=True, help_text="the first of its unpaused plans")
    quiet_until = serializers.DateField(
        required=False,
        allow_null=True,
        help_text="last day of an agreed silence; over by itself after it, or with the next order",
    )
    sentence = serializers.CharField(read_only=True)


class AccountDetailSerializer(AccountSerializer):
    """As in the list, with the days that the verdict follows from. The instance is a lead; the day is the view's."""

    gaps = serializers.ListField(child=serializers.IntegerField(), read_only=True, help_text="days, oldest first")
    order_days_list = serializers.ListField(child=serializers.DateField(), read_only=True, help_text="the last 13")
    quiet_reason = serializers.CharField(
        max_length=20_000, required=False, allow_blank=True, write_only=True, help_text="of the new `quiet_until`"
    )

    def to_representation(self, instance: Restaurant) -> dict[str, Any]:
        account = account_of(instance.pk, self.context["view"].on)
        row = account.row(instance.name, instance.assigned_to_id, annotations_of(instance.pk))
        return {**row, "gaps": account.health.gaps, "order_days_list": account.health.days}

    def validate_quiet_until(self, day: date | None) -> date | None:
        if day and day > LATEST.date():
            raise serializers.ValidationError(f"Choose a day until {LATEST.date()}.")
        return day

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "quiet_reason" in attrs and not attrs.get("quiet_until"):
            raise serializers.ValidationError(
                {"quiet_reason": [gettext_lazy("Give it with the quiet_until that it explains.")]}
            )
        return attrs

    def update(self, instance: Restaurant, validated_data: dict[str, Any]) -> Restaurant:
        if "quiet_until" in validated_data:
            reason, by = validated_data.get("quiet_reason", ""), validated_data["by"]
            QuietMark.set(instance, validated_data["quiet_until"], reason=reason, by=by)
        return instance


class QuietMarkSerializer(ModelSerializer):
    """A line of the log of agreed silences; `until` is null where one was taken back."""

    marked_by = serializers.PrimaryKeyRelatedField(source="created_by", read_only=True)  # type: ignore[var-annotated]
    marked_at = UTCDateTimeField(source="created_at", read_only=True)

    class Meta:
        model = QuietMark
        fields = ["id", "lead", "until", "reason", "marked_by", "marked_at"]
        read_only_fields = fields
