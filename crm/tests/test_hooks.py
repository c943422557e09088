"""DRF's hooks decide which rows are found, in every list, row, write and verb; fast or not, for two users."""

from functools import wraps
from unittest.mock import Mock

import pytest
from django.http import Http404
from rest_framework.filters import BaseFilterBackend
from rest_framework.permissions import BasePermission
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.viewsets import GenericViewSet

from crm.api.filters import ListQueryBackend
from crm.api.permissions import ActiveUserMayEdit
from crm.db.models import TimestampedQuerySet
from crm.tests.support import (
    RESOURCES,
    apply_hooks,
    body_of,
    both_ways,
    client_of,
    everywhere,
    rows_of_all_tables,
    stream_all,
)
from lead.models import OfLeadQuerySet, Restaurant, RestaurantQuerySet, Team

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fast")]


def get_queryset(resource):
    view = resource.view

    def get_queryset(self):
        return resource.mine(super(view, self).get_queryset(), self.request.user)

    return {"get_queryset": get_queryset}


def filter_queryset(resource):
    view = resource.view

    def filter_queryset(self, queryset):
        return resource.mine(super(view, self).filter_queryset(queryset), self.request.user)

    return {"filter_queryset": filter_queryset}


def filter_backend(resource):
    class Mine(BaseFilterBackend):
        def filter_queryset(self, request, queryset, view):
            return resource.mine(queryset, request.user)

    return {"filter_backends": [ListQueryBackend, Mine]}


NARROW = {"get_queryset": get_queryset, "filter_queryset": filter_queryset, "filter_backends": filter_backend}


def assert_shows_only_own_rows(resource, users, monkeypatch, rows_too=True, lists_too=True):
    """Of each user in turn, twice: another's row is not found and stays, one's own is there and can be written."""
    for user, other in [users, users[::-1], users]:
        api = client_of(user)
        own = set(resource.model.objects.filter(**{resource.owner: user}).values_list("pk", flat=True))
        for path in resource.lists if lists_too else []:
            for query in ("", "?page_size=100", "?ordering=-id"):
                shown = {row["id"] for row in body_of(api.get(f"/x/{path}{query}"))}
                assert shown and shown <= own, (path, query)
        if not rows_too:
            continue
        row, strange, before = resource.row_of(user), resource.row_of(other), rows_of_all_tables()
        for path in resource.reads:
            assert api.get(f"/x/{row.pk}/{path}").status_code == 200, path
            assert api.get(f"/x/{strange.pk}/{path}").status_code == 404, path
        for method, path, body in resource.all_writes(strange):
            assert getattr(api, method)(f"/x/{strange.pk}/{path}", body).status_code == 404, (method, path)
        assert rows_of_all_tables() == before
        assert api.patch(f"/x/{row.pk}/", resource.writes[0][2]).status_code == 200
    if lists_too:
        with monkeypatch.context() as patch:
            stream_all(patch)
            for user in users:
                more = resource.row_of(user)
                more.pk = None
                more._state.adding = True
                if resource.view is RESOURCES["interactions"].view:
                    more.order_placed = True
                more.save()
                shown = {row["id"] for row in body_of(client_of(user).get("/x/"))}
                assert shown == set(
                    resource.model.objects.filter(**{resource.owner: user}).values_list("pk", flat=True)
                )
        assert client_of(users[0]).get("/x/?page_size=1&page=99").status_code == 200


@everywhere
@both_ways
@pytest.mark.parametrize("hook", NARROW)
def test_a_view_with_a_narrowing_hook_shows_and_writes_only_those_rows(name, way, hook, users, mount, monkeypatch):
    resource = RESOURCES[name]
    apply_hooks(way, NARROW[hook](resource), resource, mount, monkeypatch, users)
    assert_shows_only_own_rows(resource, users, monkeypatch)


