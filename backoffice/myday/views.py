"""The page and its taps. Forms work without a script; with it an answer replaces the entry, and no page is loaded."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from backoffice.accounts.user_field import zone_of_viewer
from backoffice.admin.my_work_profile import form_to_show
from backoffice.admin.verb_forms import RecordCall, Snooze
from backoffice.myday.done import SAID as outcomes
from backoffice.myday.done import calls_of, done_on, events_of
from backoffice.myday.entries import DUE, MyDay, Section
from backoffice.myday.first_page import DRAFT, address_of, has_my_day
from backoffice.myday.taps import ADD_ORDER, CALLS, PUT_OFF, WHO_MAY, Result, Tap
from call.models import CallPlan, Frequency
from crm.api.serializers import id_of
from lead.models import Restaurant

SAID = {
    **{name: outcomes[outcome] for name, outcome in CALLS.items()},
    **dict.fromkeys([*PUT_OFF, "put_off"], _("Put off")),
    "skip": _("Skip"),
    "log_call": _("Reached"),
    "plan_calls": _("Plan"),
    "take_over": _("Take over"),
    "note": _("Note"),
    "undo": _("Undo"),
}
TYPED = {
    "note": _("Note"),
    "reason": _("Reason"),
    "product_details": _("What"),
    "quantity": _("Quantity"),
    "total_price": _("Total price"),
}


def my_day(request: HttpRequest, site: Any) -> HttpResponse:
    if not has_my_day(request.user):
        raise PermissionDenied
    return tapped(request) if request.method == "POST" else page(request, site)


def page(request: HttpRequest, site: Any) -> HttpResponse:
    day = MyDay(request.user, zone_of_viewer(request))
    sections = day.sections()
    context = {
        **site.each_context(request),
        "title": _("My day"),
        "day": day.day,
        "zone": day.zone.key,
        "profile_form": form_to_show(request),
        "sections": sections,
        "due": due(sections),
        "done": done_on(day.day, day.zone, request.user),
        "latest": request.GET.get("done", ""),  # without a script: the line that opens for a note
        "draft": draft_of(request),
        **permissions_of(request.user),
    }
    return TemplateResponse(request, "backoffice/my_day/page.html", context).render()


def due(sections: list[Section]) -> int:
    return sum(section.total for section in sections if section.key in DUE)


def permissions_of(user: Any) -> dict[str, Any]:
    """Which buttons there are: those of the verbs that would be run."""
    return {
        "may_call": RecordCall.is_permitted(user),
        "may_plan": Snooze.is_permitted(user),
        "may_undo": user.has_perms(WHO_MAY["undo"]),
        "may_undo_call": user.has_perms(WHO_MAY["undo_call"]),
        "may_add_plan": user.has_perms(WHO_MAY["plan_calls"]),
        "may_take_over": user.has_perms(WHO_MAY["take_over"]),
        "may_log": user.has_perms(WHO_MAY["log_call"]),
        "may_note": user.has_perms(WHO_MAY["note"]),
        "may_order": user.has_perm(ADD_ORDER),
        "frequencies": Frequency.choices,
    }


def draft_of(request: HttpRequest) -> dict[str, Any] | None:
    """A tap that was not done because the session had ended: what it said, whom it was for, and its fields."""
    given = {name: request.GET[name] for name in DRAFT if request.GET.get(name)}
    if given.get("do") not in SAID or given.get("by") not in (None, str(request.user.pk)):
        return None
    lead = lead_of(given, request.user)
    hidden = [(name, value) for name, value in given.items() if name not in TYPED]
    typed = [(name, value, TYPED[name]) for name, value in given.items() if name in TYPED]
    return {"hidden": hidden, "typed": typed, "said": SAID[given["do"]], "lead": lead} if lead else None


def lead_of(tap: dict[str, str], user: Any) -> Restaurant | None:
    rows = {
        "event": (events_of(user), "plan__lead"),
        "call": (calls_of(user), "lead"),
        "plan": (CallPlan.objects.visible_to(user), "lead"),
        "lead": (Restaurant.objects.visible_to(user), "pk"),
    }
    name = next((name for name in rows if name in tap), "lead")
    pk = id_of(tap.get(name, ""))
    found, path = rows[name]
    lead = pk and found.filter(pk=pk).values_list(path, flat=True).first()
    return Restaurant.objects.filter(pk=lead).first() if lead else None


def tapped(request: HttpRequest) -> HttpResponse:
    """What a script puts in place of the entry; without a script, the page again, with a message."""
    said: list[Result] = []
    context = permissions_of(request.user)

    def render(result: Result) -> HttpResponse:
        said.append(result)
        # Without the request: the answer is stored for the form's key, and a token in it would outlive its session.
        said_now = {"result": result, "done": result.done, "user": request.user, **context}
        return HttpResponse(render_to_string("backoffice/my_day/done.html", said_now), status=result.status)

    tap = Tap(request.user, request.POST)
    response = tap.answer(render)
    if request.headers.get("X-Requested-With") == "fetch":
        return with_lists(request, response, id_of(request.POST.get("lead", "")) or 0, context)
    result = said[0] if said else Result(gettext("It was recorded before. Nothing was recorded a second time."))
    messages.add_message(request, messages.SUCCESS if result.status == 200 else messages.WARNING, result.message)
    if result.status != 200:
        return redirect(address_of(request.POST, anyway=result.may_overrule))  # with what was typed
    place = f"?done={result.done.name}#{result.done.name}" if result.done else ""
    return redirect(reverse("admin:my_day") + place)


def with_lists(request: HttpRequest, response: HttpResponse, lead: int, context: dict[str, Any]) -> HttpResponse:
    """The answer with what the tap has changed in the lists: as they are now, also where the answer is one before."""
    if isinstance(response, SimpleTemplateResponse):  # a replayed one
        response.render()
    day = MyDay(request.user, zone_of_viewer(request))
    sections = day.sections_after(lead) if response.status_code == 200 else []
    done = len(done_on(day.day, day.zone, request.user)) if sections else 0
    lists = {"sections": sections, "due": due(sections), "done": done, "day": day.day, **context}
    html = render_to_string("backoffice/my_day/lists.html", lists, request)
    return HttpResponse(response.content + html.encode(), status=response.status_code)
