"""Pages of a list: still a bare array, with RFC 8288 links and the total in headers.

Without `page` and `page_size` a list is complete.
"""

from urllib.parse import urlencode

from rest_framework.exceptions import ValidationError

DEFAULT_SIZE = 100
MAX_SIZE = 1_000
PAGE_PARAMETERS = ("page", "page_size", "count")
MAX_OFFSET = 2**53


class Page:
    """One page that a request asks for.

    `size` rows from number `number` (from 1). Raises DRF's ValidationError (400) for numbers that make no sense.
    """

    def __init__(self, request) -> None:
        self.request = request
        self.number = _number(request, "page", 1, maximum=None)
        self.size = _number(request, "page_size", DEFAULT_SIZE, maximum=MAX_SIZE)
        count = request.query_params.get("count", "").strip()
        if count not in ("", "0", "1"):
            raise ValidationError({"count": ["Enter 0 or 1."]})
        self.counted = count != "0"

    @staticmethod
    def asked_for(request) -> bool:
        return any(request.query_params.get(name, "").strip() for name in ("page", "page_size"))

    def window(self, queryset):
        """The rows of the page and one more, which tells whether there is a next page."""
        offset = (self.number - 1) * self.size
        return queryset.none() if offset > MAX_OFFSET else queryset[offset : offset + self.size + 1]

    def headers(self, queryset, more: bool) -> dict[str, str]:
        """`Link` (first, prev, next, last) and `X-Total-Count`; without a count, neither `last` nor the total."""
        links = {"first": 1}
        headers = {}
        last = None
        if self.counted:
            total = queryset.order_by().count()
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


def _number(request, name: str, default: int, maximum: int | None) -> int:
    raw = request.query_params.get(name, "").strip()
    if not raw:
        return default
    if not (raw.isascii() and raw.isdigit() and len(raw) < 20) or int(raw) < 1 or (maximum and int(raw) > maximum):
        raise ValidationError({name: [f"Enter a whole number from 1{f' to {maximum:,}' if maximum else ''}."]})
    return int(raw)
