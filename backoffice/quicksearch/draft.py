"""Who has the search box, and the way back to a form that was sent after the session had ended."""

from typing import Any
from urllib.parse import quote, urlencode

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

NEEDS = "lead.view_restaurant"
DRAFT = (
    "lead",
    "interaction_type",
    "contact",
    "date",
    "key",
    "quantity",
    "total_price",
    "product_details",
    "details",
)
LONGEST = 3_000  # bytes of an address that servers take, with room for the rest of the request line


def has_quick_search(user: Any) -> bool:
    return user.has_perm(NEEDS)


def sign_in_again_to_log(request: HttpRequest, pk: int | None) -> HttpResponse:
    """To the login page, and from there back to the form with what was typed; to the page of what was recorded."""
    path = reverse("admin:logged", args=[pk]) if pk else f"{reverse('admin:log')}?{draft_of(request)}"
    return redirect_to_login(path, reverse("admin:login"))


def draft_of(request: HttpRequest) -> str:
    """The fields as a query string. Texts are cut where the address would be too long."""
    draft: dict[str, str] = {}
    for name in DRAFT:
        text = request.POST.get(name, "")[:LONGEST]
        while text and len(quote(urlencode({**draft, name: text}))) > LONGEST:
            text = text[: len(text) * 9 // 10]
        if text:
            draft[name] = text
    return urlencode(draft)
