"""Hooks that are rarely used: with FAST the answer is the one without."""

import pytest
from django.db import models
from django.db.models import Count
from rest_framework.filters import BaseFilterBackend
from rest_framework.generics import GenericAPIView
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import SlidingToken

from call.models import CallPlan
from call.views import CallPlanViewSet
from contact.models import Contact
from crm.api.filters import ListQueryBackend
from crm.api.serializers import ModelSerializer
from crm.api.viewsets import ReadingViewSet, ResourceViewSet
from crm.tests.support import RESOURCES, body_of, client_of, signed_in, stream_all
from lead.models import Restaurant, RestaurantQuerySet
from lead.views import RestaurantViewSet

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fast")]


def client_for(mount, users, **hooks):
    """A client of Anna's, of the view with these attributes."""
    mount(type("View", (RestaurantViewSet,), hooks))
    return client_of(users[0])


# --- Which row --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_lookup_field_decides_what_the_path_names(method, users, mount):
    Restaurant.objects.filter(assigned_to=users[0]).update(pincode="777")
    api = client_for(mount, users, lookup_field="pincode")
    assert getattr(api, method)("/x/777/", {}).status_code in (200, 204)
    assert getattr(api, method)("/x/778/", {}).status_code == 404


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_lookup_field_is_used_where_lookup_url_kwarg_is_pk(method, users, mount):
    anna, ben = (Restaurant.objects.get(assigned_to=user) for user in users)
    Restaurant.objects.filter(pk=ben.pk).update(pincode=str(anna.pk))
    api = client_for(mount, users, lookup_field="pincode", lookup_url_kwarg="pk")
    assert getattr(api, method)(f"/x/{anna.pk}/", {}).status_code in (200, 204)
    assert Restaurant.objects.filter(pk=anna.pk, city="Pune").exists()
    if method == "get":
        assert body_of(api.get(f"/x/{anna.pk}/"))["id"] == ben.pk


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_a_path_without_an_id_is_a_404(method, users, mount):
    api = client_for(mount, users, lookup_value_regex="[^/.]+")
    assert getattr(api, method)("/x/abc/", {}).status_code == 404


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_a_backend_in_the_settings_narrows_reads_and_writes(method, users, mount, monkeypatch):
    """DRF reads DEFAULT_FILTER_BACKENDS when its view classes are defined, before the kit's."""

    class Nothing(BaseFilterBackend):
        def filter_queryset(self, request, queryset, view):
            return queryset.none()

    monkeypatch.setattr(GenericAPIView, "filter_backends", [ListQueryBackend, Nothing])
    for each in (ReadingViewSet, ResourceViewSet):
        monkeypatch.setattr(each, "stock_hooks", each.stock_hooks)
        each.record_hooks()
    api = client_for(mount, users)
    assert body_of(api.get("/x/")) == []
    assert getattr(api, method)(f"/x/{Restaurant.objects.first().pk}/", {}).status_code == 404


def test_a_view_may_have_get_queryset_alone(users, mount):
    api = client_for(mount, users, queryset=None, get_queryset=lambda self: Restaurant.objects.order_by("id"))
    row = Restaurant.objects.first()
    assert len(body_of(api.get("/x/"))) == 2
    assert api.get(f"/x/{row.pk}/").status_code == 200
    assert api.patch(f"/x/{row.pk}/", {"city": "Goa"}).status_code == 200
    assert api.post(f"/x/{row.pk}/change_status/", {"status": "LOST"}).status_code == 200


QUERYSETS = {
    "distinct": lambda rows: rows.distinct(),
    "counted": lambda rows: rows.annotate(people=Count("contacts")),
    "extra": lambda rows: rows.extra(select={"one": "1"}),
    "deferred": lambda rows: rows.defer("notes"),
    "only": lambda rows: rows.only("name"),
    "related": lambda rows: rows.select_related("assigned_to").prefetch_related("contacts"),
}


@pytest.mark.parametrize("name", QUERYSETS)
def test_any_queryset_of_the_class_is_read_and_written(name, users, mount):
    api = client_for(mount, users, queryset=QUERYSETS[name](Restaurant.objects.all()))
    for row in Restaurant.objects.all():
        assert body_of(api.get(f"/x/{row.pk}/"))["name"] == row.name
        answer = body_of(api.patch(f"/x/{row.pk}/", {"city": "Goa", "notes": "new"}))
        assert (answer["id"], answer["name"], answer["city"]) == (row.pk, row.name, "Goa")
    assert [row["city"] for row in body_of(api.get("/x/"))] == ["Goa", "Goa"]
    assert sorted(Restaurant.objects.values_list("pk", "city")) == [(row.pk, "Goa") for row in Restaurant.objects.all()]


