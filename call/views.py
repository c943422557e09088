from datetime import timedelta

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.response import Response

from call.adherence import adherence
from call.agenda import Agenda
from call.filters import CallPlanFilter
from call.lookup import hits
from call.models import CallPlan, FeedAddress, WorkProfile
from call.models.work_profile import zone_of
from call.serializers import (
    CallEventSerializer,
    CallPlanSerializer,
    DaySerializer,
    DaysSerializer,
    LookupSerializer,
    ReasonSerializer,
    RecordCallSerializer,
    SetFrequencySerializer,
    SnoozeSerializer,
    WorkProfileSerializer,
)
from call.shapes import AdherenceSerializer, AgendaSerializer, HitSerializer
from crm import dates
from crm.api import etags
from crm.api.openapi.schema import constant_response
from crm.api.secret_addresses import ADDRESS, SecretAddressView, SecretFileView
from crm.api.serializers import PeriodSerializer
from crm.api.viewsets import ApiViewSet, QuestionView, ResourceViewSet
from lead.owners import visible_rows


class CallPlanViewSet(ResourceViewSet):
    queryset = CallPlan.objects.all()
    serializer_class = CallPlanSerializer
    filterset_class = CallPlanFilter
    search_field = "lead__search"
    ordering_fields = ["id", "next_call_date", "last_called", "frequency", "lead", "created_at", "updated_at"]

    @extend_schema(responses={200: constant_response(detail="Successfully deleted the call plan.")})
    def destroy(self, request, *args, **kwargs):
        super().destroy(request, *args, **kwargs)
        return Response({"detail": "Successfully deleted the call plan."})

    # --- Lists --------------------------------------------------------------------------------

    @extend_schema(responses=CallPlanSerializer(many=True))
    @action(detail=False)
    def today(self, request):
        """List the plans that are due today. Their next call falls on today's date in the caller's own zone."""
        zone = zone_of(request.user)
        return self.list_of(self.get_queryset().due_on(dates.today(zone), zone))

    @extend_schema(responses=CallPlanSerializer(many=True))
    @action(detail=False)
    def overdue(self, request):
        """List the plans that should have been called before today."""
        zone = zone_of(request.user)
        return self.list_of(self.get_queryset().overdue_at(dates.start_of_day(dates.today(zone), zone)))

    @extend_schema(
        parameters=[OpenApiParameter("days", int, description="How many days; 7 by default.")],
        responses=CallPlanSerializer(many=True),
    )
    @action(detail=False)
    def upcoming(self, request):
        """List the plans that are due in the days after today."""
        zone = zone_of(request.user)
        start = dates.bounds_of_day(dates.today(zone), zone)[1]
        end = dates.bounds_of_day(dates.today(zone) + timedelta(days=self.query(DaysSerializer)["days"]), zone)[1]
        return self.list_of(self.get_queryset().due_between(start, end))

    @extend_schema(responses=CallEventSerializer(many=True))
    @action(
        detail=True,
        serializer_class=CallEventSerializer,
        filterset_class=None,
        search_field=None,
        ordering_fields=["id", "happened_at"],
    )
    def history(self, request, pk):
        """List what happened to a plan. What was planned, when it happened, who did it and why; oldest first."""
        return self.list_of(self.get_object().events.all())

    # --- Verbs --------------------------------------------------------------------------------

    @extend_schema(request=RecordCallSerializer)
    @action(detail=True, methods=["post"])
    def record_call(self, request, pk):
        """Record a call.

        A call older than the latest one moves nothing. With a contact, an outcome or details it is recorded as an
        interaction too; an outcome that reached no one is an attempt, and moves nothing.
        """
        if set(request.data) - {"last_called"}:  # the interaction moves all plans of the lead
            lead = self.get_queryset().using(self.database).filter(pk=pk).values("lead")
            CallPlan.objects.using(self.database).filter(lead__in=lead).lock()
        plan = self.get_object()
        body = self.body(RecordCallSerializer, plan=plan)
        called = body.pop("last_called", None) or dates.now()
        plan.record_call(called, **body, by=request.user)
        return self.serialized_response(plan)

    @extend_schema(request=SetFrequencySerializer)
    @action(detail=True, methods=["patch"])
    def set_frequency(self, request, pk):
        """Set how often to call. The next call is computed again from the last one, or, never called, from today."""
        plan = self.get_object()
        plan.set_frequency(**self.body(SetFrequencySerializer), by=request.user)
        return self.serialized_response(plan)

    @extend_schema(request=SnoozeSerializer)
    @action(detail=True, methods=["post"])
    def snooze(self, request, pk):
        """Put the next call off. Until a moment or a day, or by some days from today: one of the two is needed."""
        plan = self.get_object()
        plan.snooze(**self.body(SnoozeSerializer, plan=plan, zone=zone_of(request.user)), by=request.user)
        return self.serialized_response(plan)

    @extend_schema(request=ReasonSerializer)
    @action(detail=True, methods=["post"])
    def skip(self, request, pk):
        """Skip this call. The next one comes an interval later."""
        plan = self.get_object()
        plan.skip(**self.body(ReasonSerializer), by=request.user)
        return self.serialized_response(plan)

    @extend_schema(request=ReasonSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request, pk):
        """Pause a plan. It is in no list of calls until it is resumed."""
        plan = self.get_object()
        plan.pause(**self.body(ReasonSerializer), by=request.user)
        return self.serialized_response(plan)

    @extend_schema(request=ReasonSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request, pk):
        """Resume a paused plan."""
        plan = self.get_object()
        plan.resume(**self.body(ReasonSerializer), by=request.user)
        return self.serialized_response(plan)


