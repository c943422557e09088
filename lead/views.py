from rest_framework.decorators import action
from rest_framework.response import Response

from crm.viewsets import ResourceViewSet
from lead.filters import RestaurantFilter
from lead.models import Restaurant
from lead.serializers import ChangeStatusSerializer, RestaurantSerializer, StatusChangeSerializer


class RestaurantViewSet(ResourceViewSet):
    queryset = Restaurant.objects.all()
    serializer_class = RestaurantSerializer
    filterset_class = RestaurantFilter
    search_field = "search"
    ordering_fields = ["id", "name", "city", "lead_status", "potential_revenue", "created_at", "updated_at"]

    def perform_create(self, serializer):
        """Whoever creates a lead owns it, unless the body names somebody or nobody."""
        owner = serializer.validated_data.get("assigned_to_id", self.request.user.pk)
        serializer.save(created_by=self.request.user, assigned_to_id=owner)

    @action(detail=True, methods=["post"])
    def change_status(self, request, pk):
        lead = self.get_object()
        body = ChangeStatusSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        lead.change_status(**body.validated_data, by=request.user)
        return Response(self.get_serializer(lead).data)

    @action(
        detail=True,
        serializer_class=StatusChangeSerializer,
        filterset_class=None,
        search_field=None,
        ordering_fields=["id", "changed_at"],
    )
    def status_history(self, request, pk):
        return self.list_of(self.get_object().status_changes.all())
