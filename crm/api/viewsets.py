"""What every resource does over HTTP. An app's ViewSet names its table, its shapes and its verbs; the rest is here.

It is DRF's ModelViewSet, with pages on request, writing in one transaction on rows that are locked before they
are read, conditional requests and safe retries. Every hook of DRF decides as its documentation says; crm.fast answers
only where it would give the same.
"""

from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import QuerySet
from django.http import Http404
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.exceptions import ValidationError as DRFValidationError
from rest_framework.mixins import CreateModelMixin
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response
from rest_framework.serializers import ListSerializer
from rest_framework.viewsets import GenericViewSet, ModelViewSet

from crm.api import etags, idempotency
from crm.api.filters import FilterSet, ListQuery, is_strict
from crm.api.lists import WINDOW, full_list_response, rows_to_json
from crm.api.overrides import StockHooksMixin
from crm.api.pagination import Pagination
from crm.api.renderers import JSONRenderer, RenderedResponse, to_json
from crm.fast import reads


class ApiViewSet(GenericViewSet):
    """The base of every view: an unsafe request is one write, and answers that show a resource are tagged."""

    stores_answers = True  # for an Idempotency-Key; not where an answer is a secret
    own_parameters: frozenset[str] = frozenset()  # of the query string, that `query` has read

    def dispatch(self, request, *args, **kwargs):
        """Breaks the reference cycle of view and request so that large responses are freed at once."""
        response = super().dispatch(request, *args, **kwargs)
        del self.response
        return response

    def initial(self, request, *args, **kwargs):
        """Once DRF has let the request in, an unsafe method's handler runs as one write."""
        super().initial(request, *args, **kwargs)
        method = request.method.lower()
        if request.method not in SAFE_METHODS and hasattr(self, method):
            setattr(self, method, partial(self.write, getattr(self, method)))

    def write(self, handler, request, *args, **kwargs):
        """Run `handler` in one transaction; with an Idempotency-Key at most once."""
        request.data  # noqa: B018 (reads the body before anything is locked: a slow client holds no lock)
        key = idempotency.key_of(request) if self.stores_answers else None
        with ExitStack() as transactions:
            for alias in {DEFAULT_DB_ALIAS, self.database}:
                transactions.enter_context(transaction.atomic(using=alias))
            if key is None:
                return handler(request, *args, **kwargs)
            return idempotency.once(
                request,
                key,
                lambda: self.finalize_response(request, handler(request, *args, **kwargs)),
                self.check_replay,
            )

    def check_replay(self) -> None:
        """Raises where the answer that is stored for an Idempotency-Key must not be shown any more."""

    @property
    def database(self) -> str:
        """The alias of the database that the view's rows are written to."""
        return DEFAULT_DB_ALIAS

    @property
    def default_response_headers(self) -> dict[str, str]:
        """`Allow` only where it is needed: with 405, and to OPTIONS."""
        method = self.request.method.lower()  # type: ignore[union-attr]
        is_usual = method in self.http_method_names and hasattr(self, method) and method != "options"
        return {} if is_usual else super().default_response_headers

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        shows_resource = self.detail or request.method == "POST"
        if self.stores_answers and shows_resource and isinstance(response, Response) and not response.is_rendered:
            response.add_post_render_callback(etags.tag)
        return response

    def check_precondition(self, instance) -> None:
        """Raises PreconditionFailed (412) where the locked row is not the one that the client has seen."""
        etags.check(self.request, lambda: self.content_of(instance))

    def content_of(self, instance) -> bytes | None:
        """What GET answers for the instance; None where there is nothing to show."""
        acting, self.action = self.action, "retrieve"
        try:
            data = self.get_serializer(instance).data
        finally:
            self.action = acting
        return self.rendered(data)

    def rendered(self, data) -> bytes | None:
        """In the form that the client accepts."""
        renderer: Any = self.request.accepted_renderer  # type: ignore[union-attr]
        return renderer.render(data, self.request.accepted_media_type, self.get_renderer_context())

    def serialized_response(self, instance, *, many: bool = False, **kwargs) -> Response:
        """The answer with what the serializer shows. Every write answers the whole resource."""
        return Response(self.get_serializer(instance, many=many).data, **kwargs)

    def body(self, serializer_class, **context):
        """The validated body of a verb. Raises ValidationError (400)."""
        return self._validated(serializer_class, self.request.data, context)

    def query(self, serializer_class):
        """The validated query string, empty values left out. Raises ValidationError (400)."""
        given = {name: value for name, value in self.request.query_params.items() if value.strip()}  # type: ignore[union-attr]
        self.own_parameters |= set(serializer_class().fields)
        return self._validated(serializer_class, given, {})

    def _validated(self, serializer_class, data, context):
        serializer = serializer_class(data=data, context={**self.get_serializer_context(), **context})
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data


class QuestionView(ApiViewSet):
    """A response that is no list of rows: its parameters are its serializer's and no others."""

    def query(self, serializer_class):
        unknown = set(self.request.query_params) - set(serializer_class().fields)  # type: ignore[union-attr]
        if unknown and is_strict(self.request):
            raise DRFValidationError({name: ["Unknown parameter."] for name in unknown})
        return super().query(serializer_class)


