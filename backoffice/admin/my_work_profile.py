"""The page on which users say when and where they work. The first pages ask for it once, where it is missing."""

import re
from functools import lru_cache
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.accounts.viewer import has_work_profile
from backoffice.admin.base import CONFLICT_MESSAGE
from call.models import WorkProfile
from call.models.work_profile import regions_of
from call.serializers import WorkProfileSerializer
from crm import dates
from crm.api.exceptions import is_conflict
from crm.api.permissions import is_read_only

LATER = "work_profile_later"  # the cookie of "Not now": the user's id
ASKING = {"my_day", "overview"}  # the pages that ask for it
LATER_SECONDS = 365 * 24 * 3600
WORKING_WEEK = [1, 2, 3, 4, 5]  # is proposed
SMALL = re.compile(r"\b(And|Of|The)\b")
SPLIT = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@lru_cache(maxsize=1)
def zones() -> list[tuple[str, str]]:
    """Those of places, and UTC."""
    names = sorted(name for name in dates.ZONES if "/" in name and not name.startswith("Etc/"))
    return [(name, name.replace("_", " ")) for name in ["UTC", *names]]


@lru_cache(maxsize=1)
def countries() -> list[tuple[str, str]]:
    """Those whose public holidays are known, by name."""
    from holidays.registry import COUNTRIES  # 11 MB: imported only where it is used

    names = [
        (code, SMALL.sub(lambda word: word[0].lower(), SPLIT.sub(" ", name)))
        for name, code, *_others in COUNTRIES.values()
    ]
    return sorted(names, key=lambda each: each[1])


class WorkProfileForm(forms.Form):
    """Validated and written as by the API: a request to `/call/me/`."""

    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"))
    working_days = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Working days"),
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        choices=[(day + 1, name) for day, name in WEEKDAYS.items()],
    )
    country = forms.ChoiceField(
        label=gettext_lazy("Country"),
        required=False,
        help_text=gettext_lazy("Its public holidays are days off. Dates and numbers are written as there."),
    )
    region = forms.ChoiceField(label=gettext_lazy("Region"), required=False)

    def __init__(self, user: Any, data: Any = None) -> None:
        self.user = user
        self.profile = WorkProfile.objects.filter(user=user).first()
        stored = self.profile or WorkProfile(user=user, working_days=WORKING_WEEK)
        initial = {name: getattr(stored, name) for name in self.base_fields}
        super().__init__(data, initial=initial, auto_id="work-profile-%s")
        self.offer("time_zone", zones(), stored.time_zone)
        self.offer("country", [("", _("Not said")), *countries()], stored.country)
        regions = regions_of(stored.country) if stored.country else []
        self.offer("region", [("", _("Not said")), *[(name, name) for name in regions]], stored.region)
        if not regions:
            del self.fields["region"]
        if self.profile is None and data is None:
            self.fields["time_zone"].widget.attrs["data-propose"] = ""  # work-profile.js

    def offer(self, name: str, choices: list[tuple[str, str]], stored: str) -> None:
        """What is stored stays a choice, however it came there."""
        known = {value for value, _label in choices}
        field: Any = self.fields[name]
        field.choices = choices if stored in known else [(stored, stored), *choices]

    def save(self) -> bool:
        """Whether it was written; else `errors` say why not."""
        try:
            with transaction.atomic():
                profile = WorkProfile.locked_of(self.user)
                serializer = WorkProfileSerializer(profile, data=self.body(profile), partial=True)
                if serializer.is_valid():
                    serializer.save(by=self.user)
                    return True
                transaction.set_rollback(True)
        except OperationalError as error:
            if not is_conflict(error):
                raise
            self.add_error(None, CONFLICT_MESSAGE)
            return False
        for name, texts in serializer.errors.items():
            self.add_error(name if name in self.fields else None, [str(text) for text in texts])
        return False

    def body(self, profile: WorkProfile) -> dict[str, Any]:
        """Another country has other regions."""
        values = self.cleaned_data
        return {**values, "region": ""} if values["country"] != profile.country else values


def form_to_show(request: HttpRequest) -> WorkProfileForm | None:
    """For My day and the overview: the form, until the user has filled it in or said "Not now" on this device."""
    user: Any = request.user
    if has_work_profile(user) or request.COOKIES.get(LATER) == str(user.pk) or is_read_only(user):
        return None
    return WorkProfileForm(user)


def my_work_profile(request: HttpRequest, site: admin.AdminSite) -> HttpResponse:
    user: Any = request.user
    may_write = not is_read_only(user)
    form = WorkProfileForm(user, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not may_write:
            raise PermissionDenied
        if "later" in request.POST:
            return later(request)
        if form.is_valid() and form.save():
            zone = form.cleaned_data["time_zone"]
            messages.success(request, _("Saved. Times and days are in %(zone)s now.") % {"zone": zone})
            return redirect(page_after(request))
    for field in form.fields.values():
        field.disabled = not may_write
    context = {
        **site.each_context(request),
        "title": _("My work profile"),
        "form": form,
        "may_write": may_write,
        "server_zone": dates.server_zone().key,
    }
    return TemplateResponse(request, "backoffice/my_work_profile.html", context)


def page_after(request: HttpRequest) -> str:
    back = request.POST.get("back")
    return reverse(f"admin:{back if back in ASKING else 'my_work_profile'}")


def later(request: HttpRequest) -> HttpResponse:
    """Remembered by the browser: without a profile the database has no row to remember it in."""
    response = redirect(page_after(request))
    response.set_cookie(
        LATER,
        str(request.user.pk),
        max_age=LATER_SECONDS,
        path=reverse("admin:index"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response
