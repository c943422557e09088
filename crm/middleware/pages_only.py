"""Language, session, authentication and message middleware for the admin only; API requests skip them."""

from functools import partial

from django.contrib.auth import get_user
from django.contrib.auth.middleware import AuthenticationMiddleware as Authentication
from django.contrib.messages.middleware import MessageMiddleware as Messages
from django.contrib.sessions.middleware import SessionMiddleware as Sessions
from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware as Locale
from django.utils import translation
from django.utils.functional import SimpleLazyObject

PAGES = "/admin/"


class PagesOnlyMixin:
    """Applies a middleware of Django's to the pages only."""

    def __call__(self, request: HttpRequest):
        if request.path_info.startswith(PAGES):
            return super().__call__(request)  # type: ignore[misc]
        return self.get_response(request)  # type: ignore[attr-defined]


class LocaleMiddleware(PagesOnlyMixin, Locale):
    """A page is in the browser's language. All else is as its documentation: in English, whatever LANGUAGE_CODE is."""

    def __call__(self, request: HttpRequest):
        translation.deactivate_all()  # what this thread's request before left active
        return super().__call__(request)


class SessionMiddleware(PagesOnlyMixin, Sessions):
    pass


class AuthenticationMiddleware(PagesOnlyMixin, Authentication):
    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(partial(load_user, request))  # type: ignore[assignment]


def load_user(request: HttpRequest):
    """The session's user, noted on the request for the access log once it is loaded."""
    request.loaded_user = get_user(request)  # type: ignore[attr-defined]
    return request.loaded_user  # type: ignore[attr-defined]


class MessageMiddleware(PagesOnlyMixin, Messages):
    pass
