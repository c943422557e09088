"""The pages of users. Superusers alone write here: whoever could change a user could make themselves one."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse

from backoffice.accounts.second_factor_admin import WithSecondFactor
from crm.db.deletion import summary

User = get_user_model()
admin.site.unregister(User)  # Django's own


@admin.register(User)
class PersonAdmin(WithSecondFactor, UserAdmin):
    list_display = ["username", "name", "roles", "is_active", "is_staff", "last_login"]
    list_filter = ["is_active", "is_staff", "is_superuser", "groups"]
    list_per_page = 50
    show_full_result_count = False
    to_look_at = ["username", "name", "email", "roles", "is_active", "is_staff", "last_login", "date_joined"]
    known_to_all = ["username", "name", "is_active"]  # as in `/api/users/`

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(ordering="first_name")
    def name(self, user: Any) -> str:
        return user.get_full_name()

    def roles(self, user: Any) -> str:
        names = sorted(group.name for group in user.groups.all())
        return "superuser" if user.is_superuser else ", ".join(names) or "none"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None):
        """Whoever only looks sees neither the password's digest nor single permissions."""
        if request.user.is_superuser:
            return super().get_fieldsets(request, obj)
        return [(None, {"fields": self.to_look_at if self.may_look(request) else self.known_to_all})]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Names are known to all: to choose an owner from, and behind the links on the pages of leads."""
        asks_for_names = request.resolver_match and request.resolver_match.url_name == "autocomplete"
        return bool(obj or asks_for_names) or super().has_view_permission(request, obj)

    def may_look(self, request: HttpRequest) -> bool:
        """Whether more than the names is shown."""
        return super().has_view_permission(request)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """It tells of roles and second factors."""
        if not self.may_look(request):
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)

    def get_search_results(self, request: HttpRequest, queryset: models.QuerySet, search_term: str):
        """Autocompletion asks without a form, which would have refused what a database cannot hold."""
        if "\0" in search_term:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def get_search_fields(self, request: HttpRequest):
        """Whoever is shown no e-mail address does not find by it either."""
        fields = super().get_search_fields(request)
        return fields if self.may_look(request) else [field for field in fields if field != "email"]

    def get_deleted_objects(self, objs: Any, request: HttpRequest):
        """Counted: of what refers to a user, the most stays and is not looked at."""
        return *summary(User.objects.filter(pk__in=[user.pk for user in objs]), request, self.admin_site), set(), []
