from contact.models import Contact
from crm.api.serializers import ModelSerializer


class ContactSerializer(ModelSerializer):
    class Meta:
        model = Contact
        fields = ["id", "restaurant", "name", "role", "email", "phone", "address"]
