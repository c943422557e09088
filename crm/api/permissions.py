"""Who may do what through the API: every active user sees and edits everything; `Read only` members only look."""

from rest_framework.permissions import SAFE_METHODS, IsAuthenticated

READ_ONLY_GROUP = "Read only"


class ActiveUserMayEdit(IsAuthenticated):
    message = "Your account may only read."

    def has_permission(self, request, view) -> bool:
        if not super().has_permission(request, view):
            return False
        return request.method in SAFE_METHODS or not is_read_only(request.user)


def is_read_only(user) -> bool:
    """Whether `user` is in the group `Read only`; the token's authentication has looked it up already."""
    if hasattr(user, "read_only"):
        return user.read_only
    return user.groups.filter(name=READ_ONLY_GROUP).exists()  # a user object may outlive the request
