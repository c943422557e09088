from rest_framework import serializers

from contact.cards import VERSIONS
from contact.models import Contact
from crm.api.serializers import ModelSerializer, Serializer


class ContactSerializer(ModelSerializer):
    class Meta:
        model = Contact
        fields = ["id", "restaurant", "name", "role", "email", "phone", "address"]


class CardSerializer(Serializer):
    """The query of cards: the version of vCard."""

    version = serializers.ChoiceField(VERSIONS, required=False, default=VERSIONS[0])
