"""Users: by what a person types for them, since nobody should choose one of thousands from a list, and their zone."""

from functools import reduce
from operator import and_, or_
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Q

from call.profiles import zone_of

MOST = 200  # people that a text may stand for
SHOWN = 5


def zone_of_viewer(request: Any) -> ZoneInfo:
    """The zone of whoever asks, or the server's; looked up once a request."""
    if not hasattr(request, "zone_of_viewer"):
        request.zone_of_viewer = zone_of(request.user)
    return request.zone_of_viewer


def colleagues_called(text: str) -> list[Any]:
    """The user of that name, whatever its case; else those whose username or name holds every word; at most MOST."""
    users = get_user_model().objects.order_by("pk")
    name = get_user_model().USERNAME_FIELD
    alike = list(users.filter(**{f"{name}__iexact": text})[:MOST])
    if exact := [user for user in alike if user.get_username() == text] or alike:
        return exact
    columns = [name, "first_name", "last_name"]
    words = [reduce(or_, [Q(**{f"{column}__icontains": word}) for column in columns]) for word in text.split()]
    return list(users.filter(reduce(and_, words))[:MOST]) if words else []


class ColleagueField(forms.CharField):
    """One active user, by username or by what only one is called."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput({"autocomplete": "off", "autocapitalize": "none"})
        super().__init__(**{"max_length": 254, "widget": widget, "help_text": "Username, or part of a name.", **kwargs})

    def clean(self, value: Any) -> Any:
        colleagues = [user for user in colleagues_called(super().clean(value)) if user.is_active]
        if len(colleagues) == 1:
            return colleagues[0]
        if not colleagues:
            raise forms.ValidationError("No active user is called that.")
        names = [user.get_username() for user in colleagues[:SHOWN]] + ["…"] * (len(colleagues) > SHOWN)
        raise forms.ValidationError(f"Several are called that: {', '.join(names)}.")
