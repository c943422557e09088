"""A clock for the browser tests: a request may say how far ahead of the machine's it is. Only the server of the
end-to-end tests has it (e2e/settings.py).
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse

from crm import dates

AHEAD = "X-Clock-Ahead"  # whole seconds


class ClockMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        seconds = request.headers.get(AHEAD)
        if seconds is None:
            return self.get_response(request)
        with dates.frozen(dates.now() + timedelta(seconds=int(seconds))):
            return self.get_response(request)


def ahead(moment: datetime) -> dict[str, str]:
    """The header with which it is `moment` now."""
    return {AHEAD: str(round((moment - datetime.now(moment.tzinfo)).total_seconds()))}  # noqa: TID251
