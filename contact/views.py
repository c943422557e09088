from drf_spectacular.utils import extend_schema, extend_schema_view

from contact.filters import ContactFilter
from contact.models import Contact
from contact.serializers import ContactMergeSerializer, ContactSerializer, MergedContactSerializer
from crm.api.merging import MergeableViewSet


@extend_schema_view(merge=extend_schema(request=ContactMergeSerializer, responses=MergedContactSerializer))
class ContactViewSet(MergeableViewSet):
    queryset = Contact.objects.all()
    serializer_class = ContactSerializer
    filterset_class = ContactFilter
    merge_serializer_class = ContactMergeSerializer
    search_field = "search"
    ordering_fields = ["id", "name", "role", "restaurant", "created_at", "updated_at"]
