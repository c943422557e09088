"""The pages of users. Only superusers write here: with the permission to change users, one could become a superuser."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse

from backoffice.accounts.second_factor_admin import SecondFactorAdminMixin
from crm.db.deletion import summary

User = get_user_model()
admin.site.unregister(User)  # Django's own


@admin.register(User)
class UserAdmin(SecondFactorAdminMixin, auth_admin.UserAdmin):
    list_display = ["username", "name", "roles", "is_active", "is_staff", "last_login"]
    list_filter = ["is_active", "is_staff", "is_superuser", "groups"]
    list_per_page = 50
    show_full_result_count = False
    fields_to_view = ["username", "name", "email", "roles", "is_active", "is_staff", "last_login", "date_joined"]
    public_fields = ["username", "name", "is_active"]  # as in `/api/users/`

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(ordering="first_name")
    def name(self, user: Any) -> str:
        return user.get_full_name()

    def roles(self, user: Any) -> str:
        names = sorted(group.name for group in user.groups.all())
        return "superuser" if user.is_superuser else ", ".join(names) or "none"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None):
        """A user who may only view sees neither the password's digest nor single permissions."""
        if request.user.is_superuser:
            return super().get_fieldsets(request, obj)
        return [(None, {"fields": self.fields_to_view if self.may_view_details(request) else self.public_fields})]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Every user sees names: to choose an owner from, and behind the links on the pages of leads."""
        is_autocomplete = request.resolver_match and request.resolver_match.url_name == "autocomplete"
        return bool(obj or is_autocomplete) or super().has_view_permission(request, obj)

    def may_view_details(self, request: HttpRequest) -> bool:
        """Whether more than the names is shown."""
        return super().has_view_permission(request)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """It shows changes of roles and second factors."""
        if not self.may_view_details(request):
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)

    def get_search_results(self, request: HttpRequest, queryset: models.QuerySet, search_term: str):
        """Autocompletion has no form that would refuse NUL, which PostgreSQL cannot store."""
        if "\0" in search_term:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def get_search_fields(self, request: HttpRequest):
        """A user who is not shown e-mail addresses cannot search them either."""
        fields = super().get_search_fields(request)
        return fields if self.may_view_details(request) else [field for field in fields if field != "email"]

    def get_deleted_objects(self, objs: Any, request: HttpRequest):
        """Only counts: most of what refers to a user stays, and would take long to list."""
        return *summary(User.objects.filter(pk__in=[user.pk for user in objs]), request, self.admin_site), set(), []
