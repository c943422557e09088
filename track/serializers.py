from decimal import Decimal
from typing import Any

from django.db import models
from django.http import QueryDict
from rest_framework import serializers

from contact.models import Contact
from crm.api.serializers import IdField, ModelSerializer, MoneyField, Serializer
from lead.models import Restaurant
from track.models import MAX_QUANTITY, Interaction, OrderDetails, check_parties

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
