from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.decorators import action

from contact.cards import cards
from contact.duplicates import candidates_of, duplicates
from contact.filters import ContactFilter
from contact.models import AddressBook, Contact, NotDuplicateContact
from contact.serializers import (
    CardSerializer,
    ContactMergeSerializer,
    ContactSerializer,
    DifferentContactSerializer,
    MergedContactSerializer,
    RestaurantParameterSerializer,
)
from contact.shapes import (
    ContactCandidateSerializer,
    ContactInBriefSerializer,
    ContactPairSerializer,
    RefusedContactSerializer,
)
from crm.api import etags
from crm.api.exceptions import Conflict
from crm.api.secret_addresses import ADDRESS, SecretAddressView, SecretFileView
from lead.duplicate_views import DuplicatesMixin, creation, pairs_response
from lead.models import Restaurant


@extend_schema_view(
    create=creation(ContactSerializer, RefusedContactSerializer),
    merge=extend_schema(request=ContactMergeSerializer, responses=MergedContactSerializer),
    duplicates=extend_schema(responses=ContactCandidateSerializer(many=True)),
)
class ContactViewSet(DuplicatesMixin):
    queryset = Contact.objects.all()
    serializer_class = ContactSerializer
    filterset_class = ContactFilter
    merge_serializer_class = ContactMergeSerializer
    pairs, different_serializer_class = NotDuplicateContact, DifferentContactSerializer
    brief_serializer_class, name_in_candidate = ContactInBriefSerializer, "contact"
    search_field = "search"
    ordering_fields = ["id", "name", "role", "restaurant", "created_at", "updated_at"]

    def perform_create(self, serializer):
        self.refuse_duplicates(**serializer.validated_data)
        super().perform_create(serializer)

    def candidates_of(self, row):
        return candidates_of(row, self.request.user)

    def lock_for_creation(self, row):
        try:
            row.restaurant.lock()
        except Restaurant.DoesNotExist:  # it was merged or deleted since the body was read
            raise Conflict from None

    @extend_schema(parameters=[RestaurantParameterSerializer], responses=ContactPairSerializer(many=True))
    @action(detail=False, url_path="duplicates", filterset_class=None, search_field=None, ordering_fields=[])
    def pairs_of_restaurant(self, request):
        """List pairs of contacts of a restaurant that may be one person. The likeliest first, without those that are
        said to be different.
        """
        restaurant = self.query(RestaurantParameterSerializer)["restaurant"]
        self.list_query()  # which refuses unknown parameters, if asked to
        found = duplicates(restaurant, request.user)
        return pairs_response(self, found, "contacts", self.get_queryset(), ContactInBriefSerializer)

    @extend_schema(parameters=[CardSerializer], responses={(200, "text/vcard"): str})
    @action(detail=True)
    def card(self, request, pk):
        """Get a contact as a card for the phone. A vCard 4.0, for older phones 3.0; always text/vcard."""
        version = self.query(CardSerializer)["version"]
        contact = self.get_object()
        return card_response(request, [contact], version, contact.name)

    def perform_content_negotiation(self, request, force=False):
        """A card is text/vcard, whatever a phone accepts."""
        return super().perform_content_negotiation(request, force=force or self.action == "card")


class AddressBookView(SecretAddressView):
    """The secret address of the user's people."""

    addresses, file_route = AddressBook, "address-book-file"

    @extend_schema(request=None, responses={201: ADDRESS})
    def create(self, request):
        """Create the secret address of your address book. It is shown this once, and replaces the one before."""
        return super().create(request)

    @extend_schema(responses={204: None})
    def destroy(self, request):
        """Revoke the address of your address book."""
        return super().destroy(request)


class AddressBookFileView(SecretFileView):
    addresses, not_found = AddressBook, "There is no address book at this address."

    @extend_schema(
        parameters=[CardSerializer, OpenApiParameter("If-None-Match", str, "header")],
        responses={(200, "text/vcard"): str, 304: None},
    )
    def retrieve(self, request, secret):
        """Read an address book. The people at its user's leads as cards (RFC 6350); who knows the address needs no
        token.
        """
        user = get_user_model().objects.get(pk=self.user_of(secret))
        version = self.query(CardSerializer)["version"]
        people = Contact.objects.visible_to(user).filter(restaurant__assigned_to=user)
        return card_response(request, people.select_related("restaurant").order_by("pk"), version, "contacts")


def card_response(request, contacts, version: str, name: str) -> HttpResponse:
    """The cards as a file of this name, without the signs that end a name or lead elsewhere."""
    file_name = "".join(char for char in name if char.isprintable() and char not in '\\/:*?"<>|').strip(" .")[:100]
    response = HttpResponse(cards(contacts, version), "text/vcard; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, f"{file_name or 'contact'}.vcf")
    return etags.tagged(request, response)