class WorkProfileView(ApiViewSet):
    """The work profile of the request's user; until it is first written, the default one."""

    serializer_class = WorkProfileSerializer

    def retrieve(self, request):
        """Get your work profile. Until it is first written, the default one."""
        return self.serialized_response(self.profile())

    def partial_update(self, request):
        """Change your work profile. Computed dates of your plans are computed again; fields that are left out stay."""
        profile = self.profile(lock=True)
        self.check_precondition(profile)
        serializer = self.get_serializer(profile, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        serializer.save(by=request.user)
        return self.serialized_response(profile)

    update = partial_update  # every key may be left out, so PUT requires no more

    def profile(self, lock: bool = False) -> WorkProfile:
        if lock:
            return WorkProfile.locked_of(self.request.user)
        mine = WorkProfile.objects.filter(user=self.request.user).first()
        return mine or WorkProfile(user=self.request.user)


class AgendaView(QuestionView):
    @extend_schema(parameters=[DaySerializer], responses=AgendaSerializer)
    def retrieve(self, request):
        """Get your day. The calls overdue, due on the day and in the days after it, your leads without a plan, and the
        leads without an active owner that you look after.
        """
        requested = self.query(DaySerializer)
        zone = requested.get("tz") or zone_of(request.user)
        agenda = Agenda(
            viewer=request.user,
            owner_id=requested.get("owner") or request.user.pk,
            day=requested.get("date") or dates.today(zone),
            zone=zone,
            days=requested["days"],
        )
        return Response(agenda.body())


class AdherenceView(QuestionView):
    @extend_schema(parameters=[PeriodSerializer], responses=AdherenceSerializer(many=True))
    def list(self, request):
        """List how many planned calls were made on time. A row per owner as of then, for local dates of the period."""
        period = self.query(PeriodSerializer)
        return Response(visible_rows(adherence(period["from"], period["to"]), request.user))


class LookupView(QuestionView):
    @extend_schema(parameters=[LookupSerializer], responses=HitSerializer(many=True))
    def list(self, request):
        """Look up who is calling. The contacts and leads with a number, however it is written; best match first."""
        return Response(hits(self.query(LookupSerializer)["phone"], request.user))


class FeedView(SecretAddressView):
    """The secret address of the calendar feed."""

    addresses, file_route = FeedAddress, "calendar-feed"

    @extend_schema(request=None, responses={201: ADDRESS})
    def create(self, request):
        """Create the secret address of your calendar feed. It is shown this once, and replaces the one before."""
        return super().create(request)

    @extend_schema(responses={204: None})
    def destroy(self, request):
        """Revoke the address of your calendar feed."""
        return super().destroy(request)


class CalendarFeedView(SecretFileView):
    addresses, not_found = FeedAddress, "There is no feed at this address."

    @extend_schema(
        parameters=[OpenApiParameter("If-None-Match", str, "header")],
        responses={(200, "text/calendar"): str, 304: None},
    )
    def retrieve(self, request, secret):
        """Read a calendar feed. The call plans as events (RFC 5545); a client that knows the address needs no token."""
        user = self.user_of(secret)
        from call.feed import feed  # with a calendar library that the other requests need not load

        return etags.tagged(request, HttpResponse(feed(user), "text/calendar; charset=utf-8"))
