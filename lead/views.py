from itertools import starmap
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import F, ProtectedError
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.permissions import DjangoModelPermissions
from rest_framework.response import Response

from crm import dates
from crm.api.exceptions import InUse
from crm.api.filters import zone_of
from crm.api.lists import CHUNK, full_pages_response
from crm.api.pagination import KeysetPagination
from crm.api.permissions import ActiveUserMayEdit
from crm.api.viewsets import QuestionView, ResourceViewSet
from lead.candidates import candidates_of
from lead.duplicate_views import DuplicatesMixin, creation
from lead.durations import Change, durations
from lead.filters import RestaurantFilter, TimelineFilter
from lead.models import CHOOSE_ANOTHER, NotDuplicate, Policy, Restaurant, Team
from lead.pipeline import Pipeline
from lead.serializers import (
    ChangeStatusSerializer,
    DifferentLeadSerializer,
    ExternalIdSerializer,
    HandedOverSerializer,
    HandOverSerializer,
    LeadMergeSerializer,
    MergedLeadSerializer,
    OwnerChangeSerializer,
    PipelinePeriodSerializer,
    RestaurantSerializer,
    StatusChangeSerializer,
    TeamSerializer,
)
from lead.shapes import (
    DurationSerializer,
    LeadCandidateSerializer,
    LeadInBriefSerializer,
    PipelineSerializer,
    RefusedLeadSerializer,
    TimelineEntrySerializer,
)
from lead.timeline import Cursor, Timeline, Viewer, to_bodies


@extend_schema_view(
    create=creation(RestaurantSerializer, RefusedLeadSerializer),
    merge=extend_schema(request=LeadMergeSerializer, responses=MergedLeadSerializer),
    duplicates=extend_schema(responses=LeadCandidateSerializer(many=True)),
)
class RestaurantViewSet(DuplicatesMixin):
    queryset = Restaurant.objects.all()
    serializer_class = RestaurantSerializer
    filterset_class = RestaurantFilter
    merge_serializer_class = LeadMergeSerializer
    pairs, different_serializer_class = NotDuplicate, DifferentLeadSerializer
    brief_serializer_class, name_in_candidate = LeadInBriefSerializer, "lead"
    search_field = "search"
    ordering_fields = ["id", "name", "city", "lead_status", "potential_revenue", "created_at", "updated_at"]

    def perform_create(self, serializer):
        """The user who creates a lead owns it, unless the body names an owner or null."""
        is_named = not {"assigned_to", "assigned_to_id"}.isdisjoint(serializer.validated_data)
        owner = {} if is_named else {"assigned_to_id": self.request.user.pk}
        self.refuse_duplicates(**serializer.validated_data, **owner)
        serializer.save(created_by=self.request.user, **owner)

    def candidates_of(self, row):
        return candidates_of(row, self.request.user)

    def lock_for_creation(self, row):
        """Leads have nothing in common but their table, so that it is the table's own row which is locked."""
        tables = ContentType.objects.using(self.database)
        list(tables.select_for_update(no_key=True).filter(app_label="lead", model="restaurant"))

    @extend_schema(request=ChangeStatusSerializer)
    @action(detail=True, methods=["post"])
    def change_status(self, request, pk):
        """Move a lead in the pipeline. Every move is allowed; the status that it has already leaves no history.

        `reason` says why a lead is LOST; with another status it is refused. The history's rows do not show it, the
        timeline and `pipeline` do.
        """
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

    @extend_schema(responses=TimelineEntrySerializer(many=True))
    @action(
        detail=True,
        filterset_class=TimelineFilter,
        pagination_class=KeysetPagination,
        search_field=None,
        ordering_fields=[],
    )
    def timeline(self, request, pk):
        """List what happened with an account. Interactions, orders, calls, changes of status and owner; newest first.

        A row of a call plan's log that is an interaction too appears once, as that. Dates in `text` are in `tz`. The
        next page is in `Link`; what is added or deleted meanwhile shifts no other row.
        """
        lead = self.get_object()
        self.own_parameters |= {"cursor"}
        bounds = self.list_query().filters
        viewer = Viewer(request.user, zone_of(request, self) or dates.server_zone())
        return self.entries_of(Timeline(lead.pk, viewer, **bounds))

    def entries_of(self, timeline):
        """A page of the timeline, or all of it, which is streamed if it is long."""
        paginator: Any = self.paginator
        if not paginator.is_requested(self.request):
            return full_pages_response(map(to_bodies, timeline.pages(CHUNK)))
        text, size = paginator.position(self.request)
        if (cursor := Cursor.parse(text)) is None and text:
            raise ValidationError({"cursor": ["Follow the link to the next page."]})
        entries, following = timeline.page(cursor, size)
        return Response(to_bodies(entries), headers=paginator.headers_of(self.request, following, size))

    @extend_schema(responses=DurationSerializer(many=True), filters=False)
    @action(detail=True, filter_backends=[], pagination_class=None)
    def durations(self, request, pk):
        """Get how long a lead has been in each status. In days, until now.

        The first status begins with the lead's creation; a status that was entered again adds up.
        """
        lead = self.get_object()
        changes = lead.status_changes.order_by("id").values_list("created_at", "old_status")
        found = durations(lead.created_at, starmap(Change, changes.iterator()), lead.lead_status, dates.now())
        return Response([each.body() for each in found])

    @extend_schema(request=HandOverSerializer, responses=HandedOverSerializer)
    @action(detail=False, methods=["post"])
    def hand_over(self, request):
        """Hand leads over to another user. All that `from` owns, or the named ones; all of them or, if one is not
        `from`'s or does not exist, none. `to` must be active. The call plans follow the new owner's calendar.
        """
        body = self.body(HandOverSerializer)
        owners = {"from": body.pop("from_id"), "to": body.pop("to_id")}
        if not Policy.of(request.user).sees_leads_of(owners["to"]):
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

    def content_of(self, instance) -> bytes | None:
        """The lead's own, also where an action shows its external ids."""
        if self.get_serializer_class() is not ExternalIdSerializer:
            return super().content_of(instance)
        return self.rendered(RestaurantSerializer(instance, context=self.get_serializer_context()).data)

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


class PipelineView(QuestionView):
    @extend_schema(parameters=[PipelinePeriodSerializer], responses=PipelineSerializer(many=True))
    def list(self, request):
        """Get the pipeline of a period. A row of each status: how many leads stand in it, came, left and for where.

        With `owner`, a move counts for the user who owned the lead at that time, and `now` for the present owner.
        """
        return Response(Pipeline(request.user, **self.query(PipelinePeriodSerializer)).body())
