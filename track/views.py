from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from crm import conditional, rows
from crm.schema import just
from crm.viewsets import ResourceViewSet
from track.filters import InteractionFilter
from track.models import Interaction, OrderDetails
from track.serializers import InteractionSerializer, OrderDetailsSerializer

NO_ORDER = "This interaction has no order details."


class InteractionViewSet(ResourceViewSet):
    queryset = Interaction.objects.all()
    serializer_class = InteractionSerializer
    filterset_class = InteractionFilter
    search_field = "lead__search"
    creates_one_row = True
    ordering_fields = ["id", "date", "interaction_type", "lead", "contact", "created_at", "updated_at"]

    @extend_schema(responses={200: just(message="Interaction deleted successfully.")})
    def destroy(self, request, *args, **kwargs):
        super().destroy(request, *args, **kwargs)
        return Response({"message": "Interaction deleted successfully."})

    @extend_schema(responses=InteractionSerializer(many=True))
    @action(detail=False)
    def orders(self, request):
        """List the interactions in which an order was placed."""
        return self.list_of(self.get_queryset().with_orders())

    @action(detail=True, serializer_class=OrderDetailsSerializer)
    def order_details(self, request, pk):
        """Get the details of an interaction's order."""
        if not self.get_queryset().filter(pk=pk).exists():
            raise Http404
        return self.order_response(pk)

    @extend_schema(responses={200: OrderDetailsSerializer, 201: OrderDetailsSerializer})
    @order_details.mapping.put
    def replace_order_details(self, request, pk):
        """Create or replace the details of an interaction's order. Marks the interaction as one with an order."""
        interaction = self.get_object()
        body = OrderDetailsSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        is_new = interaction.write_order(**body.validated_data, by=request.user)
        return self.order_response(pk, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @order_details.mapping.patch
    def edit_order_details(self, request, pk):
        """Edit the details of an interaction's order. What is left out keeps its value."""
        interaction = self.get_object()
        order = OrderDetails.objects.filter(interaction=interaction).first()
        if order is None:
            raise NotFound(NO_ORDER)
        body = OrderDetailsSerializer(order, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        body.save(by=request.user)
        return self.order_response(pk)

    def order_response(self, pk, status_code=status.HTTP_200_OK):
        content = self.order_json(pk)
        if content is None:
            raise NotFound(NO_ORDER)
        return rows.JSONResponse(content, status=status_code)

    def order_json(self, pk) -> bytes | None:
        row = rows.tuples(OrderDetails.objects.filter(interaction=pk), OrderDetailsSerializer).first()
        return row and rows.row_to_json(row, OrderDetailsSerializer)

    def check_precondition(self, instance) -> None:
        """The order details are a resource of their own, with their own tag."""
        if self.get_serializer_class() is OrderDetailsSerializer:
            conditional.check(self.request, lambda: self.order_json(instance.pk))
        else:
            super().check_precondition(instance)
