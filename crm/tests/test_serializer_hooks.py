"""DRF's hooks decide how a row is shown in every response; fast or not, for two users in turn."""

import json
from datetime import UTC, datetime

import pytest
from rest_framework import serializers
from rest_framework.pagination import LimitOffsetPagination, PageNumberPagination
from rest_framework.renderers import JSONRenderer as StockRenderer
from rest_framework.serializers import ListSerializer

from crm.api.filters import FilterSet, IdFilter, UTCDateTimeFilter
from crm.api.renderers import JSONRenderer
from crm.tests.support import RESOURCES, apply_hooks, body_of, both_ways, client_of, everywhere, stream_all
from lead.filters import RestaurantFilter
from lead.models import Restaurant
from lead.serializers import RestaurantSerializer
from lead.views import RestaurantViewSet

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fast")]


def answers(resource, user, monkeypatch, streams=True):
    """(what was requested, the rows that were shown): of lists, streams, pages, single rows, writes and verbs."""
    api, row = client_of(user), resource.row_of(user)
    for path in resource.lists:
        for query in ("", "?page_size=1", "?ordering=-id"):
            yield f"{path}{query}", body_of(api.get(f"/x/{path}{query}"))
    if streams:
        with monkeypatch.context() as patch:
            stream_all(patch)
            answer = api.get("/x/")
            assert answer.streaming
            yield "stream", body_of(answer)
    yield "retrieve", [body_of(api.get(f"/x/{row.pk}/"))]
    for method, path, body in resource.all_writes(row)[:-1]:
        if "order_details" not in path:
            answer = getattr(api, method)(f"/x/{row.pk}/{path}", body)
            assert answer.status_code == 200, (path, answer.content)
            yield f"{method} {path}", [body_of(answer)]
    if resource.view is not RESOURCES["plans"].view:
        yield "post", [body_of(api.post("/x/", resource.all_writes(row)[0][2]))]


def marked(way):
    """Serializers that say who looks, each by another hook."""

    def to_representation(base):
        class Marked(base):
            def to_representation(self, instance):
                return {**super().to_representation(instance), "by": self.context["request"].user.username}

        return Marked

    def method_field(base):
        class Marked(base):
            by = serializers.SerializerMethodField()

            class Meta(base.Meta):
                fields = [*base.Meta.fields, "by"]

            def get_by(self, instance):
                return self.context["request"].user.username

        return Marked

    def get_fields(base):
        class Marked(base):
            def get_fields(self):
                name = self.context["request"].user.username if self.context else "anonymous"
                return {**super().get_fields(), "by": serializers.ReadOnlyField(default=name, source="no_such")}

        return Marked

    def init(base):
        class Marked(base):
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                name = self.context["request"].user.username if self.context else "anonymous"
                self.fields["by"] = serializers.ReadOnlyField(default=name, source="no_such")

        return Marked

    return {"to_representation": to_representation, "method": method_field, "get_fields": get_fields, "init": init}[way]


@everywhere
@both_ways
@pytest.mark.parametrize("hook", ["get_serializer_class", "serializer_class"])
@pytest.mark.parametrize("mark", ["to_representation", "method", "get_fields", "init"])
def test_the_views_serializer_shows_the_row_in_every_response(name, way, hook, mark, users, mount, monkeypatch):
    resource = RESOURCES[name]
    shape = marked(mark)(resource.view.serializer_class)
    hooks = {"get_serializer_class": lambda self: shape} if hook == "get_serializer_class" else {hook: shape}
    apply_hooks(way, hooks, resource, mount, monkeypatch, users)
    for user in users:
        for requested, rows in answers(resource, user, monkeypatch):
            assert rows and all(row["by"] == user.username for row in rows), requested