@everywhere
@both_ways
def test_an_override_of_get_object_decides_which_row_is_found(name, way, users, mount, monkeypatch):
    resource = RESOURCES[name]
    view = resource.view

    def get_object(self):
        found = super(view, self).get_object()
        if not resource.mine(resource.model.objects.filter(pk=found.pk), self.request.user).exists():
            raise Http404
        return found

    apply_hooks(way, {"get_object": get_object}, resource, mount, monkeypatch, users)
    assert_shows_only_own_rows(resource, users, monkeypatch, lists_too=False)


@pytest.fixture(params=["all", "team"])
def colleagues(request, users, settings):
    """The users, who see each other's rows, unless a hook says otherwise."""
    settings.ACCESS = request.param
    Team.establish(name="North", members=[user.pk for user in users])
    return users


@everywhere
def test_a_visible_to_of_all_tables_is_called_on_every_request(name, colleagues, mount, monkeypatch):
    resource, users = RESOURCES[name], colleagues
    apply_hooks("patched", {}, resource, mount, monkeypatch, users)

    def visible_to(self, user):
        assert user.username in ("anna", "ben")
        return resource.mine(self, user) if user.is_active else self.none()

    monkeypatch.setattr(TimestampedQuerySet, "visible_to", visible_to)
    assert_shows_only_own_rows(resource, users, monkeypatch)


def test_a_visible_to_of_one_table_is_called_on_every_request(colleagues, mount, monkeypatch):
    resource, users = RESOURCES["restaurants"], colleagues
    apply_hooks("patched", {}, resource, mount, monkeypatch, users)
    monkeypatch.setattr(RestaurantQuerySet, "visible_to", lambda self, user: resource.mine(self, user), raising=False)
    assert_shows_only_own_rows(resource, users, monkeypatch)


def test_a_wrapped_or_mocked_visible_to_decides(colleagues, mount, monkeypatch):
    resource, users = RESOURCES["restaurants"], colleagues
    apply_hooks("patched", {}, resource, mount, monkeypatch, users)
    stock = OfLeadQuerySet.visible_to

    @wraps(stock)
    def visible_to(self, user):
        return resource.mine(stock(self, user), user)

    monkeypatch.setattr(OfLeadQuerySet, "visible_to", visible_to)
    assert_shows_only_own_rows(resource, users, monkeypatch)
    monkeypatch.setattr(OfLeadQuerySet, "visible_to", Mock(return_value=Restaurant.objects.none()))
    assert client_of(users[0]).get(f"/x/{resource.row_of(users[0]).pk}/").status_code == 404


@everywhere
@pytest.mark.parametrize("hook", ["get_queryset", "get_object", "filter_queryset"])
def test_a_hook_of_a_mixin_on_the_right_is_called(name, hook, users, mount, monkeypatch):
    resource = RESOURCES[name]

    class Mine(GenericViewSet):
        pass

    def get_queryset(self):
        return resource.mine(super(Mine, self).get_queryset(), self.request.user)

    def filter_queryset(self, queryset):
        return resource.mine(super(Mine, self).filter_queryset(queryset), self.request.user)

    def get_object(self):
        found = super(Mine, self).get_object()
        if not resource.mine(resource.model.objects.filter(pk=found.pk), self.request.user).exists():
            raise Http404
        return found

    setattr(Mine, hook, locals()[hook])
    mount(type("View", (resource.view, Mine), {}))
    assert_shows_only_own_rows(resource, users, monkeypatch, lists_too=hook != "get_object")


def test_a_hook_given_to_as_view_is_called(users):
    anna, ben = map(RESOURCES["restaurants"].row_of, users)
    view = RESOURCES["restaurants"].view
    hook = {"get_queryset": lambda: Restaurant.objects.filter(pk=anna.pk)}
    request = APIRequestFactory().get("/")
    force_authenticate(request, users[0])
    listed = view.as_view({"get": "list"}, detail=False, **hook)(request)
    assert [row["id"] for row in listed.data] == [anna.pk]
    assert view.as_view({"get": "retrieve"}, detail=True, **hook)(request, pk=ben.pk).status_code == 404


