from contact.filters import ContactFilter
from contact.models import Contact
from contact.serializers import ContactSerializer
from crm.api.viewsets import ResourceViewSet


class ContactViewSet(ResourceViewSet):
    queryset = Contact.objects.all()
    serializer_class = ContactSerializer
    filterset_class = ContactFilter
    search_field = "search"
    ordering_fields = ["id", "name", "role", "restaurant", "created_at", "updated_at"]
