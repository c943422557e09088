"""The server of the end-to-end tests: `manage.py serve` on a fresh database with demo data and a user of each role."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crm.tests import PASSWORD
from crm.tests.server import SERVE, environment, manage, new_database, running

LEADS = 150
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "e2e.settings",
    "ALLOWED_HOSTS": "127.0.0.1",
    "THROTTLE": "1",
    "DEMO": "0",  # loaded before the server starts
}

# Usernames and their roles; without a role: a superuser.
ROLES = {
    "asha": "",
    "back.office": "Back office",
    "manager": "Manager",
    "kam": "KAM",
    "reader": "Read only",
    "forgetful": "KAM",
    "careful": "KAM",
    "cautious": "KAM",
    "examined": "KAM",
    "planner": "KAM",
    "newcomer": "KAM",
    "scriptless": "KAM",
    "german": "KAM",
    **{f"{city}.{width}": "KAM" for city in ("kolkata", "sao.paulo") for width in (1280, 390)},
}

# The users, and what demo data lacks: a lead that was handed over.
CREATE_USERS = f"""
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from lead.models import Restaurant
for name, role in {ROLES!r}.items():
    user = get_user_model().objects.create_user(name, password={PASSWORD!r}, is_staff=True, is_superuser=not role)
    if role:
        user.groups.add(Group.objects.get(name=role))
asha, lead = get_user_model().objects.get(username="asha"), Restaurant.objects.first()
Restaurant.objects.hand_over(lead.assigned_to_id, asha.pk, leads=[lead.pk], by=asha)
"""


@contextmanager
def served(log: Path) -> Iterator[str]:
    """The address of the server, whose output goes to the file `log`."""
    with new_database(f"crm_e2e_{os.getpid()}") as database:
        env = environment(database.url, **SETTINGS)
        with log.open("ab") as output:
            for arguments in (
                ("migrate", "--verbosity", "0"),
                ("demo", "--leads", str(LEADS)),
                ("shell", "--verbosity", "0", "--command", CREATE_USERS),
            ):
                manage(database.url, *arguments, env=env, stdout=output, stderr=output)
        with running(database, log=log, command=SERVE, **SETTINGS) as server:
            yield server.address
