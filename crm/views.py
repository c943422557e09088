"""What belongs to no resource: who I am, who there is, and whether the server is well."""

from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Value
from django.db.models.functions import Coalesce, Concat, NullIf, Trim
from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework import serializers

from crm.errors import RETRY_AFTER, json_error
from crm.serializers import ModelSerializer
from crm.viewsets import ReadingViewSet


class UserSerializer(ModelSerializer):
    """A user as the ids in the bodies need it: `name` is the full name, or the username where there is none."""

    name = serializers.CharField(read_only=True)
    active = serializers.BooleanField(source="is_active", read_only=True)

    class Meta:
        model = get_user_model()
        fields = ["id", "username", "name", "active"]


class UserViewSet(ReadingViewSet):
    full_name = Trim(Concat("first_name", Value(" "), "last_name"))
    queryset = (
        get_user_model()
        .objects.annotate(name=Coalesce(NullIf(full_name, Value("")), "username"))
        .order_by("id")
    )
    serializer_class = UserSerializer
    ordering_fields = ["id", "username", "name"]


class MeView(ReadingViewSet):
    """The user of the request's token."""

    queryset = UserViewSet.queryset
    serializer_class = UserSerializer

    def retrieve(self, request):
        return super().retrieve(request, pk=request.user.pk)


def healthz(request: HttpRequest) -> HttpResponse:
    """The process is alive. Asks nobody."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """The database answers and has every migration; else 503."""
    try:
        connection.ensure_connection()
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return json_error(503, "The database does not answer.", {"Retry-After": str(RETRY_AFTER)})
    if pending:
        return json_error(503, f"{len(pending)} migrations are pending.", {"Retry-After": str(RETRY_AFTER)})
    return JsonResponse({"status": "ok"})
