"""What every resource does over HTTP. An app's ViewSet names its table, its shapes and its verbs; the rest is here.

Reading a list or a row answers straight from the columns (crm.rows). Writing happens in one transaction, on rows that
are locked before they are read, with the body taken in beforehand so that a slow client holds no lock.
"""

from functools import cache, lru_cache, partial

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import status
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ModelViewSet

from crm import conditional, idempotency, rows
from crm.filtering import Asked, FilterSet
from crm.pagination import Page
from crm.prepared import Compiled, Prepared
from crm.rendering import to_json

SAMPLES = {"pk": 2**31 - 5, "user": 2**31 - 3}  # ids that no row has; see crm.prepared


class ApiViewSet(GenericViewSet):
    """The base of every view: an unsafe request is one write, and answers that show a resource are tagged."""

    creates_one_row = False  # which depends on nothing that is read before: a transaction around it would hold nothing
    keeps_answers = True  # for an Idempotency-Key; not where an answer is a secret
    own_parameters: frozenset[str] = frozenset()  # of the query string, that `query` has read

    def dispatch(self, request, *args, **kwargs):
        """View and request hold each other until the garbage collector comes; a long answer shall not wait for it."""
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
        """Run `handler` in one transaction, unless it writes one row alone; with an Idempotency-Key at most once."""
        request.data  # noqa: B018 (reads the body before anything is locked)
        key = idempotency.key_of(request) if self.keeps_answers else None
        if key is None and self.action == "create" and self.creates_one_row:
            return handler(request, *args, **kwargs)
        with transaction.atomic():
            if key is None:
                return handler(request, *args, **kwargs)
            return idempotency.once(
                request, key, lambda: self.finalize_response(request, handler(request, *args, **kwargs))
            )

    @property
    def default_response_headers(self) -> dict[str, str]:
        """`Allow` where it tells something: where a method is asked for that there is none, and to OPTIONS."""
        method = self.request.method.lower()
        is_usual = method in self.http_method_names and hasattr(self, method) and method != "options"
        return {} if is_usual else super().default_response_headers

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        shows_resource = self.detail or request.method == "POST"
        if self.keeps_answers and shows_resource:
            if isinstance(response, rows.JSONResponse):
                return conditional.tagged(request, response)
            if isinstance(response, Response) and not response.is_rendered:
                response.add_post_render_callback(conditional.tag)
        return response

    def check_precondition(self, instance) -> None:
        """Raises PreconditionFailed (412) where the locked row is not the one that the client has seen."""
        conditional.check(self.request, lambda: self.json(instance))

    def answer(self, instance, **kwargs) -> rows.JSONResponse:
        """The whole resource, which every write answers."""
        return rows.JSONResponse(self.json(instance), **kwargs)

    def json(self, instance) -> bytes:
        """The resource as its own address shows it, whichever verb is asked for."""
        return to_json(type(self).serializer_class(instance).data)

    def body(self, serializer_class, **context):
        """What a verb was told. Raises ValidationError (400)."""
        return self._validated(serializer_class, self.request.data, context)

    def query(self, serializer_class):
        """What the query string asks, empty values left out. Raises ValidationError (400)."""
        given = {name: value for name, value in self.request.query_params.items() if value.strip()}
        self.own_parameters |= set(serializer_class().fields)
        return self._validated(serializer_class, given, {})

    def _validated(self, serializer_class, data, context):
        serializer = serializer_class(data=data, context={**self.get_serializer_context(), **context})
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data


