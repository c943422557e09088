"""The admin site: Django's, with our navigation and the pages that span the apps."""

from functools import partial
from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page
from django.views.i18n import JavaScriptCatalog

from backoffice.accounts.signin import SignInSiteMixin
from backoffice.accounts.user_field import zone_of_viewer
from backoffice.accounts.viewer import country_of, first_day_of_week, has_work_profile
from backoffice.dashboard.adherence import adherence_page
from backoffice.dashboard.recent import latest_actions
from backoffice.dashboard.views import overview
from backoffice.myday.first_page import begins_with_my_day, has_my_day, sign_in_again
from backoffice.pipeline.filters import has_board
from backoffice.quicksearch.draft import has_quick_search, sign_in_again_to_log

# The groups of the navigation by their English names, with the labels of their models. Other models come last, under
# their app's name.
NAVIGATION: dict[str, list[str]] = {
    gettext_noop("Today"): [],
    gettext_noop("Saved lists"): [],
    gettext_noop("Work"): [
        "lead.restaurant",
        "contact.contact",
        "track.interaction",
        "track.orderdetails",
        "call.callplan",
    ],
    gettext_noop("History"): ["lead.statuschange", "lead.ownerchange", "backoffice.import"],
    gettext_noop("People"): ["auth.user", "lead.team", "auth.group", "call.workprofile"],
}
DISPLAY_NAMES = {"track.orderdetails": gettext_lazy("Orders")}  # where the plural of the model is not the usual word


class Catalog(JavaScriptCatalog):
    first_day = 0

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return {**context, "formats": {**context["formats"], "FIRST_DAY_OF_WEEK": self.first_day}}


