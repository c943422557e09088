"""The page and its taps. Forms work without a script; with it an answer replaces the entry, and no page is loaded."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse

from backoffice.accounts.user_field import zone_of_viewer
from backoffice.admin.my_work_profile import form_to_show
from backoffice.admin.verb_forms import RecordCall, Snooze
from backoffice.myday.entries import MyDay
from backoffice.myday.first_page import DRAFT, has_my_day
from backoffice.myday.taps import ADD_ORDER, CALLS, PUT_OFF, WHO_MAY, Result, Tap
from call.models import CallPlan, Frequency
from crm.api.serializers import id_of

SAID = {
    **{name: outcome.label.capitalize() for name, outcome in CALLS.items()},
    **dict.fromkeys(PUT_OFF, "Put off"),
    "put_off": "Put off",
    "skip": "Skip",
}


def my_day(request: HttpRequest, site: Any) -> HttpResponse:
    if not has_my_day(request.user):
        raise PermissionDenied
    return tapped(request) if request.method == "POST" else page(request, site)


def page(request: HttpRequest, site: Any) -> HttpResponse:
    day = MyDay(request.user, zone_of_viewer(request))
    sections = day.sections()
    due = sum(len(each.entries) + each.more for each in sections if each.key in ("overdue", "today"))
    context = {
        **site.each_context(request),
        "title": "My day",
        "day": day.day,
        "zone": day.zone.key,
        "profile_form": form_to_show(request),
        "sections": sections,
        "due": due,
        "done": day.done(),
        "draft": draft_of(request),
        **permissions_of(request.user),
    }
    return TemplateResponse(request, "backoffice/my_day/page.html", context).render()


def permissions_of(user: Any) -> dict[str, Any]:
    """Which buttons there are: those of the verbs that would be run."""
    return {
        "may_call": RecordCall.is_permitted(user),
        "may_plan": Snooze.is_permitted(user),
        "may_undo": user.has_perms(WHO_MAY["undo"]),
        "may_add_plan": user.has_perms(WHO_MAY["plan_calls"]),
        "may_take_over": user.has_perms(WHO_MAY["take_over"]),
        "may_log": user.has_perms(WHO_MAY["log_call"]),
        "may_note": user.has_perms(WHO_MAY["note"]),
        "may_order": user.has_perm(ADD_ORDER),
        "frequencies": Frequency.choices,
    }


def draft_of(request: HttpRequest) -> dict[str, Any] | None:
    """A tap that was not done because the session had ended: what it said, and whom it was for."""
    given = {name: request.GET[name] for name in DRAFT if request.GET.get(name)}
    pk = id_of(given.get("plan", ""))
    if given.get("do") not in SAID or pk is None:
        return None
    plan = CallPlan.objects.visible_to(request.user).filter(pk=pk).select_related("lead").first()
    if plan is None:
        return None
    seen = plan.events.order_by("-id").values_list("pk", flat=True).first() or 0
    return {**given, "said": SAID[given["do"]], "row": plan, "seen": seen}


def tapped(request: HttpRequest) -> HttpResponse:
    """What a script puts in place of the entry; without a script, the page again, with a message."""
    said: list[Result] = []

    def render(result: Result) -> HttpResponse:
        said.append(result)
        context = {"result": result, "done": result.done, **permissions_of(request.user)}
        html = render_to_string("backoffice/my_day/done.html", context, request)
        return HttpResponse(html, status=result.status)

    response = Tap(request.user, request.POST).answer(render)
    if request.headers.get("X-Requested-With") == "fetch":
        return response
    result = said[0] if said else Result("It was recorded before. Nothing was recorded a second time.")
    messages.add_message(request, messages.SUCCESS if result.status == 200 else messages.WARNING, result.message)
    anchor = f"#done-{result.done.event.pk}" if result.done else ""
    return redirect(reverse("admin:my_day") + anchor)
