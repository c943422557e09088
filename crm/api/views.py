"""Views outside the resources: tokens, current user, users, health probes."""

import logging
from functools import wraps

from django.contrib.auth import get_user_model
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Value
from django.db.models.functions import Coalesce, Concat, NullIf, Trim
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework_simplejwt.views import TokenBlacklistView, TokenObtainPairView, TokenRefreshView, TokenVerifyView

from crm.api.authentication import RefreshSerializer, SignInSerializer
from crm.api.exceptions import RETRY_AFTER, json_error
from crm.api.keyset import SortedRows
from crm.api.openapi.schema import constant_response
from crm.api.serializers import ModelSerializer
from crm.api.viewsets import ReadingViewSet
from crm.db.pooled import remedy

logger = logging.getLogger("crm.api.views")


class UserSerializer(ModelSerializer):
    """A user as the ids in the bodies need it: `name` is the full name, or the username where there is none."""

    username = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)
    active = serializers.BooleanField(source="is_active", read_only=True)

    class Meta:
        model = get_user_model()
        fields = ["id", "username", "name", "active"]


class UserViewSet(ReadingViewSet):
    full_name = Trim(Concat("first_name", Value(" "), "last_name"))
    queryset = get_user_model().objects.annotate(name=Coalesce(NullIf(full_name, Value("")), "username")).order_by("id")
    serializer_class = UserSerializer
    ordering_fields = ["id", "username", "name"]

    def filter_queryset(self, queryset):
        """Django's table has no folded columns; there are few users, so Python orders them by text."""
        rows = super().filter_queryset(queryset)
        order = () if self.looks_up_one else self.list_query().order
        is_by_text = not {"username", "name"}.isdisjoint(name.removeprefix("-") for name in order)
        return SortedRows(rows, order) if is_by_text else rows


class MeView(ReadingViewSet):
    queryset = UserViewSet.queryset
    serializer_class = UserSerializer

    @extend_schema(operation_id="me")
    def retrieve(self, request):
        """Get the user of the token."""
        self.kwargs = {"pk": request.user.pk}
        return super().retrieve(request)


@extend_schema_view(post=extend_schema(responses={200: SignInSerializer, 401: None, 409: None, 429: None}))
class SignInView(TokenObtainPairView):
    """Sign in. Starts a session: access tokens for the requests, and a refresh token to get further ones."""


@extend_schema_view(post=extend_schema(responses={200: RefreshSerializer, 401: None, 409: None}))
class RefreshTokenView(TokenRefreshView):
    """Get a new access token. Where the server rotates refresh tokens, `refresh` is its successor and it is used up."""


@extend_schema_view(post=extend_schema(responses={200: constant_response(), 401: None}))
class VerifyTokenView(TokenVerifyView):
    """Verify a token. An access or a refresh token, whose user is active and whose session goes on."""


@extend_schema_view(post=extend_schema(responses={204: None, 401: None, 409: None}))
class SignOutView(TokenBlacklistView):
    """Sign out. Ends the session of the refresh token: its access tokens are taken back too."""

    def post(self, request, *args, **kwargs):
        super().post(request, *args, **kwargs)
        return Response(status=status.HTTP_204_NO_CONTENT)


def probe(view):
    """A view outside DRF that takes GET and HEAD."""

    @csrf_exempt
    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return json_error(405, f'Method "{request.method}" not allowed.', {"Allow": "GET, HEAD"})
        return view(request)

    return answer


@probe
def healthz(request: HttpRequest) -> HttpResponse:
    """Liveness: the process answers. No database query."""
    return JsonResponse({"status": "ok"})


@probe
def readyz(request: HttpRequest) -> HttpResponse:
    """The database answers and has every migration; else 503."""
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error as error:
        if hint := remedy(error):
            logger.error(hint)
        return json_error(503, "The database does not answer.", {"Retry-After": str(RETRY_AFTER)})
    if pending:
        return json_error(503, f"Migrations are pending: {len(pending)}.", {"Retry-After": str(RETRY_AFTER)})
    return JsonResponse({"status": "ok"})
