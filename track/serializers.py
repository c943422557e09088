from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from contact.models import Contact
from crm.api.serializers import IdField, ModelSerializer
from lead.models import Restaurant
from track.models import Interaction, OrderDetails, check_parties


class OrderDetailsSerializer(ModelSerializer):
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

    def create(self, validated_data: dict[str, Any]) -> Interaction:
        return Interaction.log(**validated_data)
