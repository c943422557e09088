"""A file of a user's behind a secret address, for programs that cannot sign in: a calendar feed, an address book.

An app names the table of the addresses, a subclass of `crm.models.SecretAddress`, and the route of the file.
"""

from typing import Any

from django.urls import reverse
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.response import Response

from crm.api.viewsets import ApiViewSet
from crm.models import SecretAddress

ADDRESS: dict[str, Any] = {
    "type": "object",
    "properties": {"url": {"type": "string", "format": "uri"}},
    "required": ["url"],
}


class SecretAddressView(ApiViewSet):
    """Creates and revokes the user's address. A replay would need it stored: no Idempotency-Key here."""

    stores_answers = False
    addresses: type[SecretAddress]
    file_route: str

    def create(self, request):
        path = reverse(self.file_route, args=[self.addresses.renew(request.user)])
        return Response({"url": request.build_absolute_uri(path)}, status.HTTP_201_CREATED)

    def destroy(self, request):
        self.addresses.objects.filter(user=request.user).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class SecretFileView(ApiViewSet):
    """The file behind an address; a client that knows it needs no token."""

    authentication_classes = []
    permission_classes = [AllowAny]
    addresses: type[SecretAddress]
    not_found: str

    def user_of(self, secret: str) -> int:
        """The id of the user whose file it is. Raises NotFound."""
        user = self.addresses.user_of(secret)
        if user is None:
            raise NotFound(self.not_found)
        return user

    def perform_content_negotiation(self, request, force=False):
        """Always the file, whatever a program accepts."""
        return super().perform_content_negotiation(request, force=True)
