"""The site that staff work on: Django's admin, its lists in the order of the work, and the pages that span the apps.

Its pages are imported when they are asked for: they know the lists, which are registered here.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse

from backoffice.accounts.signin import SigningIn
from backoffice.accounts.user_field import zone_of_viewer

# What belongs together, by the labels of the models. A list that is not named here comes last, under its app's name.
NAVIGATION = {
    "Work": ["lead.restaurant", "contact.contact", "track.interaction", "track.orderdetails", "call.callplan"],
    "History": ["lead.statuschange", "lead.ownerchange"],
    "People": ["auth.user", "auth.group", "call.workprofile"],
}
NAMES = {"track.orderdetails": "Orders"}  # where people call a list otherwise than its table


class BackOfficeSite(SigningIn):
    site_header = site_title = "KAM CRM"
    index_title = "Overview"
    index_template = "backoffice/views.html"

    def get_urls(self) -> list:
        return [
            path("adherence/", self.admin_view(self.adherence), name="adherence"),
            path("recent/", self.admin_view(self.recent), name="recent"),
            *super().get_urls(),
        ]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        from backoffice.dashboard import views

        return super().index(request, {**views.overview(self, request), **(extra_context or {})})

    def adherence(self, request: HttpRequest) -> HttpResponse:
        from backoffice.dashboard.adherence import adherence_page

        return adherence_page(request, self)

    def recent(self, request: HttpRequest) -> HttpResponse:
        """What the user has done here lately."""
        context = {**self.each_context(request), "title": "My recent actions", "zone": zone_of_viewer(request)}
        return TemplateResponse(request, "backoffice/recent.html", context)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """As Django's; without an app, in groups of ours, which have no page of their own."""
        apps = super().get_app_list(request, app_label)
        for app in apps:
            for entry in app["models"]:
                entry["name"] = NAMES.get(entry["model"]._meta.label_lower, entry["name"])
        return apps if app_label else in_groups(apps, self.pages(request))

    def pages(self, request: HttpRequest) -> dict[str, list[dict[str, Any]]]:
        """Pages of no model, by the group that they stand in."""
        recent = page("My recent actions", "admin:recent")
        adherence = [page("Adherence", "admin:adherence")] if request.user.has_perm("call.view_adherence") else []
        return {"Work": adherence, "History": [recent] if self.has_permission(request) else []}


def in_groups(apps: list[dict[str, Any]], pages: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    entries = {entry["model"]._meta.label_lower: entry for app in apps for entry in app["models"]}
    groups = [
        group(name, [*[entries.pop(label) for label in labels if label in entries], *pages.get(name, [])])
        for name, labels in NAVIGATION.items()
    ]
    for app in apps:
        groups.append(group(app["name"], [entry for entry in app["models"] if entry in entries.values()]))
    return [each for each in groups if each["models"]]


def group(name: str, models: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "app_label": name.lower(), "app_url": "", "has_module_perms": True, "models": models}


def page(name: str, route: str) -> dict[str, Any]:
    return {"name": name, "object_name": route.removeprefix("admin:"), "admin_url": reverse(route), "view_only": True}
