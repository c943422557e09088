"""Pages of a list: still a bare array, with RFC 8288 links and the total in headers.

Without `page`, `page_size` and `cursor` a list is complete. `first`, `prev` and `last` count rows; `next` leads on by
key (crm.api.keyset), where the list has one.
"""

from urllib.parse import urlencode

from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.response import Response

from crm.api.keyset import InvalidCursor, keyset_of

DEFAULT_SIZE = 100
MAX_SIZE = 1_000
PAGE_PARAMETERS = ("page", "page_size", "cursor", "count")
MAX_OFFSET = 2**53


class Pagination(BasePagination):
    """`page` (from 1) and `page_size`; `count=0` leaves the total out, and with it `last`.

    With a `cursor`, which only a link `next` gives, the page begins after the row that it names. `page` is then the
    number that the page had when that link was made: it decides nothing, and the page's other links count from it.
    """

    parameters = ("Page", "PageSize", "Cursor", "Count")  # components of the OpenAPI description
    links = ("Link", "X-Total-Count")

    headers: dict[str, str]

    def is_requested(self, request) -> bool:
        return has_any(request, "page", "page_size", "cursor")

    def paginate_queryset(self, queryset, request, view=None) -> list | None:
        """The rows of the page; None where the whole list is requested.

        Raises DRF's ValidationError (400) for invalid numbers and cursors.
        """
        if not self.is_requested(request):
            return None
        self.request = request
        self.number = _number(request, "page", 1, maximum=None)
        self.size = _number(request, "page_size", DEFAULT_SIZE, maximum=MAX_SIZE)
        count, cursor = (request.query_params.get(name, "").strip() for name in ("count", "cursor"))
        if count not in ("", "0", "1"):
            raise ValidationError({"count": ["Enter 0 or 1."]})
        offset = 0 if cursor else (self.number - 1) * self.size
        rows: list = []
        more, following = False, ""
        if offset <= MAX_OFFSET:
            rows, more, following = self.window(queryset, cursor, offset)
        self.headers = self.headers_of(queryset, more, following, counted=count != "0")
        return rows

    def window(self, queryset, cursor: str, offset: int) -> tuple[list, bool, str]:
        """The page's rows, whether there are more, and the cursor of those. Raises ValidationError."""
        keyset = keyset_of(queryset)
        try:
            if keyset:
                return keyset.window(cursor, offset, self.size)
            if cursor:
                raise InvalidCursor
        except InvalidCursor:
            message = "Use the cursor of a link to the next page of this list, in the same order."
            raise ValidationError({"cursor": [message]}) from None
        rows = list(queryset[offset : offset + self.size + 1])
        return rows[: self.size], len(rows) > self.size, ""

    def get_paginated_response(self, data) -> Response:
        return Response(data, headers=self.headers)

    def headers_of(self, queryset, more: bool, following: str, counted: bool) -> dict[str, str]:
        """`Link` (first, prev, next, last) and `X-Total-Count`; without a count, neither `last` nor the total."""
        links = {"first": self.url(1)}
        headers = {}
        last = None
        if counted:
            total = queryset.order_by().count() if isinstance(queryset, QuerySet) else len(queryset)
            headers["X-Total-Count"] = str(total)
            last = max(1, -(-total // self.size))
        if self.number > 1:
            links["prev"] = self.url(min(self.number - 1, last) if last else self.number - 1)
        if more:
            links["next"] = self.url(self.number + 1, following)
        if last:
            links["last"] = self.url(last)
        headers["Link"] = ", ".join(f'<{url}>; rel="{rel}"' for rel, url in links.items())
        return headers

    def url(self, number: int, cursor: str = "") -> str:
        return page_url(self.request, page=number, page_size=self.size, cursor=cursor)


class KeysetPagination(BasePagination):
    """`page_size`, and the `cursor` of the `next` link: pages by position, for a list that no one query reads."""

    parameters = ("Cursor", "PageSize")
    links = ("Link",)

    def is_requested(self, request) -> bool:
        return has_any(request, "cursor", "page_size")

    def position(self, request) -> tuple[str, int]:
        """The cursor, "" for the first page, and the size. Raises DRF's ValidationError (400) for an invalid size."""
        size = _number(request, "page_size", DEFAULT_SIZE, maximum=MAX_SIZE)
        return request.query_params.get("cursor", "").strip(), size

    def headers_of(self, request, following: object, size: int) -> dict[str, str]:
        """`Link` with the next page, where there is one."""
        if following is None:
            return {}
        return {"Link": f'<{page_url(request, cursor=following, page_size=size)}>; rel="next"'}


def has_any(request, *names: str) -> bool:
    """Whether the query string has one of the parameters."""
    return any(request.query_params.get(name, "").strip() for name in names)


def page_url(request, **parameters: object) -> str:
    """The request's address with these parameters; those that are empty are left out."""
    query = request.query_params.copy()
    for name, value in parameters.items():
        if value:
            query[name] = str(value)
        else:
            query.pop(name, None)
    return request.build_absolute_uri(f"{request.path}?{urlencode(list(query.lists()), doseq=True)}")


def _number(request, name: str, default: int, maximum: int | None) -> int:
    raw = request.query_params.get(name, "").strip()
    if not raw:
        return default
    if not (raw.isascii() and raw.isdigit() and len(raw) < 20) or int(raw) < 1 or (maximum and int(raw) > maximum):
        upper = f" and at most {maximum:,}" if maximum else ""
        raise ValidationError({name: [f"Enter a whole number of at least 1{upper}."]})
    return int(raw)
