"""Two rows that are one: the verbs `merge` and `unmerge`, and the way from the address of a merged row."""

from http import HTTPStatus
from typing import Any, ClassVar

from django.db import transaction
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import APIException, NotFound
from rest_framework.response import Response

from crm.api.serializers import MAX_ID, Serializer, id_of
from crm.api.viewsets import ResourceViewSet
from crm.db.merging import BOTH, OTHER, OURS, survivor_of


class Merged(APIException):
    """308 (RFC 9110, section 15.4.9): the row is part of another one now, to whose address the request belongs."""

    status_code = HTTPStatus.PERMANENT_REDIRECT
    default_code = "merged"

    def __init__(self, detail: str, location: str) -> None:
        super().__init__(detail)
        self.headers = {"Location": location}


class MergeSerializer(Serializer):
    """The body of `merge`, to which a table adds `other`; `dry_run` only says what would happen.

    `take` says by field whose value stays; left out, this one's, unless it is empty.
    """

    merged: ClassVar[list[str]] = []  # the fields that `take` may name
    texts: ClassVar[set[str]] = set()  # those of which there may be both

    dry_run = serializers.BooleanField(default=False)
    take = serializers.DictField(child=serializers.ChoiceField([OURS, OTHER, BOTH]), required=False)

    def validate_take(self, take):
        known = [name.removesuffix("_id") for name in self.merged]
        other: Any = self.fields["other"]
        row = other.queryset.model._meta.verbose_name
        errors = {name: [f"Not a field of a {row}."] for name in take if name not in known}
        errors |= {
            name: [gettext_lazy("Only long texts can be both.")]
            for name in take
            if take[name] == BOTH and name not in self.texts
        }
        if errors:
            raise serializers.ValidationError(errors)
        return take


class UnmergeSerializer(Serializer):
    other = serializers.IntegerField(min_value=1, max_value=MAX_ID)


class DryRun(Exception):
    """Rolls a dry run back."""


class MergedRowsViewSet(ResourceViewSet):
    """For a table whose rows can be merged: the address of one that was leads to the one that it is part of."""

    def get_object(self):
        try:
            return super().get_object()
        except NotFound:
            given = str(self.kwargs.get("pk", ""))
            if (pk := id_of(given)) and (survivor := survivor_of(self.get_queryset(), pk)):
                name = self.get_queryset().model._meta.verbose_name
                path = self.request.get_full_path().replace(f"/{given}", f"/{survivor}", 1)
                raise Merged(f"This {name} was merged into {survivor}.", path) from None
            raise


class MergeableViewSet(MergedRowsViewSet):
    """For a table whose rows have the verbs `merge` and `unmerge`; a `merge_serializer_class` adds its own fields."""

    merge_serializer_class: type[MergeSerializer] = MergeSerializer

    @action(detail=True, methods=["post"])
    def merge(self, request, pk):
        """Merge another one into this one: what belongs to it, and its address. `dry_run` changes nothing.

        The answer is the whole resource as it is then, and `moved`: how many rows of each table belong to it now.
        """
        row = self.get_object()
        body = dict(self.body(self.merge_serializer_class))
        is_dry = body.pop("dry_run")
        answer: dict[str, Any] = {}
        try:
            with transaction.atomic(using=self.database):
                journal = row.merge(body.pop("other_id"), **body, by=request.user)
                answer = {**self.get_serializer(row).data, "moved": journal.moved}
                if is_dry:
                    raise DryRun
        except DryRun:
            pass
        return Response(answer)

    @extend_schema(request=UnmergeSerializer)
    @action(detail=True, methods=["post"])
    def unmerge(self, request, pk):
        """Take one that was merged into this one out again, as it was. What has happened since stays here."""
        row = self.get_object()
        other = self.body(UnmergeSerializer)["other"]
        row.unmerge(other)
        return self.serialized_response(row)


MergedRowsViewSet.record_hooks()
MergeableViewSet.record_hooks()
