"""Schemas of responses that no serializer renders, for the OpenAPI description."""

from rest_framework import serializers

from contact.models import Contact
from lead.shapes import MatchSerializer


class ContactInBriefSerializer(serializers.ModelSerializer):
    """What tells a contact from another one."""

    class Meta:
        model = Contact
        fields = ["id", "name", "role", "phone", "email"]


class ContactPairSerializer(MatchSerializer):
    contacts = ContactInBriefSerializer(many=True)


class ContactCandidateSerializer(MatchSerializer):
    contact = ContactInBriefSerializer()


class RefusedContactSerializer(serializers.Serializer):
    """A contact was not created, because it may be one of the candidates."""

    left_out = ["candidates"]  # where a simultaneous change got in the way

    detail = serializers.CharField()
    candidates = ContactCandidateSerializer(many=True)
