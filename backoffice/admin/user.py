"""The pages of users. Only superusers write here: with the permission to change users, one could become a superuser."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.accounts.second_factor_admin import SecondFactorAdminMixin
from backoffice.admin.changelist import SavableListMixin
from backoffice.admin.departures import DeletionForm, DepartureMixin, UserForm
from crm.db.deletion import summary
from lead.models import Policy, Restaurant

User = get_user_model()
admin.site.unregister(User)  # Django's own


@admin.register(User)
class UserAdmin(SavableListMixin, DepartureMixin, SecondFactorAdminMixin, auth_admin.UserAdmin):
    form = UserForm
    list_display = ["username", "name", "roles", "is_active", "is_staff", "last_login"]
    list_filter = ["is_active", "is_staff", "is_superuser", "groups"]
    list_per_page = 50
    show_full_result_count = False
    fields_to_view = ["username", "name", "email", "roles", "is_active", "is_staff", "last_login", "date_joined"]
    public_fields = ["username", "name", "is_active"]  # as in `/api/users/`

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description=gettext_lazy("name"), ordering="first_name")
    def name(self, user: Any) -> str:
        return user.get_full_name()

    @admin.display(description=gettext_lazy("roles"))
    def roles(self, user: Any) -> str:
        names = sorted(group.name for group in user.groups.all())
        return _("superuser") if user.is_superuser else ", ".join(names) or _("none")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None):
        """A user who may only view sees neither the password's digest nor single permissions."""
        if request.user.is_superuser:
            owns_leads = obj and Restaurant.objects.filter(assigned_to=obj.pk).exists()
            leads = [(gettext_lazy("Leads"), {"fields": ["leads", "leads_to"]})] if owns_leads else []
            *fieldsets, dates = super().get_fieldsets(request, obj)
            return [*fieldsets, *leads, dates]
        return [(None, {"fields": self.fields_to_view if self.may_view_details(request) else self.public_fields})]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Every user sees names: to choose an owner from, and behind the links on the pages of leads."""
        return bool(obj or is_autocomplete(request)) or super().has_view_permission(request, obj)

    def may_view_details(self, request: HttpRequest) -> bool:
        """Whether more than the names is shown."""
        return super().has_view_permission(request)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """It shows changes of roles and second factors."""
        if not self.may_view_details(request):
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)

    def get_search_results(self, request: HttpRequest, queryset: models.QuerySet, search_term: str):
        """Autocompletion has no form that would refuse NUL, which PostgreSQL cannot store.

        For an owner of leads it offers only active users to whom the viewer may hand over.
        """
        if "\0" in search_term:
            return queryset.none(), False
        if request.GET.get("field_name") == "assigned_to" and is_autocomplete(request):
            queryset = Policy.of(request.user).recipients(queryset.filter(is_active=True))
        return super().get_search_results(request, queryset, search_term)

    def get_search_fields(self, request: HttpRequest):
        """A user who is not shown e-mail addresses cannot search them either."""
        fields = super().get_search_fields(request)
        return fields if self.may_view_details(request) else [field for field in fields if field != "email"]

    def get_deleted_objects(self, objs: Any, request: HttpRequest):
        """Only counts: most of what refers to a user stays, and would take long to list."""
        return *summary(User.objects.filter(pk__in=[user.pk for user in objs]), request, self.admin_site), set(), []

    # --- Leaving ------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and form.cleaned_data.get("leads"):
            note = "" if obj.is_active else f"The owner {obj} was deactivated."
            if done := form.hand_over(by=request.user, note=note):
                self.message_user(request, done)

    def departure_form(self, request: HttpRequest, rows: list[Any], data: Any) -> DeletionForm:
        form = DeletionForm(data, label_suffix="")
        ids = [user.pk for user in rows]
        names = ", ".join(map(str, rows))
        form.ask(_("%(names)s owns") % {"names": names}, Restaurant.objects.filter(assigned_to__in=ids), leaving=ids)
        return form

    def departure_note(self, rows: list[Any]) -> str:
        return f"The owner {', '.join(map(str, rows))} was deleted."

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Locked first: from then on no lead can be given to the user."""
        list(User.objects.select_for_update().filter(pk=obj.pk).values_list("pk"))
        super().delete_model(request, obj)


def is_autocomplete(request: HttpRequest) -> bool:
    return request.resolver_match is not None and request.resolver_match.url_name == "autocomplete"