@everywhere
def test_a_serializer_method_that_is_patched_later_shows_the_row(name, users, mount, monkeypatch):
    resource = RESOURCES[name]
    apply_hooks("patched", {}, resource, mount, monkeypatch, users)
    shape = resource.view.serializer_class

    def to_representation(self, instance):
        return {**super(shape, self).to_representation(instance), "by": self.context["request"].user.username}

    monkeypatch.setattr(shape, "to_representation", to_representation)
    for user in users:
        for requested, rows in answers(resource, user, monkeypatch):
            assert rows and all(row["by"] == user.username for row in rows), requested


@everywhere
@both_ways
def test_get_serializer_may_remove_fields(name, way, users, mount, monkeypatch):
    """Ben is not shown ids."""
    resource = RESOURCES[name]
    view = resource.view

    def get_serializer(self, *args, **kwargs):
        serializer = super(view, self).get_serializer(*args, **kwargs)
        if self.request.user.username == "ben":
            getattr(serializer, "child", serializer).fields.pop("id", None)
        return serializer

    apply_hooks(way, {"get_serializer": get_serializer}, resource, mount, monkeypatch, users)
    for user in users:
        for requested, rows in answers(resource, user, monkeypatch):
            assert rows and all(("id" in row) == (user.username == "anna") for row in rows), requested


@everywhere
@both_ways
def test_an_override_that_changes_the_data_of_super_is_respected(name, way, users, mount, monkeypatch):
    resource = RESOURCES[name]
    view = resource.view
    lists = {"list", *(path.rstrip("/") for path in resource.lists if path)}
    rows = {"retrieve", "update", "partial_update"}
    rows |= {path.rstrip("/") for _, path, _ in resource.writes if path and "order" not in path}
    hooks, stock = {}, {verb: getattr(view, verb) for verb in lists | rows}
    for verb in stock:

        def override(self, request, *args, verb=verb, **kwargs):
            response = stock[verb](self, request, *args, **kwargs)
            for row in response.data if verb in lists else [response.data]:
                row["by"] = request.user.username
            return response

        override.__dict__.update(vars(getattr(view, verb)))
        override.__name__ = verb
        hooks[verb] = override
    apply_hooks(way, hooks, resource, mount, monkeypatch, users)
    for user in users:
        for requested, shown in answers(resource, user, monkeypatch, streams=False):
            if requested != "post":
                assert shown and all(row["by"] == user.username for row in shown), requested


@everywhere
@both_ways
def test_a_pagination_class_of_drf_paginates_every_list(name, way, users, mount, monkeypatch):
    resource = RESOURCES[name]
    for base, page in ((PageNumberPagination, "?page=2"), (LimitOffsetPagination, "?limit=1&offset=1")):
        size = {"page_size": 1} if base is PageNumberPagination else {"default_limit": 1}
        paginator = type("Paginator", (base,), size)
        apply_hooks(way, {"pagination_class": paginator}, resource, mount, monkeypatch, users)
        for path in resource.lists:
            for query in ("", page):
                body = body_of(client_of(users[0]).get(f"/x/{path}{query}"))
                assert {"count", "next", "previous", "results"} == set(body) and len(body["results"]) == 1
        monkeypatch.undo()


@everywhere
@both_ways
@pytest.mark.parametrize("base", [StockRenderer, JSONRenderer])
def test_a_renderer_of_the_view_renders_every_response(name, way, base, users, mount, monkeypatch):
    class Envelope(base):
        def render(self, data, *args, **kwargs):
            return json.dumps({"data": json.loads(super().render(data, *args, **kwargs))}).encode()

    resource = RESOURCES[name]
    apply_hooks(way, {"renderer_classes": [Envelope]}, resource, mount, monkeypatch, users)
    api, row = client_of(users[0]), resource.row_of(users[0])
    for path in [*resource.lists, "?page_size=1", *(f"{row.pk}/{path}" for path in resource.reads)]:
        assert list(body_of(api.get(f"/x/{path}"))) == ["data"], path
    for method, path, body in resource.all_writes(row)[:-1]:
        assert list(body_of(getattr(api, method)(f"/x/{row.pk}/{path}", body))) == ["data"], path
    stream_all(monkeypatch)
    assert list(body_of(api.get("/x/"))) == ["data"]


