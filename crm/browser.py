"""What only pages in a browser need, sessions and their like: requests of the API pass it by."""

from django.contrib.auth.middleware import AuthenticationMiddleware as Authentication
from django.contrib.messages.middleware import MessageMiddleware as Messages
from django.contrib.sessions.middleware import SessionMiddleware as Sessions
from django.http import HttpRequest

PAGES = "/admin/"


class ForPages:
    """Stands before a middleware of Django's and asks it for pages alone."""

    def __call__(self, request: HttpRequest):
        if request.path_info.startswith(PAGES):
            return super().__call__(request)  # type: ignore[misc]
        return self.get_response(request)  # type: ignore[attr-defined]


class SessionMiddleware(ForPages, Sessions):
    pass


class AuthenticationMiddleware(ForPages, Authentication):
    pass


class MessageMiddleware(ForPages, Messages):
    pass
