from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from contact.models import Contact
from crm.prepared import Prepared
from crm.serializers import MAX_ID, ModelSerializer, ReferenceField
from lead.models import Restaurant
from track.models import Interaction, OrderDetails


class OrderDetailsSerializer(ModelSerializer):
    class Meta:
        model = OrderDetails
        fields = ["product_details", "quantity", "total_price", "order_date"]
        extra_kwargs = {"order_date": {"required": False}}


known_leads = Prepared(lambda lead: Restaurant.objects.filter(pk=lead).order_by().values_list("pk"), lead=MAX_ID)
employers_of = Prepared(
    lambda contact: Contact.objects.filter(pk=contact).order_by().values_list("restaurant"), contact=MAX_ID
)


class InteractionSerializer(ModelSerializer):
    lead = ReferenceField(queryset=Restaurant.objects.all(), check=False)
    contact = ReferenceField(queryset=Contact.objects.all(), check=False, allow_null=True, required=False)
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
        """The lead exists, and the contact is one of its people; both asked in one query."""
        known = self.instance and (self.instance.lead_id, self.instance.contact_id)
        lead, contact = (
            attrs.get(name, known[i] if known else None) for i, name in enumerate(("lead_id", "contact_id"))
        )
        if (lead, contact) == known:
            return attrs
        if contact is None:
            if not known_leads.rows(lead=lead):
                self.fail_reference("lead", lead)
            return attrs
        employers = [employer for (employer,) in employers_of.rows(contact=contact)]
        if lead not in employers:
            if not known_leads.rows(lead=lead):
                self.fail_reference("lead", lead)
            if not employers:
                self.fail_reference("contact", contact)
            raise serializers.ValidationError({"contact": [f"Contact {contact} does not belong to lead {lead}."]})
        return attrs

    def fail_reference(self, name: str, pk: int) -> None:
        raise serializers.ValidationError({name: [f'Invalid pk "{pk}" - object does not exist.']})

    def create(self, validated_data: dict[str, Any]) -> Interaction:
        return Interaction.log(**validated_data)