@both_ways
def test_perform_hooks_decide_what_is_written(way, users, mount, monkeypatch):
    hooks = {
        "perform_create": lambda self, serializer: serializer.save(created_by=self.request.user, city="made"),
        "perform_update": lambda self, serializer: serializer.save(by=self.request.user, city="edited"),
        "perform_destroy": lambda self, instance: instance.edit(city="deleted"),
    }
    resource = RESOURCES["restaurants"]
    apply_hooks(way, hooks, resource, mount, monkeypatch, users)
    for user in users:
        api, row = client_of(user), resource.row_of(user)
        assert body_of(api.post("/x/", {"name": "New"}))["city"] == "made"
        assert body_of(api.put(f"/x/{row.pk}/", {"name": "Put"}))["city"] == "edited"
        Restaurant.objects.filter(pk=row.pk).update(city="")
        assert body_of(api.patch(f"/x/{row.pk}/", {"name": "Patched"}))["city"] == "edited"
        assert api.delete(f"/x/{row.pk}/").status_code == 204
        row.refresh_from_db()
        assert (row.city, row.name) == ("deleted", "Patched")


def test_get_success_headers_are_sent(users, mount):
    class WithHeaders(RestaurantViewSet):
        def get_success_headers(self, data):
            return {"Location": f"/x/{data['id']}/"}

    mount(WithHeaders)
    answer = client_of(users[0]).post("/x/", {"name": "New"})
    assert answer.headers["Location"] == f"/x/{answer.data['id']}/"


# --- Filters ----------------------------------------------------------------------------------


class MineFirst(RestaurantFilter):
    def filter_queryset(self, queryset):
        return super().filter_queryset(queryset).filter(assigned_to=self.request.user)


class MineByQs(RestaurantFilter):
    @property
    def qs(self):
        return super().qs.filter(assigned_to=self.request.user)


class ByMethod(RestaurantFilter):
    mine = IdFilter(method="only")

    def only(self, queryset, name, value):
        return queryset.filter(assigned_to=self.request.user)


@both_ways
@pytest.mark.parametrize("filters", [MineFirst, MineByQs, ByMethod])
def test_a_filterset_of_the_view_filters_lists_and_pages(filters, way, users, mount, monkeypatch):
    resource = RESOURCES["restaurants"]
    apply_hooks(way, {"filterset_class": filters}, resource, mount, monkeypatch, users)
    for user in users:
        own = [row.pk for row in Restaurant.objects.filter(assigned_to=user)]
        for query in ("?mine=1", "?mine=1&page_size=5", "?mine=1&ordering=-id", "?mine=1&city=Pune"):
            assert [row["id"] for row in body_of(client_of(user).get(f"/x/{query}"))] == own, query
        assert body_of(client_of(user).get("/x/?mine=1&city=Goa")) == []
        assert client_of(user).get("/x/?mine=1&assigned_to=x").status_code == 400


def test_a_filterset_method_that_is_patched_later_filters(users, mount, monkeypatch):
    resource = RESOURCES["restaurants"]
    apply_hooks("patched", {}, resource, mount, monkeypatch, users)
    monkeypatch.setattr(RestaurantFilter, "filter_queryset", only_own)
    for user in users:
        assert len(body_of(client_of(user).get("/x/"))) == 1


def only_own(self, queryset):
    return FilterSet.filter_queryset(self, queryset).filter(assigned_to=self.request.user)


