from django.db.models import F
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from crm.api.viewsets import ResourceViewSet
from lead.filters import RestaurantFilter
from lead.models import Restaurant
from lead.serializers import (
    ChangeStatusSerializer,
    ExternalIdSerializer,
    HandedOverSerializer,
    HandOverSerializer,
    OwnerChangeSerializer,
    RestaurantSerializer,
    StatusChangeSerializer,
)


class RestaurantViewSet(ResourceViewSet):
    queryset = Restaurant.objects.all()
    serializer_class = RestaurantSerializer
    filterset_class = RestaurantFilter
    search_field = "search"
    ordering_fields = ["id", "name", "city", "lead_status", "potential_revenue", "created_at", "updated_at"]

    def perform_create(self, serializer):
        """The user who creates a lead owns it, unless the body names an owner or null."""
        is_named = not {"assigned_to", "assigned_to_id"}.isdisjoint(serializer.validated_data)
        owner = {} if is_named else {"assigned_to_id": self.request.user.pk}
        serializer.save(created_by=self.request.user, **owner)

    @extend_schema(request=ChangeStatusSerializer)
    @action(detail=True, methods=["post"])
    def change_status(self, request, pk):
        """Move a lead in the pipeline. Every move is allowed; the status that it has already leaves no history."""
        lead = self.get_object()
        lead.change_status(**self.body(ChangeStatusSerializer), by=request.user)
        return self.serialized_response(lead)

    @extend_schema(responses=StatusChangeSerializer(many=True))
    @action(
        detail=True,
        serializer_class=StatusChangeSerializer,
        filterset_class=None,
        search_field=None,
        ordering_fields=["id", "changed_at"],
    )
    def status_history(self, request, pk):
        """List a lead's moves in the pipeline. Oldest first."""
        return self.list_of(self.get_object().status_changes.alias(changed_at=F("created_at")))

    @extend_schema(request=HandOverSerializer, responses=HandedOverSerializer)
    @action(detail=False, methods=["post"])
    def hand_over(self, request):
        """Hand leads over to another user. All that `from` owns, or the named ones; all of them or, if one is not
        `from`'s or does not exist, none. `to` must be active. The call plans follow the new owner's calendar.
        """
        body = self.body(HandOverSerializer)
        owners = {"from": body.pop("from_id"), "to": body.pop("to_id")}
        leads = self.get_queryset().hand_over(*owners.values(), **body, by=request.user)
        return Response({**owners, "leads": leads})

    @extend_schema(responses=OwnerChangeSerializer(many=True))
    @action(
        detail=True,
        serializer_class=OwnerChangeSerializer,
        filterset_class=None,
        search_field=None,
        ordering_fields=["id", "changed_at"],
    )
    def owner_history(self, request, pk):
        """List who owned a lead. Each change from one owner to another; oldest first."""
        return self.list_of(self.get_object().owner_changes.alias(changed_at=F("created_at")))

    @extend_schema(responses=ExternalIdSerializer(many=True))
    @action(
        detail=True,
        serializer_class=ExternalIdSerializer,
        filterset_class=None,
        search_field=None,
        ordering_fields=["id", "source"],
    )
    def external_ids(self, request, pk):
        """List the ids that a lead has in other systems."""
        return self.list_of(self.get_object().external_ids.all())

    @extend_schema(request=ExternalIdSerializer, responses={200: ExternalIdSerializer, 201: ExternalIdSerializer})
    @external_ids.mapping.post
    def add_external_id(self, request, pk):
        """Give a lead the id that it has in another system. One that it has already is answered 200.

        Within a `source` a `value` belongs to one lead.
        """
        lead = self.get_object()
        body = self.body(ExternalIdSerializer)
        is_new = lead.add_external_id(**body, by=request.user)
        return Response(body, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @extend_schema(
        parameters=[OpenApiParameter(name, str, required=True) for name in ("source", "value")], responses={204: None}
    )
    @external_ids.mapping.delete
    def delete_external_id(self, request, pk):
        """Take from a lead the id that it had in another system. `source` and `value` are in the query or the body."""
        lead = self.get_object()
        given = {name: source[name] for source in (request.data, request.query_params) for name in source}
        named = self._validated(ExternalIdSerializer, given, {})
        if not lead.external_ids.filter(**named).delete()[0]:
            raise NotFound("The lead has no such external id.")
        return Response(status=status.HTTP_204_NO_CONTENT)
