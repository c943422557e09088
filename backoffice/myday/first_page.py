"""Who has My day, whose first page it is, and the way back to it after a session has ended."""

import re
from typing import Any
from urllib.parse import quote, unquote, urlencode

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

FIRST_PAGE_OF = "KAM"
START_PAGE_OF = "Back office"
NEEDS = ["call.view_callplan", "lead.view_restaurant"]
# What of a tap outlives a session: whose and which it was, and what was typed.
WHICH = ["do", "key", "by", "day", "seen", "plan", "lead", "event", "call", "contact", "until", "frequency", "anyway"]
DRAFT = [*WHICH, "note", "reason", "product_details", "quantity", "total_price"]
ROOM = 900  # characters of a text in the address; with a script, the browser holds it as a whole


def has_my_day(user: Any) -> bool:
    return user.has_perms(NEEDS)


def begins_with_my_day(user: Any) -> bool:
    """Whether it is the user's first page: for members of the group KAM who are neither superuser nor Back office."""
    if user.is_superuser or not has_my_day(user):
        return False
    names = set(user.groups.filter(name__in=[FIRST_PAGE_OF, START_PAGE_OF]).values_list("name", flat=True))
    return names == {FIRST_PAGE_OF}


def sign_in_again(request: HttpRequest) -> HttpResponse:
    """To the login page, and from there back with what was typed: in the address, as there is no session to hold it."""
    return redirect_to_login(address_of(request.POST), reverse("admin:login"))


def address_of(tap: Any, *, anyway: bool = False) -> str:
    """Of the page, with the tap that was not done; sent again it is done, with `anyway` whatever has happened since."""
    draft = {name: cut(tap[name]) for name in DRAFT if tap.get(name)} | ({"anyway": "on"} if anyway else {})
    return f"{reverse('admin:my_day')}?{urlencode(draft)}"


def cut(text: str) -> str:
    """As much of it as has ROOM once it is percent-encoded."""
    return unquote(re.sub(r"%.?$", "", quote(text)[:ROOM]), errors="ignore")
