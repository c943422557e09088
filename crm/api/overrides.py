"""Overridden hooks: whether only the kit decides what a view finds and shows, so that crm.fast may be used."""

from django.db import DEFAULT_DB_ALIAS
from django.db.models import QuerySet
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from crm.api.renderers import JSONRenderer
from crm.db.models import TimestampedQuerySet

SHOW: tuple[str, ...] = ("get_serializer", "serialize_to_json", "serialized_response")
SHOW += ("pagination_class", "paginator", "paginate_queryset", "get_paginated_response")
FIND: tuple[str, ...] = ("get_queryset", "filter_queryset", "filter_backends", "get_object", "list_of")
FIND += ("lookup_field", "lookup_url_kwarg", "lookup_value_regex", "get_permissions", "check_object_permissions")

SHOWS_EVERYTHING = TimestampedQuerySet.visible_to  # as it is before an override


def definitions(view_class: type, names: tuple[str, ...]) -> list:
    """All that there is of them: what the kit calls by `super()` may be a mixin's."""
    return [vars(each)[name] for each in view_class.__mro__ for name in names if name in vars(each)]


class StockHooksMixin:
    """For views. `stock_hooks` are the definitions as they are before anybody overrides them."""

    stock_hooks: dict[tuple[str, ...], list]
    queryset: QuerySet
    request: Request

    @classmethod
    def record_hooks(cls) -> None:
        cls.stock_hooks = {names: definitions(cls, names) for names in (SHOW, FIND)}

    def has_stock_hooks(self, names: tuple[str, ...]) -> bool:
        return definitions(type(self), names) == self.stock_hooks[names] and vars(self).keys().isdisjoint(names)

    def finds_as_stock(self) -> bool:
        """Whether a row is found by its id alone: a policy that shows everything, permissions that look at no row."""
        permissions = self.get_permissions()  # type: ignore[attr-defined]
        looks_at_rows = any(
            type(each).has_object_permission is not BasePermission.has_object_permission for each in permissions
        )
        shows_everything = getattr(type(self.queryset), "visible_to", None) is SHOWS_EVERYTHING
        is_ours = self.has_stock_hooks(FIND) and self.has_stock_hooks(SHOW) and shows_everything
        return is_ours and not looks_at_rows and self.queryset.db == DEFAULT_DB_ALIAS

    def shows_as_stock(self) -> bool:
        """Whether the answer is the serializer's data in JSON."""
        return self.has_stock_hooks(SHOW) and type(self.request.accepted_renderer) is JSONRenderer  # type: ignore[attr-defined]
