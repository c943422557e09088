"""Duplicates over HTTP: what leads and contacts share, and the pairs of leads."""

from collections.abc import Iterable
from functools import partial
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from crm.api.exceptions import Conflict, Duplicates
from crm.api.filters import prefers
from crm.api.keyset import SortedRows
from crm.api.lists import list_response
from crm.api.merging import MergeableViewSet
from crm.api.serializers import Serializer
from crm.api.viewsets import ResourceViewSet
from lead.candidates import Candidate, Pair, duplicates
from lead.filters import DuplicateFilter
from lead.models import NotDuplicateModel, Restaurant
from lead.shapes import DifferentRowSerializer, LeadInBriefSerializer, LeadPairSerializer, OtherRowSerializer

REJECT = "duplicates=reject"
ORDER = ("-score", "first", "second")
PREFER = OpenApiParameter(
    "Prefer",
    str,
    "header",
    enum=[REJECT],
    description=f"`{REJECT}`: where it may be a duplicate, 409 and nothing is created.",
)


def creation(shown: type, refused: type) -> Any:
    """Describes a POST that refuses duplicates if asked to."""
    what = OpenApiResponse(refused, "It may be a duplicate of the candidates, or a simultaneous change got in the way.")
    return extend_schema(parameters=[PREFER], responses={201: shown, 409: what})


class DuplicatesMixin(MergeableViewSet):
    """For a table of which two rows may be one: `duplicates` and `not_duplicates` of a row, and `Prefer` of a POST."""

    pairs: type[NotDuplicateModel]
    brief_serializer_class: type
    different_serializer_class: type[Serializer]
    name_in_candidate: str

    def candidates_of(self, row: Any) -> list[Candidate]:
        """The rows that the user may see and that this one may be; it may not be saved yet."""
        raise NotImplementedError

    def lock_for_creation(self, row: Any) -> None:
        """Lock what two new rows that may be one have in common: of two requests the later one sees the other's row."""
        raise NotImplementedError

    def refuse_duplicates(self, **fields: Any) -> None:
        """Raises Duplicates (409) for a row with these fields, where the request asks for it."""
        if prefers(self.request, REJECT):
            row = self.get_queryset().model(**fields)
            self.lock_for_creation(row)
            if found := self.candidates_of(row):
                raise Duplicates(list(map(self.shown, found)))

    def shown(self, candidate: Candidate) -> dict[str, Any]:
        return {**match_of(candidate.verdict), self.name_in_candidate: self.brief_serializer_class(candidate.row).data}

    @extend_schema(filters=False)
    @action(detail=True, filter_backends=[], pagination_class=None)
    def duplicates(self, request, pk):
        """List what this one may be a duplicate of. The likeliest first, each with the reasons."""
        return Response(list(map(self.shown, self.candidates_of(self.get_object()))))

    @extend_schema(responses=DifferentRowSerializer(many=True), filters=False)
    @action(detail=True, filter_backends=[], pagination_class=None)
    def not_duplicates(self, request, pk):
        """List what is said to be no duplicate of this one. In the order in which it was said."""
        row = self.get_object()
        said = self.pairs.of(row.pk, row.database).visible_to(request.user).order_by("pk")
        return Response([as_said(pair, row.pk) for pair in said])

    @extend_schema(
        request=OtherRowSerializer, responses={200: DifferentRowSerializer, 201: DifferentRowSerializer}, filters=False
    )
    @not_duplicates.mapping.post
    def say_not_duplicate(self, request, pk):
        """Say that another one is no duplicate of this one. It is remembered for both; said again it answers 200."""
        row = self.get_object()
        other = self.body(self.different_serializer_class)["other_id"]
        is_new = row.say_not_duplicate(other, by=request.user)
        pair = self.pairs.of(row.pk, row.database).filter(**self.pairs.ordered(row.pk, other)).first()
        if pair is None:  # taken back meanwhile, from the other side
            raise Conflict
        return Response(as_said(pair, row.pk), status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @extend_schema(parameters=[OpenApiParameter("other", int, required=True)], responses={204: None}, filters=False)
    @not_duplicates.mapping.delete
    def take_back_not_duplicate(self, request, pk):
        """Take back that another one is no duplicate of this one. `other` is in the query or the body."""
        row = self.get_object()
        given = {name: source[name] for source in (request.data, request.query_params) for name in source}
        other = self._validated(self.different_serializer_class, given, {})["other_id"]
        if not row.take_back_not_duplicate(other):
            raise NotFound("Nobody has said that these two are different.")
        return Response(status=status.HTTP_204_NO_CONTENT)


def match_of(match: Any) -> dict[str, Any]:
    """Of a Pair or a Verdict."""
    return {"score": match.score, "reasons": match.reasons, "why": match.why}


def as_said(pair: NotDuplicateModel, pk: int) -> dict[str, Any]:
    """Of the row with the id `pk`."""
    said = {"other": pair.other_than(pk), "said_by": pair.created_by_id, "said_at": pair.created_at}
    return DifferentRowSerializer(said).data


def pairs_to_rows(pairs: Iterable[Pair], name: str, rows: Any, serializer_class: type) -> list[dict[str, Any]]:
    """As lists show them, in one query; without those of which a row was deleted meanwhile."""
    pairs = list(pairs)
    found = rows.in_bulk([pk for pair in pairs for pk in (pair.first, pair.second)])
    brief = {pk: serializer_class(row).data for pk, row in found.items()}
    return [
        {**match_of(pair), name: [brief[pair.first], brief[pair.second]]}
        for pair in pairs
        if pair.first in brief and pair.second in brief
    ]


def pairs_response(view: Any, pairs: list[Pair], name: str, rows: Any, serializer_class: type) -> Any:
    """The list, or a page of it."""
    to_rows = partial(pairs_to_rows, name=name, rows=rows, serializer_class=serializer_class)
    if (page := view.paginate_queryset(SortedRows(pairs, ORDER))) is not None:
        return view.get_paginated_response(to_rows(page))
    return list_response(pairs, to_rows)


class DuplicatesView(ResourceViewSet):
    noun = "duplicate"
    queryset = Restaurant.objects.all()
    serializer_class = LeadPairSerializer
    filterset_class = DuplicateFilter
    ordering_fields: ClassVar[list[str]] = []

    @extend_schema(responses=LeadPairSerializer(many=True))
    def list(self, request, *args, **kwargs):
        """List pairs of leads that may be one. The likeliest first, at most 5,000, without those that are said to be
        different. Of more than 5,000 leads, changes of the last minute may be missing.
        """
        least = self.list_query().filters.get("min_score") or 0
        return pairs_response(
            self, duplicates(request.user, float(least)), "leads", self.get_queryset(), LeadInBriefSerializer
        )
