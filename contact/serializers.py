from rest_framework import serializers

from contact.cards import VERSIONS
from contact.models import MERGED, TEXTS, Contact
from crm.api.merging import MergeSerializer
from crm.api.serializers import MAX_ID, IdField, ModelSerializer, Serializer


class ContactSerializer(ModelSerializer):
    class Meta:
        model = Contact
        fields = ["id", "restaurant", "name", "role", "email", "phone", "address"]


class CardSerializer(Serializer):
    """The query of cards: the version of vCard."""

    version = serializers.ChoiceField(VERSIONS, required=False, default=VERSIONS[0])


class ContactMergeSerializer(MergeSerializer):
    """The body of `merge`. `take` says by field whose value stays; left out, this contact's, unless it is empty."""

    merged, texts = MERGED, TEXTS

    other = IdField(queryset=Contact.objects.all())


class MergedContactSerializer(ContactSerializer):
    """The contact after a merge, and by table how many rows belong to it now."""

    moved = serializers.DictField(child=serializers.IntegerField())

    class Meta(ContactSerializer.Meta):
        fields = [*ContactSerializer.Meta.fields, "moved"]


class DifferentContactSerializer(Serializer):
    """The contact that is said to be another person."""

    other = IdField(queryset=Contact.objects.all())


class RestaurantParameterSerializer(Serializer):
    restaurant = serializers.IntegerField(min_value=1, max_value=MAX_ID)
