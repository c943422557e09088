"""Saving a list: the form above it, the saved lists in the navigation, and which of them a page shows."""

from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.admin.views.main import ORDER_VAR
from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.admin.list_query import ListQuery, lists_of
from backoffice.models import SavedList
from lead.models import Team

SHOWN = 50  # lists in the navigation
TEAMS = 500  # to choose from


class SavedListForm(forms.ModelForm):
    """A new list has its `model` and `query` from the page of the list; they do not change afterwards."""

    request: HttpRequest  # both are set by the ModelAdmin
    site: AdminSite

    class Meta:
        model = SavedList
        fields = ("name", "team", "model", "query")
        widgets = {"model": forms.HiddenInput, "query": forms.HiddenInput}

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        owner = self.instance.owner_id or self.request.user.pk
        if SavedList.objects.filter(owner=owner, name=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("There is a saved list of this name already."))
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if {"model", "query"} <= data.keys():
            model_admin = lists_of(self.site, self.request).get(data["model"])
            if model_admin is None:
                raise ValidationError(_("There is no such list."))
            data["query"] = ListQuery(model_admin, QueryDict(data["query"]), self.request).to_save()
        return data


def saved_lists(request: Any, site: AdminSite) -> list[SavedList]:
    """Those in the navigation: of lists that the user may view. One query a request."""
    if not hasattr(request, "saved_lists"):
        viewable = lists_of(site, request)
        rows = SavedList.objects.visible_to(request.user).filter(model__in=viewable)
        request.saved_lists = list(rows.select_related("owner", "team")[:SHOWN]) if viewable else []
    return request.saved_lists


def links(request: Any, site: AdminSite) -> list[dict[str, Any]]:
    """The saved lists, and the page of all, for the navigation."""
    if not lists_of(site, request):
        return []
    found = [
        (row.name if row.owner_id == request.user.pk else f"{row.name} ({row.owner})", f"saved-{row.pk}", open_url(row))
        for row in saved_lists(request, site)
    ]
    found.append((_("All saved lists"), "saved-all", reverse("admin:backoffice_savedlist_changelist")))
    return [{"name": name, "object_name": key, "admin_url": url, "view_only": True} for name, key, url in found]


def open_url(row: SavedList) -> str:
    return reverse("admin:backoffice_savedlist_open", args=[row.pk])


def teams_of(user: Any) -> Any:
    """With which the user may share a list."""
    return Team.objects.visible_to(user).order_by("name", "id")


class Saving:
    """What the page of a list says about saving it: which saved list it is, or the form to save it."""

    def __init__(self, changelist: Any) -> None:
        self.request, self.model_admin = changelist.request, changelist.model_admin
        self.query = ListQuery(self.model_admin, self.request.GET, self.request)
        self.model = changelist.opts.label_lower

    @property
    def saved(self) -> SavedList | None:
        """In whatever order it is shown."""
        shown = without_order(self.query.parameters)
        found = saved_lists(self.request, self.model_admin.admin_site)
        return next((row for row in found if row.model == self.model and without_order(row.parameters) == shown), None)

    @property
    def is_own(self) -> bool:
        return self.saved is not None and self.saved.owner_id == self.request.user.pk

    @property
    def encoded(self) -> str:
        return self.query.encoded()

    @property
    def teams(self) -> list[Team]:
        return list(teams_of(self.request.user)[:TEAMS])


def without_order(parameters: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if name != ORDER_VAR}