# --- Permissions ------------------------------------------------------------------------------


class OwnersOnly(BasePermission):
    def has_object_permission(self, request, view, obj):
        owner = obj
        for part in next(r for r in RESOURCES.values() if r.model is type(obj)).owner.split("__"):
            owner = getattr(owner, part)
        return owner == request.user


def by_classes(view):
    return {"permission_classes": [ActiveUserMayEdit, OwnersOnly]}


def by_composed_classes(view):
    return {"permission_classes": [ActiveUserMayEdit & OwnersOnly]}


def by_get_permissions(view):
    return {"get_permissions": lambda self: [ActiveUserMayEdit(), OwnersOnly()]}


def by_check(view):
    def check_object_permissions(self, request, obj):
        super(view, self).check_object_permissions(request, obj)
        if not OwnersOnly().has_object_permission(request, self, obj):
            self.permission_denied(request)

    return {"check_object_permissions": check_object_permissions}


@everywhere
@both_ways
@pytest.mark.parametrize("hooks", [by_classes, by_composed_classes, by_get_permissions, by_check])
def test_a_user_without_permission_for_a_row_is_refused_and_it_stays(name, way, hooks, users, mount, monkeypatch):
    resource = RESOURCES[name]
    apply_hooks(way, hooks(resource.view), resource, mount, monkeypatch, users)
    for user, other in [users, users[::-1]]:
        row, strange, before = resource.row_of(user), resource.row_of(other), rows_of_all_tables()
        api = client_of(user)
        for path in resource.reads:
            assert api.get(f"/x/{row.pk}/{path}").status_code == 200, path
            assert api.get(f"/x/{strange.pk}/{path}").status_code == 403, path
        for method, path, body in resource.all_writes(strange):
            assert getattr(api, method)(f"/x/{strange.pk}/{path}", body).status_code == 403, (method, path)
        assert rows_of_all_tables() == before
        assert api.patch(f"/x/{row.pk}/", resource.writes[0][2]).status_code == 200
        assert api.get(f"/x/{2**40}/").status_code == 404


def test_a_permission_class_that_is_patched_later_is_used(users, mount, monkeypatch):
    resource = RESOURCES["restaurants"]
    apply_hooks("patched", {}, resource, mount, monkeypatch, users)
    monkeypatch.setattr(ActiveUserMayEdit, "has_object_permission", OwnersOnly.has_object_permission)
    strange = resource.row_of(users[1])
    assert client_of(users[0]).get(f"/x/{strange.pk}/").status_code == 403
    assert client_of(users[1]).get(f"/x/{strange.pk}/").status_code == 200


@everywhere
def test_an_anonymous_request_is_a_401_everywhere(name, users, mount):
    resource = RESOURCES[name]
    mount(resource.view)
    row, before, api = resource.row_of(users[0]), rows_of_all_tables(), client_of()
    for path in [*resource.lists, *(f"{row.pk}/{path}" for path in resource.reads)]:
        assert api.get(f"/x/{path}").status_code == 401, path
    for method, path, body in resource.all_writes(row):
        assert getattr(api, method)(f"/x/{row.pk}/{path}", body).status_code == 401, (method, path)
    assert rows_of_all_tables() == before


@everywhere
def test_without_hooks_every_write_and_verb_works_on_a_colleagues_row(name, users, mount):
    resource = RESOURCES[name]
    mount(resource.view)
    row = resource.row_of(users[1])
    for method, path, body in resource.all_writes(row):
        answer = getattr(client_of(users[0]), method)(f"/x/{row.pk}/{path}", body)
        assert answer.status_code in (200, 201, 204), (method, path, answer.content)
    assert not resource.model.objects.filter(pk=row.pk).exists()
