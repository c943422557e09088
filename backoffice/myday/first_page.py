"""Who has My day, whose first page it is, and the way back to it after a session has ended."""

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

FIRST_PAGE_OF = "KAM"
START_PAGE_OF = "Back office"
NEEDS = ["call.view_callplan", "lead.view_restaurant"]
DRAFT = ("do", "plan", "lead", "contact", "note", "reason", "until")  # what of a tap outlives a session


def has_my_day(user: Any) -> bool:
    return user.has_perms(NEEDS)


def begins_with_my_day(user: Any) -> bool:
    """Whether it is the user's first page: for members of the group KAM who are neither superuser nor Back office."""
    if user.is_superuser or not has_my_day(user):
        return False
    names = set(user.groups.filter(name__in=[FIRST_PAGE_OF, START_PAGE_OF]).values_list("name", flat=True))
    return names == {FIRST_PAGE_OF}


def sign_in_again(request: HttpRequest) -> HttpResponse:
    """To the login page, and from there back with what was typed."""
    draft = {name: request.POST[name][:2000] for name in DRAFT if request.POST.get(name)}
    return redirect_to_login(f"{reverse('admin:my_day')}?{urlencode(draft)}", reverse("admin:login"))