class BackOfficeSite(SignInSiteMixin):
    site_header = site_title = "KAM CRM"
    site_url = None  # `/` is for programs
    index_title = gettext_lazy("Overview")
    index_template = "backoffice/start.html"

    def get_urls(self) -> list:
        return [
            path("my-day/", csrf_exempt(self.my_day), name="my_day"),  # admin_view checks it where a user is signed in
            path("pipeline/", self.pipeline, name="pipeline"),
            path("pipeline/<int:pk>/move/", self.move, name="pipeline_move"),
            path("overview/", self.admin_view(self.overview), name="overview"),
            path("adherence/", self.admin_view(self.adherence), name="adherence"),
            path("my-work-profile/", self.admin_view(self.my_work_profile), name="my_work_profile"),
            path("recent/", self.admin_view(self.recent), name="recent"),
            path("search/", self.admin_view(self.search), name="search"),
            path("log/", self.log, name="log"),
            path("log/<int:pk>/", self.log, name="logged"),
            *super().get_urls(),
        ]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The first page: the overview, or, for a KAM, the day."""
        if begins_with_my_day(request.user):
            return redirect("admin:my_day")
        return self.overview(request, extra_context)

    def overview(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        from backoffice.admin.my_work_profile import form_to_show  # as in `my_day`

        context = {**overview(self, request), "profile_form": form_to_show(request)}
        return super().index(request, {**context, **(extra_context or {})})

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        user = request.user
        own = {"has_my_day": has_my_day(user), "has_quick_search": has_quick_search(user)}
        return {**super().each_context(request), **own, "has_work_profile": has_work_profile(user)}

    def i18n_javascript(self, request: HttpRequest, extra_context: Any = None) -> HttpResponseBase:
        """What the admin's scripts say, in the viewer's language, and on which day calendars begin a week."""
        first_day = first_day_of_week(country_of(request.user))
        return Catalog.as_view(packages=["django.contrib.admin"], first_day=first_day)(request)

    def my_day(self, request: HttpRequest) -> HttpResponse:
        """A tap after the session has ended comes back after signing in; all else as every page of the admin."""
        if request.method == "POST" and not self.has_permission(request):
            return sign_in_again(request)
        from backoffice.myday.views import my_day  # its verbs are forms of the ModelAdmins, which register here

        return gzip_page(self.admin_view(partial(my_day, site=self)))(request)  # of a long day over 1 MB: on a phone

    def pipeline(self, request: HttpRequest) -> HttpResponse:
        from backoffice.pipeline.views import pipeline  # as of `my_day`

        return self.admin_view(partial(pipeline, site=self))(request)

    def move(self, request: HttpRequest, pk: int) -> HttpResponse:
        from backoffice.pipeline.views import move

        return self.admin_view(partial(move, site=self))(request, pk=pk)

    def adherence(self, request: HttpRequest) -> HttpResponse:
        return adherence_page(request, self)

    def my_work_profile(self, request: HttpRequest) -> HttpResponse:
        from backoffice.admin.my_work_profile import my_work_profile  # as above

        return my_work_profile(request, self)

    def recent(self, request: HttpRequest) -> HttpResponse:
        """The latest actions of the user in the admin."""
        entries = latest_actions(request.user)
        context = {
            **self.each_context(request),
            "title": _("My recent actions"),
            "zone": zone_of_viewer(request),
            "entries": entries,
        }
        return TemplateResponse(request, "backoffice/recent.html", context)

    def search(self, request: HttpRequest) -> HttpResponse:
        from backoffice.quicksearch.views import search_page  # as in `my_day`

        return search_page(request, self)

    def log(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """What was typed before the session ended comes back after signing in."""
        if request.method == "POST" and not self.has_permission(request):
            return sign_in_again_to_log(request, pk)
        from backoffice.quicksearch.views import log_page, logged_page  # as in `my_day`

        view = partial(log_page, site=self) if pk is None else partial(logged_page, site=self, pk=pk)
        return self.admin_view(view)(request)

    def display_name(self, model: type[Model]) -> str:
        """The name of the model's list, where it is not the model's own; else empty."""
        return str(DISPLAY_NAMES.get(model._meta.label_lower, ""))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """Django's for one app; for all apps, in the groups of NAVIGATION, which have no page of their own."""
        apps = super().get_app_list(request, app_label)
        for app in apps:
            for entry in app["models"]:
                entry["name"] = self.display_name(entry["model"]) or entry["name"]
        return apps if app_label else in_groups(apps, self.pages(request))

    def pages(self, request: HttpRequest) -> dict[str, list[dict[str, Any]]]:
        """Pages without a model, by their group."""
        recent = page(_("My recent actions"), "admin:recent")
        board = [page(_("Pipeline"), "admin:pipeline")] if has_board(request.user) else []
        adherence = [page(_("Adherence"), "admin:adherence")] if request.user.has_perm("call.view_adherence") else []
        both = [page(_("My day"), "admin:my_day"), page(_("Overview"), "admin:overview")]
        day = both if has_my_day(request.user) else []
        history, saved = ([recent], self.saved_lists(request)) if self.has_permission(request) else ([], [])
        profile = [page(_("My work profile"), "admin:my_work_profile")] if self.has_permission(request) else []
        own = {"Saved lists": saved, "History": history, "People": profile}
        return {"Today": day, "Work": [*board, *adherence], **own}

    def saved_lists(self, request: HttpRequest) -> list[dict[str, Any]]:
        from backoffice.admin.saving import links  # its lists are of the ModelAdmins, which register here

        return links(request, self)


def in_groups(apps: list[dict[str, Any]], pages: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    entries = {entry["model"]._meta.label_lower: entry for app in apps for entry in app["models"]}
    groups = [
        group(
            _(name),
            slugify(name),
            [*[entries.pop(label) for label in labels if label in entries], *pages.get(name, [])],
        )
        for name, labels in NAVIGATION.items()
    ]
    for app in apps:
        groups.append(
            group(app["name"], app["app_label"], [entry for entry in app["models"] if entry in entries.values()])
        )
    return [each for each in groups if each["models"]]


def group(name: str, label: str, models: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "app_label": label, "app_url": "", "has_module_perms": True, "models": models}


def page(name: str, route: str) -> dict[str, Any]:
    return {"name": name, "object_name": route.removeprefix("admin:"), "admin_url": reverse(route), "view_only": True}
