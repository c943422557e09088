"""The page of the leads that may be one: to merge a pair, or to say that they are two, which can be taken back."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _

from crm.api.serializers import id_of
from lead.candidates import duplicates
from lead.models import NotDuplicate, Restaurant

PAGE = 25  # pairs
SAID = 25  # of those that are said to be different, the last ones


class PairsMixin(admin.ModelAdmin):
    """For the admin of leads."""

    describe: Any
    merge_url: Any
    handle_conflicts: Any

    def get_urls(self) -> list:
        view = self.admin_site.admin_view(self.pairs_view)
        return [path("duplicates/", view, name="lead_restaurant_duplicates"), *super().get_urls()]

    def exchange_links(self, request: HttpRequest) -> dict[str, str]:
        links = super().exchange_links(request)  # type: ignore[misc]
        return {**links, "duplicates": reverse("admin:lead_restaurant_duplicates")}

    def pairs_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self.handle_conflicts(self.say, request, request.POST.get("first", ""))
        pages = Paginator(duplicates(request.user), PAGE).get_page(request.GET.get("page"))
        said = NotDuplicate.objects.visible_to(request.user).select_related("created_by").order_by("-pk")[:SAID]
        leads = self.leads_of(request, [(pair.first, pair.second) for pair in pages])
        different = self.leads_of(request, [(pair.first_id, pair.second_id) for pair in said])
        context = {
            **self.admin_site.each_context(request),
            "title": _("Duplicates"),
            "opts": self.opts,
            "pages": pages,
            "pairs": [
                {"why": pair.why, "percent": round(pair.score * 100), **leads[pair.first, pair.second]}
                for pair in pages
                if (pair.first, pair.second) in leads
            ],
            "different": [
                {"said": pair, **different[pair.first_id, pair.second_id]}
                for pair in said
                if (pair.first_id, pair.second_id) in different
            ],
            "may_change": self.has_change_permission(request),
        }
        return TemplateResponse(request, "backoffice/pairs.html", context)

    def leads_of(self, request: HttpRequest, pairs: list[tuple[int, int]]) -> dict[tuple[int, int], dict[str, Any]]:
        """By pair, both leads as the page shows them; without pairs of which one is gone. One query."""
        rows = self.get_queryset(request).select_related("assigned_to").in_bulk({pk for pair in pairs for pk in pair})
        return {
            pair: {
                "leads": [self.shown(rows[pk]) for pk in pair],
                "merge_href": self.merge_url(*(rows[pk] for pk in pair)),
            }
            for pair in pairs
            if rows.keys() >= {*pair}
        }

    def shown(self, lead: Restaurant) -> dict[str, Any]:
        href = reverse("admin:lead_restaurant_change", args=[lead.pk])
        return {"lead": lead, "text": self.describe(lead), "href": href}

    def say(self, request: HttpRequest, first: str) -> HttpResponse:
        """That the two leads are different, or no longer. Raises DoesNotExist where one is hidden or gone."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        ids = (first, request.POST.get("second", ""))
        lead, other = (self.get_queryset(request).get(pk=id_of(pk) or 0) for pk in ids)
        names = {"one": lead, "other": other}
        try:
            with transaction.atomic():
                if "take_back" in request.POST:
                    lead.take_back_not_duplicate(other.pk)
                    self.log_change(request, lead, f"Took back that lead {other.pk}, {other}, is another one.")
                    text = _("It is no longer said that %(one)s and %(other)s are different.") % names
                else:
                    lead.say_not_duplicate(other.pk, by=request.user)
                    self.log_change(request, lead, f"Said that lead {other.pk}, {other}, is another one.")
                    text = _("%(one)s and %(other)s are different. This is remembered.") % names
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.WARNING)
        else:
            self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(request.get_full_path())
