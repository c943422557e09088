"""A form field for a user, typed as a username or part of a name instead of chosen from a list of thousands."""

from functools import reduce
from operator import and_, or_
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from call.models.work_profile import zone_of
from lead.models import Policy

MAX_FOUND = 200  # users
MAX_NAMED = 5  # users in an error message


def zone_of_viewer(request: Any) -> ZoneInfo:
    """The zone of the signed-in user, or the server's; looked up once a request."""
    if not hasattr(request, "zone_of_viewer"):
        request.zone_of_viewer = zone_of(request.user)
    return request.zone_of_viewer


def find_users(text: str) -> list[Any]:
    """The user of that username, in any case; else those whose username or name holds every word; at most MAX_FOUND."""
    users = get_user_model().objects.order_by("pk")
    name = get_user_model().USERNAME_FIELD
    matches = list(users.filter(**{f"{name}__iexact": text})[:MAX_FOUND])
    if exact := [user for user in matches if user.get_username() == text] or matches:
        return exact
    columns = [name, "first_name", "last_name"]
    words = [reduce(or_, [Q(**{f"{column}__icontains": word}) for column in columns]) for word in text.split()]
    return list(users.filter(reduce(and_, words))[:MAX_FOUND]) if words else []


class UserField(forms.CharField):
    """One active user, by username or by a part of the name that only one user has.

    With a `giver`, only a user to whom they may hand leads over; others are as if they did not exist.
    """

    giver: Any = None

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput({"autocomplete": "off", "autocapitalize": "none"})
        super().__init__(
            **{"max_length": 254, "widget": widget, "help_text": gettext_lazy("Username, or part of a name."), **kwargs}
        )

    def clean(self, value: Any) -> Any:
        users = [user for user in find_users(super().clean(value)) if user.is_active and self.may_receive(user)]
        if len(users) == 1:
            return users[0]
        if not users:
            raise forms.ValidationError(_("No active user is called that."))
        names = [user.get_username() for user in users[:MAX_NAMED]] + ["…"] * (len(users) > MAX_NAMED)
        raise forms.ValidationError(_("Several are called that: %(names)s.") % {"names": ", ".join(names)})

    def may_receive(self, user: Any) -> bool:
        return self.giver is None or Policy.of(self.giver).sees_leads_of(user.pk)
