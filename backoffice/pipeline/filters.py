"""Which leads are on the board: the own ones or all that the user sees, of an owner, of a team, of a city.

The own ones come first, and the choice of all is stored for the user, as of the lists (admin.own_first). An address
that says `mine` or `all` overrides it for the page; so does an owner or a team. An invalid value shows no leads and an
error.
"""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.accounts.user_field import find_users
from crm.db.folding import fold
from lead.models import Policy, Restaurant, Team

MINE, ALL = "mine", "all"
BOARD = "pipeline"  # in the place of a list's table, where the choice is stored
SUGGESTED = 200  # owners whose names the field suggests


def has_board(user: Any) -> bool:
    """As in Django's admin, the permission to change leads includes the one to view them."""
    return user.has_perm("lead.view_restaurant") or user.has_perm("lead.change_restaurant")


class BoardFilters(forms.Form):
    """`data` is the query string, `user` who looks at the board, `first` of MINE and ALL the one it opens with."""

    owner = forms.CharField(
        required=False,
        max_length=254,
        label=gettext_lazy("Owner"),
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "none", "list": "owners"}),
    )
    team = forms.ModelChoiceField(
        Team.objects.none(), required=False, label=gettext_lazy("Team"), empty_label=gettext_lazy("Any team")
    )
    city = forms.CharField(required=False, max_length=254, label=gettext_lazy("City"))

    def __init__(self, data: Any, *, user: Any, first: str = ALL) -> None:
        super().__init__(data, auto_id="filter-%s", label_suffix="")
        self.user = user
        teams: Any = self.fields["team"]
        teams.queryset = Team.objects.visible_to(user).order_by("name", "pk")
        self.whose = "" if self.names_owners else data.get("whose", "")
        if self.whose not in (MINE, ALL) and not self.names_owners:
            self.whose = first

    @property
    def names_owners(self) -> bool:
        return bool(self.data.get("owner", "").strip() or self.data.get("team"))

    def clean_owner(self) -> list[Any] | None:
        """The users of that name whose leads the user may see; others are as if they did not exist."""
        text = self.cleaned_data["owner"]
        if not text:
            return None
        policy = Policy.of(self.user)
        if owners := [owner for owner in find_users(text) if policy.sees_leads_of(owner.pk)]:
            return owners
        raise forms.ValidationError(_("No user whose leads you see is called that."))

    def leads(self) -> QuerySet[Restaurant]:
        """Without an order."""
        rows = Restaurant.objects.visible_to(self.user).order_by()
        if not self.is_valid():
            return rows.none()
        owners, team, city = (self.cleaned_data[name] for name in ("owner", "team", "city"))
        if self.whose == MINE:
            rows = rows.filter(assigned_to=self.user.pk)
        if owners is not None:
            rows = rows.filter(assigned_to__in=[owner.pk for owner in owners])
        if team:
            teams = Team.objects.at_or_below(Team.objects.filter(pk=team.pk)).order_by()
            members = Team.members.through.objects.filter(team__in=teams.values("pk"))
            rows = rows.filter(assigned_to__in=members.values("user"))
        if city:
            rows = rows.filter(city_fold__contains=fold(city))
        return rows

    def owners(self) -> list[str]:
        """Names to suggest: of the users who own leads that may be seen."""
        owned = Restaurant.objects.visible_to(self.user).order_by().filter(assigned_to=OuterRef("pk"))
        name = get_user_model().USERNAME_FIELD
        users = get_user_model().objects.filter(Exists(owned)).order_by(name)
        return list(users.values_list(name, flat=True)[:SUGGESTED])

    @property
    def query(self) -> str:
        """The query string of the same board, with its question mark."""
        values = {name: self.data.get(name, "").strip() for name in self.fields}
        return query_string(**values, whose=self.whose)

    @property
    def scopes(self) -> list[tuple[str, str]]:
        """The choices of `whose`, each with its label."""
        return [(MINE, _("My leads")), (ALL, _("All that I see"))]

    @property
    def query_of_city(self) -> str:
        return query_string(city=self.data.get("city", "").strip())


def query_string(**values: str) -> str:
    return f"?{urlencode({name: value for name, value in values.items() if value})}"
