"""What a session remembers of signing in: between password and code, the user; after it, the device of the code.

A session ends where its account has another device since.
"""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from backoffice.accounts.backends import StaffBackend
from crm import dates

DEVICE = "second_factor"  # session key: id of the device that the session was opened with
PENDING = "pending_user"  # session key: user id, digest of the password and timestamp, once the password was right
CODE_TIMEOUT = 10 * 60  # seconds from the password to the code
WITHOUT_DEVICE = {"admin:second_factor", "admin:logout"}  # views open to users who still need a second factor


def store_pending_user(request: HttpRequest, user: Any) -> None:
    """In a new session, so that nothing of the one before is left."""
    request.session.flush()
    request.session[PENDING] = [user.pk, user.get_session_auth_hash(), dates.now().timestamp()]


def get_pending_user(request: HttpRequest) -> Any:
    """The user whose password was right within CODE_TIMEOUT and whose code is missing, or None."""
    pk, password, since = request.session.get(PENDING, (None, "", 0))
    user = StaffBackend().get_user(pk) if dates.now().timestamp() < since + CODE_TIMEOUT else None
    return user if user and constant_time_compare(password, user.get_session_auth_hash()) else None


def matches_device(request: HttpRequest) -> bool:
    """Whether the session was opened with the device that its account has now, if any."""
    device = getattr(request.user, "second_factor", None)
    return device is None or request.session.get(DEVICE) == device


def needs_device(request: Any) -> bool:
    """Whether the page is closed to users without a second factor, and this user has none."""
    has_device = getattr(request.user, "second_factor", None) is not None
    return settings.REQUIRE_SECOND_FACTOR and not has_device and request.resolver_match.view_name not in WITHOUT_DEVICE


def redirect_with_next(name: str, url: str) -> HttpResponseRedirect:
    return redirect(f"{reverse(name)}?{urlencode({REDIRECT_FIELD_NAME: url})}" if url else name)
