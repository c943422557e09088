"""The authentication backend of API and admin."""

from typing import Any

from django.contrib.auth import get_user_model

from backoffice.accounts import second_factor
from backoffice.accounts.viewer import with_work_profile
from crm.api.login_limits import LimitedBackend


class StaffBackend(LimitedBackend):
    def get_user(self, user_id: Any) -> Any:
        """The user of a session; with the same query the device that the user signs in with, and the work profile."""
        users = with_work_profile(second_factor.with_device(get_user_model().objects.all()))
        user = users.filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None
