"""Fill an empty database with demo data and with users to sign in as."""

import sys
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, no_translations
from django.db import transaction

from backoffice import demo
from backoffice.models import SavedList
from call.models import WorkProfile
from crm import dates
from crm.progress import Progress
from lead.models import Team

LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}
OTHER_MANAGERS = ["kam.north", "kam.south", "kam.west"]  # with leads and a work profile, without a password


def refusal() -> str | None:
    """Why demo data must not be loaded here, or None."""
    if settings.HTTPS or not set(settings.ALLOWED_HOSTS) <= LOCAL_HOSTS:
        return "Demo data, with its well-known passwords, is for a local machine (HTTPS off, ALLOWED_HOSTS local)."
    if get_user_model().objects.exists():
        return "There is data already."
    return None


def create_users() -> list:
    """Creates the missing ones of the demo's users. Returns the account managers among them."""
    users = get_user_model().objects
    with transaction.atomic():
        if not users.filter(username="admin").exists():
            users.create_superuser("admin", "admin@example.com", "admin")
        if not users.filter(username="demo").exists():
            users.create_user("demo", "demo@example.com", "demo")
        for name in OTHER_MANAGERS:
            if not users.filter(username=name).exists():
                user = users.create_user(name, f"{name}@example.com")
                WorkProfile.objects.create(user=user, time_zone="Asia/Kolkata", working_days=[1, 2, 3, 4, 5, 6])
        managers = list(users.filter(username__in=["demo", *OTHER_MANAGERS]).order_by("id"))
        create_teams({user.username: user.pk for user in managers})
        create_lists(admin=users.get(username="admin"), demo=managers[0])
        return managers


def create_teams(ids: dict[str, int]) -> None:
    """A small tree, whose top the user `demo` manages; in a database without teams."""
    if Team.objects.exists():
        return
    sales = Team.establish(name="Sales", members=[ids["demo"]], managers=[ids["demo"]])
    south = Team.establish(name="South", parent=sales, members=[ids["kam.south"]], managers=[ids["kam.south"]])
    Team.establish(name="West", parent=south, members=[ids["kam.west"]])
    Team.establish(name="North", parent=sales, members=[ids["kam.north"]])


def create_lists(*, admin: Any, demo: Any) -> None:
    """Of the superuser one of their own and one for a team; of a manager one that shows each who opens it their own."""
    sales = Team.objects.filter(name="Sales").first()
    lists = [
        (admin, "Overdue in Pune", "call.callplan", "city=Pune&due=overdue", None),
        (admin, "Open leads without a call plan", "lead.restaurant", "plans=none&status=open", sales),
        (demo, "My overdue calls", "call.callplan", "due=overdue&owner=me", sales),
    ]
    for owner, name, model, query, team in lists:
        SavedList.objects.get_or_create(owner=owner, name=name, defaults={"model": model, "query": query, "team": team})


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser) -> None:
        parser.add_argument("--leads", type=int, default=200, metavar="N", help="how many (default: 200)")
        parser.add_argument("--force", action="store_true", help="in any database, after existing data")

    @no_translations  # what is stored is in English
    def handle(self, *, leads: int, force: bool, **options) -> None:
        if leads < 1:
            raise CommandError("--leads is at least 1.")
        reason = refusal()
        if reason and not force:
            raise CommandError(f"{reason} Use --force to load demo data nevertheless.")
        batches = demo.load(leads, users=create_users(), today=dates.today(dates.server_zone()))
        progress = Progress(leads, "leads", sys.stderr)
        try:
            with progress:
                for loaded in batches:
                    progress.advance(loaded)
        except KeyboardInterrupt:
            raise CommandError(f"Stopped after {progress.done:,} leads.", returncode=130) from None
        self.stdout.write(f"Loaded {leads:,} demo leads. Sign in as demo / demo; in the admin as admin / admin.")