class ReadingViewSet(StockHooksMixin, ApiViewSet):
    """Lists with filters and pages, and single rows.

    `filterset_class`, `search_field` (a look-up path to a SearchField, or several) and `ordering_fields` are the query
    parameters of a list.
    """

    lookup_value_regex = "[0-9]{1,18}"  # anything else is no id: 404
    pagination_class = Pagination
    filterset_class: type[FilterSet] | None = None
    search_field: str | list[str] | None = None
    ordering_fields = ["id"]
    looks_up_one = False  # True while get_object calls filter_queryset: list filters do not apply to a row

    def list(self, request, *args, **kwargs):
        if found := reads.listed(self, WINDOW):
            return full_list_response(found.window, found.rows, partial(rows_to_json, found.keys))
        return self.list_of(self.get_queryset())

    def list_of(self, queryset):
        """The rows of `queryset` that the query string lets through, whole or a page of them."""
        queryset = self.filter_queryset(queryset)
        if found := reads.list_of(self, queryset, WINDOW):
            if (page := self.paginate_queryset(found.rows())) is not None:
                return RenderedResponse(rows_to_json(found.keys, page), headers=self.paginator.headers)  # type: ignore[union-attr]
            return full_list_response(found.window, found.rows, partial(rows_to_json, found.keys))
        page = self.paginate_queryset(queryset)
        if page is not None:
            return self.get_paginated_response(self.get_serializer(page, many=True).data)
        if not isinstance(queryset, QuerySet) or type(self.request.accepted_renderer) is not JSONRenderer:
            return self.serialized_response(queryset, many=True)
        if type(self.get_serializer([], many=True)) is not ListSerializer:  # which may look at the list as a whole
            return self.serialized_response(queryset, many=True)
        return full_list_response(lambda: list(queryset[:WINDOW]), lambda: queryset, self.serialize_to_json)

    def list_query(self) -> ListQuery:
        """The parsed query string of a list. Raises ValidationError (400)."""
        return ListQuery.read(self.request, self)

    def serialize_to_json(self, rows: list) -> bytes:  # type: ignore[valid-type]
        """What the serializer shows of the rows, in JSON."""
        return to_json(self.get_serializer(rows, many=True).data)

    def retrieve(self, request, *args, **kwargs):
        if row := reads.retrieved(self):
            return RenderedResponse(to_json(row))
        return self.serialized_response(self.get_object())

    def get_object(self):
        self.looks_up_one = True
        try:
            return super().get_object()
        except Http404:
            raise NotFound from None  # in the document's words
        finally:
            self.looks_up_one = False


class ResourceViewSet(ReadingViewSet, ModelViewSet):
    """CRUD with conditional requests and safe retries."""

    http_method_names = ["get", "post", "put", "patch", "delete", "head", "options"]

    @property
    def database(self) -> str:
        return self.get_queryset().select_for_update().db  # as `using` or the routers say

    def get_queryset(self):
        return super().get_queryset().visible_to(self.request.user)  # type: ignore[attr-defined]

    def get_object(self):
        """The row of the path. For a write it is locked before it is looked at, and has to be as `If-Match` says."""
        if self.request.method in SAFE_METHODS:
            return super().get_object()
        if (instance := reads.locked(self)) is None:
            self.lock_row()
            instance = super().get_object()
        self.check_precondition(instance)
        return instance

    def lock_row(self) -> None:
        """Lock the row until the transaction ends, where the database locks rows; whether it is visible comes after.

        A hidden row is not waited for: it is answered as quickly as a missing one.
        """
        if connections[self.database].features.has_select_for_update:
            wanted = {self.lookup_field: self.kwargs[self.lookup_url_kwarg or self.lookup_field]}
            rows = self.get_queryset().model.objects.using(self.database).locked().order_by().values_list("pk")
            with suppress(TypeError, ValueError, ValidationError):  # of a value that is none: 404, as DRF says
                if self.shows_every_row() or self.get_queryset().filter(**wanted).exists():
                    list(rows.filter(**wanted))

    def check_replay(self) -> None:
        """Raises NotFound where the row of the path is hidden by now, or gone: the answer would show it."""
        if self.detail and not self.shows_every_row():
            wanted = {self.lookup_field: self.kwargs[self.lookup_url_kwarg or self.lookup_field]}
            if not self.get_queryset().filter(**wanted).exists():
                raise NotFound

    def create(self, request, *args, **kwargs):
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        self.perform_create(serializer)
        response = Response(serializer.data, status=status.HTTP_201_CREATED)
        if type(self).get_success_headers is not CreateModelMixin.get_success_headers:
            for name, value in self.get_success_headers(response.data).items():
                response[name] = value
        return response

    def update(self, request, *args, partial=False, **kwargs):
        instance = self.get_object()
        serializer = self.get_serializer(instance, data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        self.perform_update(serializer)
        return self.serialized_response(serializer.instance)  # a new serializer: with `partial` DRF leaves defaults out

    def perform_create(self, serializer):
        serializer.save(created_by=self.request.user)

    def perform_update(self, serializer):
        serializer.save(by=self.request.user)


ReadingViewSet.record_hooks()
ResourceViewSet.record_hooks()
