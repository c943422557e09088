"""Overridden hooks: whether only the kit decides what a view finds and shows, so that crm.fast may be used."""

from collections.abc import Callable
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import QuerySet
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from crm.api.filters import ListQueryBackend
from crm.api.renderers import JSONRenderer

PAGE = ("pagination_class", "paginator", "paginate_queryset", "get_paginated_response")
SHOW = ("get_serializer", "serialize_to_json", "serialized_response", *PAGE)
LOOKUP = ("lookup_field", "lookup_url_kwarg", "lookup_value_regex", "get_permissions", "check_object_permissions")
FIND = ("get_queryset", "filter_queryset", "filter_backends", "get_object", "list_of", *LOOKUP)


def definitions(view_class: type, names: tuple[str, ...]) -> list:
    """Every definition of these names in the MRO, since `super()` may resolve to a mixin."""
    return [vars(each)[name] for each in view_class.__mro__ for name in names if name in vars(each)]


class StockHooksMixin:
    """For views. `stock_hooks` are the kit's own definitions, with which crm.fast must agree."""

    stock_hooks: dict[tuple[str, ...], list]
    queryset: QuerySet | None
    request: Request

    @classmethod
    def record_hooks(cls) -> None:
        cls.stock_hooks = {names: definitions(cls, names) for names in (SHOW, FIND)}

    def has_stock_hooks(self, names: tuple[str, ...]) -> bool:
        return definitions(type(self), names) == self.stock_hooks[names] and vars(self).keys().isdisjoint(names)

    def finds_as_stock(self) -> bool:
        """Whether nothing but the policy and a row's id decides which is found: permissions look at no row."""
        permissions = self.get_permissions()  # type: ignore[attr-defined]
        looks_at_rows = any(
            type(each).has_object_permission is not BasePermission.has_object_permission for each in permissions
        )
        is_ours = self.has_stock_hooks(FIND) and self.has_stock_hooks(SHOW) and not looks_at_rows
        backends = list(self.filter_backends)  # type: ignore[attr-defined]
        return is_ours and backends == [ListQueryBackend]

    def check_of_owner(self) -> tuple[str, Callable[[int | None], bool]] | None:
        """The path to a row's owner, and whether rows of an owner are seen: where that is all that the policy says."""
        if self.queryset is None or self.queryset.db != DEFAULT_DB_ALIAS:
            return None
        rows: Any = self.queryset.all()
        check = getattr(rows, "check_of_owner", None)
        sees = check and check(self.request.user)
        return (rows.model.owner_path, sees) if sees else None

    def shows_every_row(self) -> bool:
        """Whether the policy leaves the queryset alone for this user; it is consulted on every request."""
        if self.queryset is None:  # a view may have get_queryset alone
            return False
        rows = self.queryset.all()
        visible_to = getattr(rows, "visible_to", None)
        return visible_to is not None and visible_to(self.request.user) is rows and rows.db == DEFAULT_DB_ALIAS

    def shows_as_stock(self) -> bool:
        """Whether the answer is the serializer's data in JSON."""
        return self.has_stock_hooks(SHOW) and type(self.request.accepted_renderer) is JSONRenderer  # type: ignore[attr-defined]
