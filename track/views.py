from datetime import date
from functools import partial

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from crm.api.keyset import RankedRows
from crm.api.lists import list_response
from crm.api.merging import MergedRowsViewSet
from crm.api.openapi.schema import constant_response
from crm.api.serializers import PeriodSerializer
from crm.api.viewsets import QuestionView, ResourceViewSet
from lead.models import Restaurant
from lead.owners import visible_rows
from track.accounts import accounts_of, details_of, rows_of, today
from track.filters import ON, AccountFilter, InteractionFilter
from track.models import Interaction, OrderDetails
from track.performance import performance
from track.serializers import (
    AccountDetailSerializer,
    AccountSerializer,
    InteractionSerializer,
    OrderDetailsSerializer,
    PerformanceSerializer,
)

NO_ORDER = "This interaction has no order details."


class InteractionViewSet(ResourceViewSet):
    queryset = Interaction.objects.all()
    serializer_class = InteractionSerializer
    filterset_class = InteractionFilter
    search_field = ["search", "lead__search", "contact__search"]
    ordering_fields = ["id", "date", "interaction_type", "lead", "contact", "created_at", "updated_at"]

    @extend_schema(responses={200: constant_response(message="Interaction deleted successfully.")})
    def destroy(self, request, *args, **kwargs):
        super().destroy(request, *args, **kwargs)
        return Response({"message": "Interaction deleted successfully."})

    def perform_destroy(self, instance):
        instance.delete(by=self.request.user)

    @extend_schema(responses=InteractionSerializer(many=True))
    @action(detail=False)
    def orders(self, request):
        """List the interactions in which an order was placed."""
        return self.list_of(self.get_queryset().with_orders())

    @action(detail=True, serializer_class=OrderDetailsSerializer)
    def order_details(self, request, pk):
        """Get the details of an interaction's order."""
        return self.serialized_response(self.order_of(self.get_object()))

    @extend_schema(responses={200: OrderDetailsSerializer, 201: OrderDetailsSerializer})
    @order_details.mapping.put
    def replace_order_details(self, request, pk):
        """Create or replace the details of an interaction's order. Marks the interaction as one with an order.

        An `order_date` that is left out is the interaction's date, and moves with it.
        """
        interaction = self.get_object()
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        is_new = interaction.write_order(**body.validated_data, by=request.user)
        return self.serialized_response(
            self.order_of(interaction), status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        )

    @order_details.mapping.patch
    def edit_order_details(self, request, pk):
        """Edit the details of an interaction's order. What is left out keeps its value."""
        order = self.order_of(self.get_object())
        body = self.get_serializer(order, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        body.save(by=request.user)
        return self.serialized_response(order)

    @extend_schema(responses={204: None})
    @order_details.mapping.delete
    def delete_order_details(self, request, pk):
        """Delete the details of an interaction's order. `order_placed` stays as it is: the price is unknown then."""
        self.order_of(self.get_object()).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)

    def order_of(self, interaction) -> OrderDetails:
        """The details of the interaction's order. Raises NotFound (404) where it has none."""
        order = OrderDetails.objects.using(interaction.database).filter(interaction=interaction).first()
        if order is None:
            raise NotFound(NO_ORDER)
        return order

    def content_of(self, instance) -> bytes | None:
        """The order details are a resource of their own, with their own tag."""
        if self.get_serializer_class() is not OrderDetailsSerializer:
            return super().content_of(instance)
        try:
            return super().content_of(self.order_of(instance))
        except NotFound:
            return None


class PerformanceView(QuestionView):
    @extend_schema(parameters=[PeriodSerializer], responses=PerformanceSerializer(many=True))
    def list(self, request):
        """List touches, orders and revenue by owner. A row per owner as of then, for local dates of the period in the
        server's zone.
        """
        period = self.query(PeriodSerializer)
        rows = visible_rows(performance(period["from"], period["to"]), request.user)
        return Response(PerformanceSerializer(rows, many=True).data)


ABOUT_DAY = OpenApiParameter("on", OpenApiTypes.DATE, description=ON)


class AccountViewSet(MergedRowsViewSet):
    """Leads as accounts. Which verdict an account has is computed, so that list and order are no query's."""

    noun = "account"
    queryset = Restaurant.objects.all()
    serializer_class = AccountDetailSerializer
    filterset_class = AccountFilter
    search_field = "search"
    ordering_fields = []

    @extend_schema(responses=AccountSerializer(many=True))
    def list(self, request, *args, **kwargs):
        """List accounts and their health. The leads that are CONVERTED or have ever ordered, worst first: by verdict,
        then by how many usual gaps have passed since the last order. Of more than 1,000 leads, orders of the last
        minute may be missing.
        """
        requested = self.list_query().filters
        leads = self.filter_queryset(self.get_queryset())
        accounts = accounts_of(
            leads, self.on, everyone=requested.get("all", False), verdicts=requested.get("verdict", ())
        )
        ranked = RankedRows(accounts, "accounts, worst first", key=lambda account: account.order)
        if (page := self.paginate_queryset(ranked)) is not None:
            details = details_of(leads.filter(pk__in=[account.lead for account in page]))
            return self.get_paginated_response(rows_of(page, details))
        return list_response(accounts, partial(rows_of, details=details_of(leads)))

    @extend_schema(parameters=[ABOUT_DAY])
    def retrieve(self, request, *args, **kwargs):
        """Get an account's health. Of any lead, with the days that it follows from."""
        return self.serialized_response(self.get_object())

    def update(self, request, *args, **kwargs):
        """Agree on a silence. Until the day `quiet_until`, or its end if that is null; an account that is quiet is
        neither late nor silent.
        """
        return super().update(request, *args, **kwargs)

    def partial_update(self, request, *args, **kwargs):
        """Agree on a silence. Until the day `quiet_until`, or its end if that is null; an account that is quiet is
        neither late nor silent.
        """
        return super().partial_update(request, *args, **kwargs)

    @property
    def on(self) -> date:
        """The day that is requested, else today in the server's zone. Raises ValidationError (400)."""
        return self.list_query().filters.get("on") or today()
