"""The page that shows, by owner, how many of the planned calls were made on time."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.charts import Bar, bars
from backoffice.dashboard.cache import cached
from backoffice.dashboard.figures import Figures
from call.adherence import adherence
from crm.formats import number
from lead.owners import visible_rows

PERMISSION = "call.view_adherence"
DAYS = 30  # of the default period
LONGEST = timedelta(days=366)
CHARTED = 15  # owners; the table has them all


class PeriodForm(forms.Form):
    """Local dates, each owner's own; both inclusive."""

    first = forms.DateField(label=gettext_lazy("From"), widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))
    last = forms.DateField(label=gettext_lazy("To"), widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if {"first", "last"} <= data.keys():
            if not 2000 <= data["first"].year <= 2100 or not 2000 <= data["last"].year <= 2100:
                raise forms.ValidationError(_("Give dates between 2000 and 2100."))
            if not timedelta(0) <= data["last"] - data["first"] <= LONGEST:
                raise forms.ValidationError(_("The period ends on or after the day it starts, at most a year later."))
        return data


def adherence_page(request: HttpRequest, site: Any) -> HttpResponse:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    today = Figures.of(request.user).today
    period = {"first": today - timedelta(days=DAYS - 1), "last": today}
    form = PeriodForm({**period, **{name: request.GET[name] for name in period if request.GET.get(name)}})
    rows = rows_between(**form.cleaned_data, viewer=request.user) if form.is_valid() else []
    context = {
        **site.each_context(request),
        "title": _("Adherence"),
        "form": form,
        "rows": rows,
        "chart": chart(rows[:CHARTED]) if rows else "",
        "charted": CHARTED,
    }
    return TemplateResponse(request, "backoffice/adherence.html", context)


def rows_between(first: date, last: date, viewer: Any) -> list[dict[str, Any]]:
    """By owner, with the smallest part on time first."""
    rows = visible_rows(cached(lambda: adherence(first, last), "adherence", first, last), viewer)
    users = get_user_model().objects.filter(pk__in=[row["owner"] for row in rows if row["owner"]])
    names = dict(users.values_list("pk", get_user_model().USERNAME_FIELD))
    for row in rows:
        row["name"] = names.get(row["owner"]) or row.get("former_owner", _("Unowned"))
        row["percent"] = round(100 * row["on_time"] / row["planned"])
    return sorted(rows, key=lambda row: (row["percent"], -row["planned"], row["name"]))


def chart(rows: list[dict[str, Any]]) -> str:
    shown = [
        Bar(
            row["name"],
            row["percent"],
            _("%(percent)s %% of %(planned)s on time, %(missed)s missed")
            % {"percent": row["percent"], "planned": number(row["planned"]), "missed": number(row["missed"])},
        )
        for row in rows
    ]
    return bars(
        _("Calls on time by owner"), _("The part of the planned calls that was made by its date."), shown, whole=100
    )
