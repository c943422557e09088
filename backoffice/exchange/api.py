"""Imports over HTTP: the steps of the pages, for programs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.settings import api_settings

from backoffice.exchange import imports
from backoffice.exchange.encodings import UnknownEncoding
from backoffice.exchange.finding import DEFAULT_SOURCE
from backoffice.exchange.import_pages import failed_content, failed_response
from backoffice.exchange.imports import Changed, RowsInError
from backoffice.exchange.journal import revert
from backoffice.exchange.kinds import SHEETS
from backoffice.exchange.lines import TableError, TooManyRows, UnknownColumns
from backoffice.models import Import
from crm import dates
from crm.api.exceptions import Conflict
from crm.api.serializers import JSONField, Serializer, UTCDateTimeField
from crm.api.viewsets import ReadingViewSet
from crm.db.external_ids import SOURCE_VALIDATOR


class ChangedSincePreview(Conflict):
    default_detail = "The data has changed since the preview. Nothing was imported; send the file again."


class NewImportSerializer(Serializer):
    """A file, and how to read it. `mapping` is a JSON object: columns of the file to ours, or to "" (left out)."""

    file = serializers.FileField(max_length=254, allow_empty_file=True)
    kind = serializers.ChoiceField(list(SHEETS))
    dry_run = serializers.BooleanField(default=False)
    partial = serializers.BooleanField(default=False)  # type: ignore[assignment]
    match = serializers.ChoiceField(
        sorted({name for sheet in SHEETS.values() for name in sheet.matches}), default="", allow_blank=True
    )
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=50, validators=[SOURCE_VALIDATOR], default=DEFAULT_SOURCE
    )
    encoding = serializers.CharField(max_length=20, default="", allow_blank=True)
    mapping = JSONField(default=dict)

    def validate_mapping(self, mapping: Any) -> dict[str, str]:
        if not isinstance(mapping, dict) or not all(isinstance(name, str | None) for name in mapping.values()):
            raise serializers.ValidationError("Send a JSON object: columns of the file to ours.")
        return {" ".join(label.split()): name or "" for label, name in mapping.items()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        matches = SHEETS[attrs["kind"]].matches
        if attrs["match"] and attrs["match"] not in matches:
            text = f"{attrs['kind'].capitalize()} are found by {', '.join(matches) or 'their ids alone'}."
            raise serializers.ValidationError({"match": [text]})
        return attrs


class ProblemSerializer(serializers.Serializer):
    row = serializers.IntegerField()
    column = serializers.CharField()
    text = serializers.CharField()
    message = serializers.CharField()


class RemainingRowSerializer(serializers.Serializer):
    row = serializers.IntegerField()
    id = serializers.IntegerField(source="object_id")
    reason = serializers.CharField(source="reason_remaining")


class ImportSerializer(serializers.ModelSerializer):
    """`problems` are those of the first rows in error; `remaining` the rows that could not be taken back."""

    created_at = UTCDateTimeField(read_only=True)
    imported_at = UTCDateTimeField(read_only=True, allow_null=True)
    reverted_at = UTCDateTimeField(read_only=True, allow_null=True)
    mapping = serializers.DictField(child=serializers.CharField())
    problems = ProblemSerializer(many=True)
    remaining = serializers.SerializerMethodField()

    class Meta:
        model = Import
        fields = [
            "id",
            "kind",
            "name",
            "status",
            "source",
            "match",
            "encoding",
            "mapping",
            "partial",
            "described",
            "created",
            "changed",
            "unchanged",
            "errors",
            "problems",
            "remaining",
            "created_at",
            "imported_at",
            "reverted_at",
        ]
        read_only_fields = fields

    @extend_schema_field(RemainingRowSerializer(many=True))
    def get_remaining(self, imported: Import) -> list[dict[str, Any]]:
        if imported.status != Import.Status.REVERTED:
            return []
        return RemainingRowSerializer(imported.remaining_rows[: imports.MAX_ROWS], many=True).data  # type: ignore[return-value]


class ImportViewSet(ReadingViewSet):
    """The user's own imports. As everything through the API, they are for all but the group `Read only`."""

    queryset = Import.objects.defer("content", "failed")
    serializer_class = ImportSerializer
    parser_classes = [MultiPartParser]
    ordering_fields = ["id", "created_at"]

    def get_queryset(self):
        return super().get_queryset().filter(user=self.request.user)

    def locked(self) -> Import:
        """The import of the path, locked."""
        return Import.objects.select_for_update().get(pk=self.get_object().pk)

    @extend_schema(request=NewImportSerializer, responses={201: ImportSerializer})
    def create(self, request):
        """Import a file, all rows or none. CSV or XLSX, at most 5,000 rows.

        With `dry_run` nothing is imported until it is confirmed; with `partial` rows in error are left out, and given
        back by `failed.csv`. Rows are found by `id`, by `external_id` (of the system `source`) and by `match`. A file
        that is not UTF-8 is answered 400 with the encodings that its bytes allow, unless `encoding` says which it is.
        """
        body = self.body(NewImportSerializer)
        file, is_dry_run = body.pop("file"), body.pop("dry_run")
        imported = Import.store(user=request.user, name=file.name, content=file.read(), moment=dates.now(), **body)
        with named_errors():
            if is_dry_run:
                imports.preview(imported, by_role=False)
            else:
                run = imports.run_of(imported, by_role=False)
                imports.check_rows(run)
                for _ in imports.write(imported, run):
                    pass
        return self.serialized_response(imported, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=ImportSerializer)
    @action(detail=True, methods=["post"], parser_classes=api_settings.DEFAULT_PARSER_CLASSES)
    def confirm(self, request, pk):
        """Import a file that was sent with `dry_run`. If the data has changed since, it is refused with 409."""
        imported = self.locked()
        if imported.status != Import.Status.PREVIEWED:
            raise ValidationError({"status": [f"This import is {imported.status} already."]})
        with named_errors():
            imports.confirm(imported, imported.digest, by_role=False)
        return self.serialized_response(imported)

    @extend_schema(responses={(200, "text/csv"): str})
    @action(detail=True, url_path="failed.csv")
    def failed(self, request, pk):
        """Get the rows in error as CSV. The last column says what is wrong; corrected, the file can be sent again."""
        imported = self.get_object()
        content = failed_content(imported)
        if not content:
            raise NotFound("No row is in error.")
        return failed_response(imported.name, content)

    @extend_schema(request=None, responses=ImportSerializer)
    @action(detail=True, methods=["post"], parser_classes=api_settings.DEFAULT_PARSER_CLASSES)
    def revert(self, request, pk):
        """Take an import back. New rows are deleted, changed ones become what they were.

        Rows that have changed since, or are used by others, stay: `remaining` lists them. Sent again, it tries them
        again.
        """
        imported = self.locked()
        if imported.status == Import.Status.PREVIEWED:
            raise ValidationError({"status": ["Nothing of this file is imported yet."]})
        revert(imported, by=request.user)
        return self.serialized_response(imported)

    def perform_content_negotiation(self, request, force=False):
        """The failed rows are always text/csv, whatever a program accepts."""
        return super().perform_content_negotiation(request, force=force or self.action == "failed")


@contextmanager
def named_errors() -> Iterator[None]:
    """Turns what is wrong with a file into a 400 that names the key at fault."""
    try:
        yield
    except UnknownEncoding as error:
        text = "The file is not UTF-8, and its bytes do not tell its encoding. Send one of these."
        found = [{"encoding": c.encoding, "name": c.name, "sample": c.sample} for c in error.candidates]
        raise ValidationError({"encoding": [text, *found]}) from error
    except UnknownColumns as error:
        raise ValidationError({"mapping": [str(error)]}) from error
    except TooManyRows as error:
        raise ValidationError({"file": [f"{error} Split it into several files."]}) from error
    except TableError as error:
        raise ValidationError({"file": [str(error)]}) from error
    except RowsInError as error:
        rows = map(imports.said, error.run.problems)
        raise ValidationError({"file": [f"{error} Nothing was imported.", *rows]}) from error
    except Changed as error:
        raise ChangedSincePreview from error
