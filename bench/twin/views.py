"""The documented requests that are timed, written with DRF's own classes and nothing else."""

from calendar import monthrange
from datetime import datetime, timedelta

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django_filters.rest_framework import FilterSet, IsoDateTimeFilter
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from twin.models import CallEvent, CallPlan, Interaction, WorkProfile

DAYS = {"DAILY": 1, "WEEKLY": 7, "BIWEEKLY": 14}


class InteractionSerializer(serializers.ModelSerializer):
    class Meta:
        model = Interaction
        fields = ["id", "lead", "contact", "interaction_type", "details", "order_placed", "date"]


class CallPlanSerializer(serializers.ModelSerializer):
    class Meta:
        model = CallPlan
        fields = ["id", "lead", "frequency", "last_called", "next_call_date", "notes"]


class RecordCallSerializer(serializers.Serializer):
    last_called = serializers.DateTimeField()


class InteractionFilter(FilterSet):
    date_after = IsoDateTimeFilter("date", "gte")
    date_before = IsoDateTimeFilter("date", "lt")

    class Meta:
        model = Interaction
        fields = ["lead", "contact"]


class InteractionViewSet(viewsets.ModelViewSet):
    queryset = Interaction.objects.all()
    serializer_class = InteractionSerializer
    filterset_class = InteractionFilter


class CallPlanViewSet(viewsets.ModelViewSet):
    queryset = CallPlan.objects.all()
    serializer_class = CallPlanSerializer

    @action(detail=False)
    def today(self, request):
        now = timezone.localtime()  # noqa: TID251 (the twin shares no code with the product)
        start = now.replace(hour=0, minute=0, second=0, microsecond=0)
        due = self.get_queryset().filter(next_call_date__gte=start, next_call_date__lt=start + timedelta(days=1))
        return Response(self.get_serializer(due, many=True).data)

    @action(detail=True, methods=["post"])
    def record_call(self, request, pk=None):
        if "log" in request.query_params:
            return self.record_and_log(request)
        plan = self.get_object()
        body = RecordCallSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        plan.last_called = body.validated_data["last_called"]
        plan.next_call_date = next_call(plan.last_called, plan.frequency)
        plan.save()
        return Response(self.get_serializer(plan).data)

    @transaction.atomic
    def record_and_log(self, request):
        """What the product does: on the locked plan, on the owner's working days, with a line in the plan's log."""
        plans = CallPlan.objects.select_for_update(of=("self",)).select_related("lead")
        plan = get_object_or_404(plans, pk=self.kwargs["pk"])
        body = RecordCallSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        planned, plan.last_called = plan.next_call_date, body.validated_data["last_called"]
        plan.next_call_date = next_call(plan.last_called, plan.frequency)
        profile = WorkProfile.objects.filter(user=plan.lead.assigned_to_id).first()
        while profile and plan.next_call_date.isoweekday() not in profile.working_days:
            plan.next_call_date += timedelta(days=1)
        plan.save()
        CallEvent.objects.create(
            plan=plan,
            kind="CALLED",
            planned_for=planned,
            happened_at=plan.last_called,
            recorded_on_plan=True,
            created_by=request.user,
        )
        return Response(self.get_serializer(plan).data)


def next_call(called: datetime, frequency: str) -> datetime:
    if frequency != "MONTHLY":
        return called + timedelta(days=DAYS[frequency])
    year, month = (called.year, called.month + 1) if called.month < 12 else (called.year + 1, 1)
    return called.replace(year=year, month=month, day=min(called.day, monthrange(year, month)[1]))
