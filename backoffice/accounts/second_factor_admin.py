"""What a superuser can do about a user's second factor: see that there is one, and remove it. No page shows a key."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_otp.plugins.otp_static import admin as static_admin
from django_otp.plugins.otp_totp import admin as totp_admin

from backoffice.accounts import second_factor

# django-otp registers pages that show the keys; it does so once, when its modules are first imported.
admin.site.unregister([static_admin.StaticDevice, totp_admin.TOTPDevice])


@admin.action(description=gettext_lazy("Remove the second factor"))
def remove_second_factor(model_admin: admin.ModelAdmin, request: Any, queryset: QuerySet) -> None:
    """For users who have lost app and recovery codes: the password alone signs them in again."""
    removed = [user.get_username() for user in queryset if second_factor.remove(user, by=request.user)]
    if removed:
        messages.success(request, _("Removed the second factor of %(users)s.") % {"users": ", ".join(removed)})
    else:
        messages.info(request, _("There was no second factor to remove."))


class SecondFactorAdminMixin(admin.ModelAdmin):
    """For the admin of users: a column, and for superusers the action above."""

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return second_factor.with_device(super().get_queryset(request))

    def get_list_display(self, request: HttpRequest) -> list[str]:
        return [*super().get_list_display(request), "has_second_factor"]

    @admin.display(boolean=True, description=gettext_lazy("second factor"))
    def has_second_factor(self, user: Any) -> bool:
        return user.second_factor is not None

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        action = self.get_action(remove_second_factor)
        return {action[1]: action} if action and request.user.is_superuser else {}
