"""Staff with exactly the permissions that a test names."""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission


def staff(*permissions: str):
    """A member of the staff who may do what is named, as in "lead.view_restaurant"."""
    person = get_user_model().objects.create_user("staff", is_staff=True)
    for name in permissions:
        app, codename = name.split(".")
        person.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return person