@pytest.mark.parametrize(
    "declared, value",
    [
        (UTCDateTimeFilter("created_at", "date"), "2024-05-01T10:00:00Z"),
        (IdFilter("created_at", "year"), "2024"),
        (IdFilter("pincode"), "411"),
        (IdFilter("pincode", "startswith"), "41"),
    ],
)
def test_a_filter_with_a_lookup_of_its_own_finds_the_row(declared, value, users, mount):
    filters = type("Filters", (FilterSet,), {"wanted": declared})
    mount(type("View", (RestaurantViewSet,), {"filterset_class": filters}))
    wanted = Restaurant.objects.first()
    Restaurant.objects.filter(pk=wanted.pk).update(created_at=datetime(2024, 5, 1, tzinfo=UTC), pincode="411")
    for query in (f"?wanted={value}", f"?wanted={value}&page_size=5"):
        assert [row["id"] for row in body_of(client_of(users[0]).get(f"/x/{query}"))] == [wanted.pk], query


# --- Fields -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kwargs, name, shown",
    [
        ({"potential_revenue": {"coerce_to_string": True}}, "potential_revenue", "5000.00"),
        ({"potential_revenue": {"normalize_output": True}}, "potential_revenue", 5e3),
        ({"assigned_to": {"pk_field": serializers.CharField()}}, "assigned_to", None),
    ],
)
def test_options_of_a_field_decide_how_it_is_shown(kwargs, name, shown, users, mount, monkeypatch):
    meta = type("Meta", (RestaurantSerializer.Meta,), {"extra_kwargs": kwargs})
    shape = type("Shape", (RestaurantSerializer,), {"Meta": meta})
    mount(type("View", (RestaurantViewSet,), {"serializer_class": shape}))
    Restaurant.objects.update(potential_revenue="5000")
    for requested, rows in answers(RESOURCES["restaurants"], users[0], monkeypatch):
        if requested != "post":
            shown = shown or str(users[0].pk)
            ours = [row for row in rows if row["assigned_to"] in (users[0].pk, str(users[0].pk))]
            assert ours and all(row[name] == shown for row in ours), requested


class Who(serializers.RelatedField):
    """Shows who looks."""

    def to_representation(self, value):
        return self.context["request"].user.username


def test_a_related_field_of_many_has_the_request_in_its_context(users, mount, monkeypatch):
    class Shape(RestaurantSerializer):
        contacts = Who(many=True, read_only=True)

        class Meta(RestaurantSerializer.Meta):
            fields = ["id", "contacts"]

    mount(type("View", (RestaurantViewSet,), {"serializer_class": Shape}))
    for user in users:
        row = RESOURCES["restaurants"].row_of(user)
        assert body_of(client_of(user).get(f"/x/{row.pk}/"))["contacts"] == [user.username]


def test_a_field_that_reads_the_request_in_bind_is_bound_per_request(users, mount):
    class Bound(serializers.ReadOnlyField):
        def bind(self, field_name, parent):
            super().bind(field_name, parent)
            self.who = self.context["request"].user.username if self.context else "anonymous"

        def to_representation(self, value):
            return self.who

    class Shape(RestaurantSerializer):
        name = Bound()

    mount(type("View", (RestaurantViewSet,), {"serializer_class": Shape}))
    for user in users:
        row = RESOURCES["restaurants"].row_of(user)
        assert body_of(client_of(user).get(f"/x/{row.pk}/"))["name"] == user.username


def test_a_list_serializer_class_shows_the_whole_list(users, mount, monkeypatch):
    class Numbered(ListSerializer):
        def to_representation(self, data):
            return [{"place": place, **row} for place, row in enumerate(super().to_representation(data))]

    meta = type("Meta", (RestaurantSerializer.Meta,), {"list_serializer_class": Numbered})
    shape = type("Shape", (RestaurantSerializer,), {"Meta": meta})
    mount(type("View", (RestaurantViewSet,), {"serializer_class": shape}))
    assert [row["place"] for row in body_of(client_of(users[0]).get("/x/"))] == [0, 1]
    stream_all(monkeypatch)
    monkeypatch.setattr("crm.api.lists.CHUNK", 1)
    assert [row["place"] for row in body_of(client_of(users[0]).get("/x/"))] == [0, 1]
