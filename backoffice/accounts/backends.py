"""The authentication backend of API and admin."""

from typing import Any

from django.contrib.auth import get_user_model

from backoffice.accounts import second_factor
from crm.api.login_limits import LimitedBackend


class StaffBackend(LimitedBackend):
    def get_user(self, user_id: Any) -> Any:
        """The user of a session, and with the same query the device that the user signs in with."""
        user = second_factor.with_device(get_user_model().objects.all()).filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None
