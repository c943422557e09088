"""The page of the search, whose results a script shows under the box, and the pages that record what happened."""

import re
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice.admin.timeline import may_view
from backoffice.quicksearch.draft import DRAFT, has_quick_search
from backoffice.quicksearch.log import ADD, ADD_ORDER, DELETE, KEY, LogForm, recorded_with, take_back, this_minute
from backoffice.quicksearch.search import find
from contact.models import Contact
from crm.api.serializers import id_of
from lead.models import Restaurant
from track.models import Interaction, InteractionType


def search_page(request: HttpRequest, site: Any) -> HttpResponse:
    if not has_quick_search(request.user):
        raise PermissionDenied
    text = request.GET.get("q", "")
    context = {"q": text, "found": find(text, request.user), "offers": offers(request.user), "key": uuid4().hex}
    if request.headers.get("X-Requested-With") == "fetch":
        return render(request, "backoffice/quick_search/results.html", context)
    context |= {**site.each_context(request), "title": _("Search")}
    return render(request, "backoffice/quick_search/page.html", context)


def offers(user: Any) -> list[tuple[str, str]]:
    """What may be recorded: each type with the text of its button."""
    if not user.has_perm(ADD):
        return []
    order = [(InteractionType.ORDER.value, _("Log an order"))] if user.has_perm(ADD_ORDER) else []
    return [
        (InteractionType.VISIT.value, _("Log a visit")),
        *order,
        (InteractionType.CALL.value, _("Log a call")),
    ]


# --- Recording --------------------------------------------------------------------------------


def log_page(request: HttpRequest, site: Any) -> HttpResponse:
    if not has_quick_search(request.user) or not request.user.has_perm(ADD):
        raise PermissionDenied
    given = request.POST if request.method == "POST" else request.GET
    lead = Restaurant.objects.visible_to(request.user).filter(pk=id_of(given.get("lead", ""))).first()
    if lead is None:
        raise Http404
    key = given.get("key", "")
    if request.method == "POST":
        form = LogForm(request.POST, user=request.user, lead=lead)
        if form.is_valid():
            interaction, is_new = form.record()
            if not form.errors:
                return recorded(request, interaction, is_new)
            key = "" if form.is_key_used else key  # what is sent again is another interaction
    else:
        if pk := recorded_with(key, request.user):  # the way back after it was saved
            return recorded(request, Interaction.objects.filter(pk=pk).first(), is_new=False)
        form = LogForm(user=request.user, lead=lead, initial=initial_of(request))
    context = {
        **site.each_context(request),
        "title": _("Log what happened"),
        "subtitle": lead.name,
        "lead": lead,
        "form": form,
        "key": key if re.fullmatch(KEY, key) else uuid4().hex,
    }
    return render(request, "backoffice/quick_search/log.html", context)


def initial_of(request: HttpRequest) -> dict[str, Any]:
    draft = {name: request.GET[name] for name in DRAFT if request.GET.get(name)}
    return {"interaction_type": InteractionType.VISIT.value, "date": this_minute(), **draft}


def recorded(request: HttpRequest, interaction: Interaction | None, is_new: bool) -> HttpResponse:
    if interaction is None:
        messages.warning(request, _("It was recorded, and taken back since. Nothing was recorded now."))
        return redirect("admin:search")
    if not is_new:
        messages.info(request, _("It was recorded before. Nothing was recorded a second time."))
    return redirect("admin:logged", pk=interaction.pk)


def logged_page(request: HttpRequest, site: Any, pk: int) -> HttpResponse:
    """What the user has recorded, with the way to take it back."""
    user = request.user
    if not has_quick_search(user):
        raise PermissionDenied
    if request.method == "POST":
        return undo(request, pk)
    rows = Interaction.objects.visible_to(user).filter(created_by=user).select_related("lead", "order")
    interaction = rows.filter(pk=pk).first()
    if interaction is None:
        return nothing_there(request)
    context = {
        **site.each_context(request),
        "title": _("Recorded"),
        "interaction": interaction,
        "order": getattr(interaction, "order", None),
        "contact": contact_of(interaction, user),
        "may_undo": user.has_perm(DELETE),
        "may_change": user.has_perm("track.change_interaction"),
        "may_log": user.has_perm(ADD),
    }
    return render(request, "backoffice/quick_search/logged.html", context)


def contact_of(interaction: Interaction, user: Any) -> Contact | None:
    """With whom it was, as far as the user may see it."""
    if not may_view(user, Contact):
        return None
    return Contact.objects.visible_to(user).filter(pk=interaction.contact_id).first()


def undo(request: HttpRequest, pk: int) -> HttpResponse:
    if not request.user.has_perm(DELETE):
        raise PermissionDenied
    interaction = take_back(pk, request.user)
    if interaction is None:
        return nothing_there(request)
    kind = interaction.get_interaction_type_display()
    messages.success(request, _("Taken back: %(kind)s, %(lead)s.") % {"kind": kind, "lead": interaction.lead})
    return redirect(reverse("admin:lead_restaurant_change", args=[interaction.lead_id]))


def nothing_there(request: HttpRequest) -> HttpResponse:
    """The same for what was taken back, for another user's, and for what never was."""
    messages.warning(request, _("You have recorded nothing here, or it was taken back already."))
    return redirect("admin:search")
