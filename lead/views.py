from django.core.exceptions import ValidationError
from django.db.models import F, ProtectedError
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.permissions import DjangoModelPermissions
from rest_framework.response import Response

from crm.api.exceptions import InUse
from crm.api.merging import MergeableViewSet
from crm.api.permissions import ActiveUserMayEdit
from crm.api.viewsets import ResourceViewSet
from lead.filters import RestaurantFilter
from lead.models import CHOOSE_ANOTHER, Policy, Restaurant, Team
from lead.serializers import (
    ChangeStatusSerializer,
    HandedOverSerializer,
    HandOverSerializer,
    LeadMergeSerializer,
    MergedLeadSerializer,
    OwnerChangeSerializer,
    RestaurantSerializer,
    StatusChangeSerializer,
    TeamSerializer,
)


@extend_schema_view(merge=extend_schema(request=LeadMergeSerializer, responses=MergedLeadSerializer))
class RestaurantViewSet(MergeableViewSet):
    queryset = Restaurant.objects.all()
    serializer_class = RestaurantSerializer
    filterset_class = RestaurantFilter
    merge_serializer_class = LeadMergeSerializer
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
        if not Policy.of(request.user).may_hand_over_to(owners["to"]):
            raise ValidationError({"to": [CHOOSE_ANOTHER]})
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


class TeamViewSet(ResourceViewSet):
    queryset = Team.objects.prefetch_related("members", "managers")
    serializer_class = TeamSerializer
    permission_classes = [ActiveUserMayEdit, DjangoModelPermissions]
    ordering_fields = ["id", "name", "parent", "created_at", "updated_at"]

    def perform_destroy(self, instance):
        try:
            instance.delete()
        except ProtectedError:
            raise InUse("This team has teams below it. Move or delete them first.") from None
