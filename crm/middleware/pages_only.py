"""What only pages in a browser need, sessions and their like: requests of the API pass it by."""

from functools import partial

from django.contrib.auth import get_user
from django.contrib.auth.middleware import AuthenticationMiddleware as Authentication
from django.contrib.messages.middleware import MessageMiddleware as Messages
from django.contrib.sessions.middleware import SessionMiddleware as Sessions
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

PAGES = "/admin/"


class PagesOnlyMixin:
    """Stands before a middleware of Django's and asks it for pages alone."""

    def __call__(self, request: HttpRequest):
        if request.path_info.startswith(PAGES):
            return super().__call__(request)  # type: ignore[misc]
        return self.get_response(request)  # type: ignore[attr-defined]


class SessionMiddleware(PagesOnlyMixin, Sessions):
    pass


class AuthenticationMiddleware(PagesOnlyMixin, Authentication):
    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(partial(user_of, request))  # type: ignore[assignment]


def user_of(request: HttpRequest):
    """The session's user, of whom the access log hears once somebody has asked."""
    request.found_user = get_user(request)  # type: ignore[attr-defined]
    return request.found_user  # type: ignore[attr-defined]


class MessageMiddleware(PagesOnlyMixin, Messages):
    pass