PLANS = {
    "distinct": lambda rows: rows.filter(lead__contacts__isnull=False).distinct(),
    "counted": lambda rows: rows.annotate(people=Count("lead__contacts")),
    "extra": QUERYSETS["extra"],
    "related": lambda rows: rows.select_related("lead__assigned_to").prefetch_related("events"),
}


@pytest.mark.parametrize("name", PLANS)
def test_any_queryset_that_get_queryset_makes_is_read_and_written(name, users, mount):
    def get_queryset(self):
        return PLANS[name](super(CallPlanViewSet, self).get_queryset())

    mount(type("View", (CallPlanViewSet,), {"get_queryset": get_queryset}))
    api, row = client_of(users[0]), CallPlan.objects.first()
    for path in ("", "today/", "overdue/", "upcoming/", "?page_size=1", f"{row.pk}/", f"{row.pk}/history/"):
        assert api.get(f"/x/{path}").status_code == 200
    for method, path, body in RESOURCES["plans"].all_writes(row):
        answer = getattr(api, method)(f"/x/{row.pk}/{path}", body)
        assert answer.status_code == 200, (path, answer.content)


def test_rows_that_a_hook_has_changed_are_shown_changed(users, mount):
    def filter_queryset(self, queryset):
        queryset = super(RestaurantViewSet, self).filter_queryset(queryset)
        for row in queryset:
            row.name = row.name.upper()
        return queryset

    api = client_for(mount, users, filter_queryset=filter_queryset)
    assert {row["name"] for row in body_of(api.get("/x/"))} == {"ANNA BISTRO", "BEN BISTRO"}


def test_filter_queryset_may_return_a_list(users, mount, monkeypatch):
    def filter_queryset(self, queryset):
        queryset = super(RestaurantViewSet, self).filter_queryset(queryset)
        return queryset if self.looks_up_one else sorted(queryset, key=lambda row: row.name, reverse=True)

    api = client_for(mount, users, filter_queryset=filter_queryset)
    for query in ("", "?page_size=5"):
        assert [row["name"] for row in body_of(api.get(f"/x/{query}"))] == ["ben bistro", "anna bistro"]
    stream_all(monkeypatch)
    assert [row["name"] for row in body_of(api.get("/x/"))] == ["ben bistro", "anna bistro"]


@pytest.mark.parametrize("method", ["all", "filter"])
def test_a_queryset_method_that_a_table_overrides_is_called(method, users, mount, monkeypatch):
    """As for tenants, which are known only when the rows are requested."""
    mount(RestaurantViewSet)
    tenant = [users[1].pk]
    api = client_of(users[0])
    api.get("/x/")
    api.get(f"/x/{Restaurant.objects.first().pk}/")
    stock = getattr(RestaurantQuerySet, method)

    def own(self, *args, **kwargs):
        return models.QuerySet.exclude(stock(self, *args, **kwargs), assigned_to__in=tenant)

    ben = Restaurant.objects.get(assigned_to=users[1])
    monkeypatch.setattr(RestaurantQuerySet, method, own, raising=False)
    assert api.get(f"/x/{ben.pk}/").status_code == 404
    if method == "all":
        assert len(body_of(api.get("/x/"))) == 1
    assert api.patch(f"/x/{ben.pk}/", {"city": "Goa"}).status_code == 404


# --- How it is shown --------------------------------------------------------------------------


# --- Other views and tokens -------------------------------------------------------------------


def test_a_read_only_view_of_a_table_answers(users, mount):
    mount(type("View", (ReadingViewSet,), {"queryset": Contact.objects.all(), "serializer_class": ContactShape}))
    for query in ("", "?page_size=5"):
        assert len(body_of(client_of(users[0]).get(f"/x/{query}"))) == 2
    assert client_of(users[0]).get(f"/x/{Contact.objects.first().pk}/").status_code == 200


class ContactShape(ModelSerializer):
    class Meta:
        model = Contact
        fields = ["id", "name"]


def test_the_setting_of_simplejwt_decides_which_tokens_are_valid(user, monkeypatch):
    api = signed_in(user)
    assert api.get("/lead/restaurants/").status_code == 200
    monkeypatch.setattr(api_settings, "AUTH_TOKEN_CLASSES", (SlidingToken,))
    assert api.get("/lead/restaurants/").status_code == 401


def test_a_claim_that_a_view_sets_is_gone_with_the_request(user, mount, monkeypatch):
    seen = []

    class Noting(RestaurantViewSet):
        def list(self, request, *args, **kwargs):
            seen.append(request.auth.get("noted"))
            request.auth["noted"] = True
            return super().list(request, *args, **kwargs)

    api = signed_in(user)
    mount(Noting)
    for _ in range(2):
        assert api.get("/x/").status_code == 200
    assert seen == [None, None]
