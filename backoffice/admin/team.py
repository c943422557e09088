"""The list of teams, and the page of one: its place in the tree, its members and its managers."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.actions import DeleteRows
from backoffice.admin.base import AUDIT_FIELDS, TimestampedAdmin
from backoffice.admin.changelist import LargeChangeListMixin
from backoffice.admin.departures import DeletionForm, DepartureMixin
from lead.models import Restaurant, Team

USERS = ["members", "managers"]


class DeleteTeams(DeleteRows):
    """It asks too to whom the leads of the members go."""

    form_class = DeletionForm
    refusal = gettext_lazy("These teams are above others: {}. Move or delete the teams below them first.")

    def get_form(self, model_admin: Any, request: HttpRequest, ids: list[int], data: Any) -> forms.Form:
        teams = list(model_admin.get_queryset(request).filter(pk__in=ids))
        return model_admin.departure_form(request, teams, data)

    def run(self, model_admin: Any, request: HttpRequest, ids: list[int], **answer: Any) -> int:
        teams = model_admin.get_queryset(request).filter(pk__in=ids)
        self.check(model_admin, request, teams)
        form: Any = self.get_form(model_admin, request, ids, request.POST)
        model_admin.depart(request, form, list(teams))
        return super().run(model_admin, request, ids)

    def check(self, model_admin: Any, request: HttpRequest, rows: QuerySet) -> None:
        if refusal := self.get_extra_context(model_admin, request, rows)["refusal"]:
            raise ValidationError(refusal)


@admin.register(Team)
class TeamAdmin(DepartureMixin, LargeChangeListMixin, TimestampedAdmin):
    search_fields = ["name"]
    search_help_text = gettext_lazy("Name")
    list_display = ["name", "parent", "member_count", "manager_count"]
    list_select_related = ["parent"]
    ordering = ["name", "id"]
    autocomplete_fields = ["parent", *USERS]
    fields: Any = ["name", "parent", *USERS, *AUDIT_FIELDS]
    change_form_template = "backoffice/row_page.html"
    delete_action: ClassVar[DeleteRows] = DeleteTeams()
    has_moments = False

    # --- The list -----------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("members"))
    def member_count(self, team: Any):
        return team.counts["members"]

    @admin.display(description=gettext_lazy("managers"))
    def manager_count(self, team: Any):
        return team.counts["managers"]

    def annotate_page(self, request: HttpRequest, rows: list[Any]) -> None:
        counts = [count_of_users(name) for name in USERS]
        teams = Team.objects.filter(pk__in=[team.pk for team in rows]).order_by()
        found = {pk: values for pk, *values in teams.values_list("pk", *counts)}
        for team in rows:
            team.counts = dict(zip(USERS, found.get(team.pk, (0, 0)), strict=True))

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str):
        """Django's: the table has no search column. PostgreSQL cannot store NUL, which no form refuses here."""
        if "\0" in search_term:
            return queryset.none(), False
        return admin.ModelAdmin.get_search_results(self, request, queryset, search_term)

    # --- The verbs ----------------------------------------------------------------------------

    def create(self, **fields: Any) -> Team:
        return Team.establish(**with_ids(fields))

    def edit(self, obj: Any, *, by: Any, **changes: Any) -> None:
        """The form has validated the parent as of its page; the tree may have changed since."""
        try:
            obj.edit(by=by, **with_ids(changes))
        except ValidationError as error:
            raise IntegrityError(str(error)) from error

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The verbs have written members and managers."""

    # --- Deletion -----------------------------------------------------------------------------

    def get_deleted_objects(self, objs: Any, request: HttpRequest):
        """A team that has teams below it is not deleted."""
        deleted, counts, missing, _protected = super().get_deleted_objects(objs, request)
        above = Team.objects.filter(pk__in=[team.pk for team in objs], teams_below__isnull=False)
        return deleted, counts, missing, [str(team) for team in above.distinct()]

    def departure_form(self, request: HttpRequest, rows: list[Any], data: Any) -> DeletionForm:
        """Of all leads that members of the teams own, whatever other teams these belong to."""
        form = DeletionForm(data, label_suffix="")
        members = Team.members.through.objects.filter(team__in=[team.pk for team in rows]).values("user")
        may_hand_over = request.user.has_perm("lead.hand_over_restaurant")
        form.offer(request.user, may_hand_over=may_hand_over, may_stay=True)
        form.ask(_("The members own"), Restaurant.objects.visible_to(request.user).filter(assigned_to__in=members))
        return form


def count_of_users(name: str) -> Coalesce:
    """How many `members` or `managers` a team has."""
    rows = getattr(Team, name).through.objects.filter(team=OuterRef("pk")).order_by().values("team")
    return Coalesce(Subquery(rows.annotate(count=Count("pk")).values("count")), 0)


def with_ids(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: [user.pk for user in value] if name in USERS else value for name, value in fields.items()}
