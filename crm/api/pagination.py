"""Pages of a list: still a bare array, with RFC 8288 links and the total in headers.

Without `page` and `page_size` a list is complete.
"""

from urllib.parse import urlencode

from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.response import Response

DEFAULT_SIZE = 100
MAX_SIZE = 1_000
PAGE_PARAMETERS = ("page", "page_size", "count")
MAX_OFFSET = 2**53


class Pagination(BasePagination):
    """`page` (from 1) and `page_size`; `count=0` leaves the total out, and with it `last`."""

    parameters = ("Page", "PageSize", "Count")  # components of the OpenAPI description
    links = ("Link", "X-Total-Count")

    headers: dict[str, str]

    def is_requested(self, request) -> bool:
        return any(request.query_params.get(name, "").strip() for name in ("page", "page_size"))

    def paginate_queryset(self, queryset, request, view=None) -> list | None:
        """The rows of the page; None where the whole list is requested.

        Raises DRF's ValidationError (400) for invalid numbers.
        """
        if not self.is_requested(request):
            return None
        self.request = request
        self.number = _number(request, "page", 1, maximum=None)
        self.size = _number(request, "page_size", DEFAULT_SIZE, maximum=MAX_SIZE)
        count = request.query_params.get("count", "").strip()
        if count not in ("", "0", "1"):
            raise ValidationError({"count": ["Enter 0 or 1."]})
        offset = (self.number - 1) * self.size
        # One more than the page, to know whether there is a next one.
        rows = [] if offset > MAX_OFFSET else list(queryset[offset : offset + self.size + 1])
        self.headers = self.headers_of(queryset, more=len(rows) > self.size, counted=count != "0")
        return rows[: self.size]

    def get_paginated_response(self, data) -> Response:
        return Response(data, headers=self.headers)

    def headers_of(self, queryset, more: bool, counted: bool) -> dict[str, str]:
        """`Link` (first, prev, next, last) and `X-Total-Count`; without a count, neither `last` nor the total."""
        links = {"first": 1}
        headers = {}
        last = None
        if counted:
            total = queryset.order_by().count() if isinstance(queryset, QuerySet) else len(queryset)
            headers["X-Total-Count"] = str(total)
            last = max(1, -(-total // self.size))
        if self.number > 1:
            links["prev"] = min(self.number - 1, last) if last else self.number - 1
        if more:
            links["next"] = self.number + 1
        if last:
            links["last"] = last
        headers["Link"] = ", ".join(f'<{self.url(number)}>; rel="{rel}"' for rel, number in links.items())
        return headers

    def url(self, number: int) -> str:
        query = self.request.query_params.copy()
        query["page"], query["page_size"] = str(number), str(self.size)
        return self.request.build_absolute_uri(f"{self.request.path}?{urlencode(list(query.lists()), doseq=True)}")


class KeysetPagination(BasePagination):
    """`page_size`, and the `cursor` of the `next` link: pages by position, for a list that no one query reads."""

    parameters = ("Cursor", "PageSize")
    links = ("Link",)

    def is_requested(self, request) -> bool:
        return any(request.query_params.get(name, "").strip() for name in ("cursor", "page_size"))

    def position(self, request) -> tuple[str, int]:
        """The cursor, "" for the first page, and the size. Raises DRF's ValidationError (400) for an invalid size."""
        size = _number(request, "page_size", DEFAULT_SIZE, maximum=MAX_SIZE)
        return request.query_params.get("cursor", "").strip(), size

    def headers_of(self, request, following: object, size: int) -> dict[str, str]:
        """`Link` with the next page, where there is one."""
        if following is None:
            return {}
        query = request.query_params.copy()
        query["cursor"], query["page_size"] = str(following), str(size)
        url = request.build_absolute_uri(f"{request.path}?{urlencode(list(query.lists()), doseq=True)}")
        return {"Link": f'<{url}>; rel="next"'}


def _number(request, name: str, default: int, maximum: int | None) -> int:
    raw = request.query_params.get(name, "").strip()
    if not raw:
        return default
    if not (raw.isascii() and raw.isdigit() and len(raw) < 20) or int(raw) < 1 or (maximum and int(raw) > maximum):
        upper = f" and at most {maximum:,}" if maximum else ""
        raise ValidationError({name: [f"Enter a whole number of at least 1{upper}."]})
    return int(raw)