class ReadingViewSet(ApiViewSet):
    """Lists with filters and pages, and single rows, from their columns.

    `filterset_class`, `search_field` (a look-up path to a SearchField) and `ordering_fields` say what a list may be
    asked.
    """

    lookup_value_regex = "[0-9]{1,18}"  # anything else is no id: 404
    filterset_class: type[FilterSet] | None = None
    search_field: str | None = None
    ordering_fields = ["id"]

    def list(self, request, *args, **kwargs):
        asked = Asked.read(request, self)
        samples = asked.samples(self)
        if samples is None or Page.asked_for(request):
            return self.list_of(self.get_queryset(), asked)
        serializer_class = self.get_serializer_class()
        prepared = self.list_asked(serializer_class, tuple(samples.items()), asked.order)
        chunks = prepared.chunks(user=request.user.pk, **asked.filters)
        return rows.list_response(chunks, serializer_class, lambda: asked.of(self.get_queryset(), self))

    def retrieve(self, request, *args, **kwargs):
        serializer_class = self.get_serializer_class()
        found = self.one_row(serializer_class).rows(pk=int(kwargs["pk"]), user=request.user.pk)
        if not found:
            raise Http404
        return rows.JSONResponse(rows.row_to_json(found[0], serializer_class))

    @classmethod
    def visible(cls, user: int) -> QuerySet:
        """The rows that the user with this id may see."""
        return cls.queryset.all()

    def get_queryset(self):
        return self.visible(self.request.user.pk)

    @classmethod
    @cache
    def one_row(cls, serializer_class) -> Prepared:
        """The visible row with an id, as the serializer shows it."""
        return Prepared(
            lambda pk, user: rows.tuples(cls.visible(user).filter(pk=pk).order_by(), serializer_class), **SAMPLES
        )

    @classmethod
    @lru_cache(maxsize=100)
    def list_asked(cls, serializer_class, samples: tuple, order: tuple[str, ...]) -> Prepared:
        """The visible rows for values of these parameters, in this order: what clients ask again and again."""

        def build(user: int, **filters) -> QuerySet:
            return rows.window(Asked(filters, order=order).of(cls.visible(user), cls), serializer_class)

        return Prepared(build, user=SAMPLES["user"], **dict(samples))

    def list_of(self, queryset, asked: Asked | None = None):
        """The rows of `queryset` that the query string lets through, whole or a page of them."""
        queryset = (asked or Asked.read(self.request, self)).of(queryset, self)
        serializer_class = self.get_serializer_class()
        if not Page.asked_for(self.request):
            window = Compiled(rows.window(queryset, serializer_class))
            return rows.list_response(window.chunks(window.params), serializer_class, lambda: queryset)
        page = Page(self.request)
        window = list(rows.tuples(page.window(queryset), serializer_class))
        return rows.JSONResponse(
            rows.rows_to_json(window[: page.size], serializer_class),
            headers=page.headers(queryset, more=len(window) > page.size),
        )


class ResourceViewSet(ReadingViewSet, ModelViewSet):
    """CRUD with conditional requests and safe retries."""

    http_method_names = ["get", "post", "put", "patch", "delete", "head", "options"]

    @classmethod
    def visible(cls, user: int) -> QuerySet:
        return super().visible(user).visible_to(user)

    def get_object(self):
        """The row of the path, for a verb: locked, and as `If-Match` says. Reading takes `retrieve`'s way."""
        if self.request.method in SAFE_METHODS:
            return get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])  # the query string is the list's
        found = self.locked_row().rows(pk=int(self.kwargs["pk"]), user=self.request.user.pk)
        if not found:
            raise Http404
        instance = self.queryset.model.from_locked_row(found[0])
        self.check_object_permissions(self.request, instance)
        self.check_precondition(instance)
        return instance

    @classmethod
    @cache
    def locked_row(cls) -> Prepared:
        """The visible row with an id, locked, as `Stamped.from_locked_row` takes it."""
        return Prepared(lambda **asked: cls.one_locked(**asked).for_writing(), **SAMPLES)

    @classmethod
    def one_locked(cls, pk, user):
        return cls.visible(user).locked().filter(pk=pk).order_by()

    def json(self, instance) -> bytes:
        return rows.instance_to_json(instance, type(self).serializer_class)

    def create(self, request, *args, **kwargs):
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        self.perform_create(serializer)
        return self.answer(serializer.instance, status=status.HTTP_201_CREATED)

    def update(self, request, *args, partial=False, **kwargs):
        instance = self.get_object()
        serializer = self.get_serializer(instance, data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        self.perform_update(serializer)
        return self.answer(instance)

    def perform_create(self, serializer):
        serializer.save(created_by=self.request.user)

    def perform_update(self, serializer):
        serializer.save(by=self.request.user)
