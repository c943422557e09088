from rest_framework.decorators import action
from rest_framework.response import Response

from call.filters import CallPlanFilter
from call.models import CallPlan
from call.serializers import CallPlanSerializer, RecordCallSerializer, SetFrequencySerializer
from crm import dates
from crm.viewsets import ResourceViewSet


class CallPlanViewSet(ResourceViewSet):
    queryset = CallPlan.objects.all()
    serializer_class = CallPlanSerializer
    filterset_class = CallPlanFilter
    search_field = "lead__search"
    ordering_fields = ["id", "next_call_date", "last_called", "frequency", "lead", "created_at", "updated_at"]

    def destroy(self, request, *args, **kwargs):
        super().destroy(request, *args, **kwargs)
        return Response({"detail": "Successfully deleted the call plan."})

    @action(detail=False)
    def today(self, request):
        zone = dates.server_zone()
        return self.list_of(self.get_queryset().due_on(dates.today(zone), zone))

    @action(detail=True, methods=["post"])
    def record_call(self, request, pk):
        plan = self.get_object()
        body = RecordCallSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        plan.record_call(body.validated_data.get("last_called") or dates.now())
        return Response(self.get_serializer(plan).data)

    @action(detail=True, methods=["patch"])
    def set_frequency(self, request, pk):
        plan = self.get_object()
        body = SetFrequencySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        plan.set_frequency(body.validated_data["frequency"])
        return Response(self.get_serializer(plan).data)
