"""Saved lists: all that one sees, the pages to rename, share and delete one's own, and the way to what they show."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.base import ConflictsMixin, FormFieldsMixin
from backoffice.admin.changelist import EMPTY, LargeChangeList, LargeChangeListMixin
from backoffice.admin.list_query import ListQuery, lists_of, name_of_list
from backoffice.admin.saving import SavedListForm, open_url, teams_of
from backoffice.models import SavedList
from lead.models import Team


class SavedListChangeList(LargeChangeList):
    def url_for_result(self, result: Any) -> str:
        """The list opens; its own page has a link in the last column."""
        return open_url(result)


@admin.register(SavedList)
class SavedListAdmin(LargeChangeListMixin, FormFieldsMixin, ConflictsMixin):
    """Every user of the admin may save lists that they may view. Superusers see, and may end, what others share."""

    form: Any = SavedListForm
    list_display = ["name", "what", "owner", "team", "page"]
    list_select_related = ["owner", "team"]
    list_per_page = 50
    show_full_result_count = False
    ordering = ["name", "id"]
    actions = None
    change_form_template = "backoffice/row_page.html"
    has_moments = False

    # --- Who may do what ----------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = SavedList.objects.visible_to(request.user)
        if request.user.is_superuser:
            rows = rows | SavedList.objects.filter(team__isnull=False)
        return rows

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The navigation has the lists themselves (saving.links)."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(lists_of(self.admin_site, request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        owns = obj is None or obj.owner_id == request.user.pk or request.user.is_superuser
        return owns and self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    # --- The list -----------------------------------------------------------------------------

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SavedListChangeList

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """A list is saved from its own page."""
        return super().changelist_view(request, {"has_add_permission": False, **(extra_context or {})})

    def annotate_page(self, request: HttpRequest, rows: Any) -> None:
        for row in rows:
            row.may_change = self.has_change_permission(request, row)

    @admin.display(description=gettext_lazy("list"))
    def what(self, row: SavedList) -> str:
        found = [each for model, each in self.admin_site._registry.items() if model._meta.label_lower == row.model]
        return name_of_list(found[0]) if found else row.model

    @admin.display(description="")
    def page(self, row: Any) -> str:
        if not row.may_change:
            return EMPTY
        url = reverse("admin:backoffice_savedlist_change", args=[row.pk])
        text, of = _("Rename, share or delete"), _("Rename, share or delete “%(name)s”") % {"name": row.name}
        return format_html('<a href="{}" aria-label="{}">{}</a>', url, of, text)

    def get_urls(self) -> list:
        view = self.admin_site.admin_view(self.open_view)
        return [path("<int:pk>/open/", view, name="backoffice_savedlist_open"), *super().get_urls()]

    def open_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """To the list, with a message for each of its parameters that means nothing any more."""
        saved = self.get_queryset(request).filter(pk=pk).first()
        if saved is None:
            return self.redirect_missing(request, str(pk))
        model_admin = lists_of(self.admin_site, request).get(saved.model)
        if model_admin is None:
            raise PermissionDenied
        query = ListQuery(model_admin, QueryDict(saved.query), request)
        for problem in query.problems():
            self.message_user(request, problem, messages.WARNING)
        name = f"{model_admin.opts.app_label}_{model_admin.opts.model_name}"
        everything = "owner=" if query.filterset_class else ""  # without a filter it may open with the own rows
        return redirect(f"{reverse(f'admin:{name}_changelist')}?{query.encoded() if query.narrows else everything}")

    # --- The page -----------------------------------------------------------------------------

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["name", "team"] if obj else ["name", "team", "model", "query"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The list may be shared with a team that the user sees; the present one may stay."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.request, form.site = request, self.admin_site
        if field := form.base_fields.get("team"):
            present = Team.objects.filter(pk=obj.team_id) if obj else Team.objects.none()
            field.queryset, field.empty_label = teams_of(request.user) | present, _("Nobody")
            field.widget = field.widget.widget  # without buttons to add or change a team
        return form

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST" and not {"model", "query"} <= request.GET.keys():
            self.message_user(request, _("Filter a list, then save it on its page."))
            return redirect("admin:backoffice_savedlist_changelist")
        return super().add_view(request, *args, **kwargs)

    def render_change_form(self, request: HttpRequest, context: Any, **kwargs: Any) -> HttpResponse:
        context |= {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().render_change_form(request, context, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            obj.edit(**{name: form.cleaned_data[name] for name in form.changed_data})
        else:
            obj.owner = request.user
            super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        self.message_user(request, _("Saved as “%(name)s”.") % {"name": obj.name}, messages.SUCCESS)
        return redirect(open_url(obj))
