"""Remove a user's second factor, so that the password alone signs them in: when app and recovery codes are lost."""

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from backoffice.accounts import second_factor


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser) -> None:
        parser.add_argument("username")

    def handle(self, *, username: str, **options) -> None:
        user = get_user_model().objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user {username!r}.")
        if not second_factor.remove(user):
            raise CommandError(f"{username} has no second factor.")
        self.stdout.write(f"Removed the second factor of {username}.")
