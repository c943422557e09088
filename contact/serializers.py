from contact.models import Contact
from crm.api.merging import DryRunSerializer
from crm.api.serializers import IdField, ModelSerializer


class ContactSerializer(ModelSerializer):
    class Meta:
        model = Contact
        fields = ["id", "restaurant", "name", "role", "email", "phone", "address"]


class ContactMergeSerializer(DryRunSerializer):
    other = IdField(queryset=Contact.objects.all())
