"""The kit's own reads by SQL that is made once: a row, a row to be written, a list.

They are taken only where nothing but the kit says what is read: for a view with none of these hooks of its own, a
policy that shows everything, and permissions that do not look at the row. Each answers None where others have a say.
"""

from datetime import UTC, datetime
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.http.response import HttpResponseBase
from rest_framework.permissions import BasePermission

from crm.fast import is_on
from crm.fast.columns import array, columns, is_plain
from crm.fast.compiled import ID, Compiled, locked_row
from crm.filtering import Asked, IdFilter, InstantFilter, declared_by, is_declarative
from crm.lists import WINDOW, whole_list
from crm.models import StampedQuerySet
from crm.overrides import FIND, SHOW
from crm.rendering import Ready

COMPARED = {"exact", "gt", "gte", "lt", "lte"}
SHOWS_EVERYTHING = StampedQuerySet.visible_to
LOOKS_AT_NO_ROW = BasePermission.has_object_permission


def is_open(view) -> bool:
    """Whether only the kit decides what is read."""
    looks_at_rows = any(type(each).has_object_permission is not LOOKS_AT_NO_ROW for each in view.get_permissions())
    is_everything = getattr(type(view.queryset), "visible_to", None) is SHOWS_EVERYTHING and not looks_at_rows
    is_kits = is_on("reads") and view.has_kits_hooks(FIND) and view.has_kits_hooks(SHOW)
    return is_kits and is_everything and view.queryset.db == DEFAULT_DB_ALIAS and is_plain(view.queryset)


def locked(view) -> Any:
    """The row of the path, locked and then read."""
    rows = locked_row(view.queryset)(pk=int(view.kwargs["pk"])) if is_open(view) else []
    return rows[0] if len(rows) == 1 else None


def retrieved(view) -> HttpResponseBase | None:
    """The answer to GET of a row; also None where there is none."""
    if not is_open(view) or not (shown := columns(view)):
        return None
    rows = row_shown(view.queryset, tuple(shown.values()))(pk=int(view.kwargs["pk"]))
    return Ready(array(rows, shown)[1:-1]) if len(rows) == 1 else None


def listed(view) -> HttpResponseBase | None:
    """The answer to GET of a whole list whose SQL does not depend on the values that are asked for."""
    if not is_open(view) or not (shown := columns(view)) or view.paginator.is_asked(view.request):
        return None
    asked, declared = Asked.read(view.request, view), declared_by(view)
    samples = tuple(
        (name, ID - 1 - place if type(declared[name]) is IdFilter else datetime(2198, 1, 1 + place, tzinfo=UTC))
        for place, name in enumerate(asked.filters)
        if type(declared[name]) in (IdFilter, InstantFilter) and declared[name].lookup_expr in COMPARED
    )
    if asked.words or len(samples) < len(asked.filters) or not is_declarative(view.filterset_class):
        return None
    rows = rows_asked(view.queryset, tuple(shown.values()), view.filterset_class, samples, asked.order)
    again = lambda: asked.of(view.queryset.all(), view).values_list(*shown.values())  # noqa: E731
    return whole_list(partial(rows, **asked.filters), again, partial(array, shown=shown))


def list_of(view, queryset: Any) -> HttpResponseBase | None:
    """The answer with the rows of a queryset that hooks have made: all of them, or the page that is asked for."""
    if not view.has_kits_hooks(SHOW) or not (shown := columns(view)) or not is_plain(queryset):
        return None
    rows = queryset.values_list(*shown.values())
    if (page := view.paginate_queryset(rows)) is not None:
        return Ready(array(page, shown), headers=view.paginator.headers)
    return whole_list(lambda: list(rows[:WINDOW]), lambda: rows, partial(array, shown=shown))


@lru_cache(maxsize=100)
def row_shown(queryset: Any, names: tuple[str, ...]) -> Compiled:
    return Compiled(lambda pk: queryset.filter(pk=pk).order_by().values_list(*names), {"pk": ID})


@lru_cache(maxsize=200)
def rows_asked(queryset: Any, names: tuple[str, ...], filters: type, samples: tuple, order: tuple) -> Compiled:
    rows, view = queryset.values_list(*names), SimpleNamespace(filterset_class=filters)
    return Compiled(lambda **given: Asked(given, order=order).of(rows, view)[:WINDOW], dict(samples), is_long=True)
