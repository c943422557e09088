"""A view's reads by SQL that is compiled once: a row, a row to be written, a list.

They are used only where the view says that nothing but the kit decides what is read (`finds_as_stock`,
`shows_as_stock`; crm.api.overrides). Otherwise each returns None. Rows are tuples, of columns with the `keys`.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any, NamedTuple

from crm.fast import is_on
from crm.fast.columns import columns, is_plain
from crm.fast.compiled import ID, CompiledQuery, locked_row


class Found(NamedTuple):
    keys: tuple[str, ...]
    window: Callable[[], list[tuple]]  # all rows of a short list, so many of a long one
    rows: Callable[[], Any]  # a queryset of all


def is_usual(view) -> bool:
    """Whether only the kit decides what is read, beside the policy."""
    return is_on("reads") and view.finds_as_stock() and is_plain(view.queryset)


def is_open(view) -> bool:
    """Whether the policy shows everything, too."""
    return is_usual(view) and view.shows_every_row()


def locked(view) -> Any:
    """The row of the path, locked and then read."""
    rows = locked_row(view.queryset)(pk=int(view.kwargs["pk"])) if is_open(view) else []
    return rows[0] if len(rows) == 1 else None


def retrieved(view) -> dict[str, Any] | None:
    """The body of GET of a row; also None where there is none, or none that the user sees."""
    if not is_usual(view):
        return None
    by_owner = view.check_of_owner()
    if not (by_owner or view.shows_every_row()) or not (shown := columns(view)):
        return None
    owner = by_owner[:1] if by_owner else ()
    rows = compiled_row(view.queryset, (*shown.values(), *owner))(pk=int(view.kwargs["pk"]))
    if len(rows) != 1 or (by_owner and not by_owner[1](rows[0][-1])):
        return None
    return dict(zip(shown, rows[0], strict=not by_owner))


def listed(view, window: int) -> Found | None:
    """A whole list whose SQL does not depend on the values of its filters."""
    if not is_open(view) or not (shown := columns(view)) or view.paginator.is_requested(view.request):
        return None
    query = view.list_query()
    if (kinds := query.compared(view)) is None:
        return None
    placeholders = tuple(
        (name, ID - 1 - place if kind is int else stamp(place)) for place, (name, kind) in enumerate(kinds)
    )
    names = tuple(shown.values())
    rows = compiled_list(query.__class__, view.queryset, names, view.filterset_class, placeholders, query.order, window)
    everything = lambda: query.of(view.queryset.all(), view).values_list(*names)  # noqa: E731
    return Found(tuple(shown), partial(rows, **query.filters), everything)


def list_of(view, queryset: Any, window: int) -> Found | None:
    """The rows of a queryset that hooks have made."""
    if not (shown := columns(view)) or not is_plain(queryset):
        return None
    rows = queryset.values_list(*shown.values())
    return Found(tuple(shown), lambda: list(rows[:window]), lambda: rows)


def stamp(place: int) -> datetime:
    return datetime(2198, 1, 1 + place, tzinfo=UTC)


@lru_cache(maxsize=100)
def compiled_row(queryset: Any, names: tuple[str, ...]) -> CompiledQuery:
    return CompiledQuery(lambda pk: queryset.filter(pk=pk).order_by().values_list(*names), {"pk": ID})


@lru_cache(maxsize=200)
def compiled_list(
    query: Any, queryset: Any, names: tuple[str, ...], filters: type, placeholders: tuple, order: tuple, window: int
) -> CompiledQuery:
    rows, view = queryset.values_list(*names), SimpleNamespace(filterset_class=filters)
    return CompiledQuery(
        lambda **given: query(given, order=order).of(rows, view)[:window], dict(placeholders), is_long=True
    )
