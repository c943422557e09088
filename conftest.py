"""The small cast that the tests know by name, and the server of those that need a real one."""

import gc
import logging
import logging.config
from collections.abc import Iterator

import pytest
from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models.signals import post_migrate
from django.dispatch import receiver
from django.test.utils import setup_databases, teardown_databases
from rest_framework.test import APIClient

from backoffice.accounts import roles
from call.models import CallPlan
from contact.models import Contact
from crm import settings as project
from crm.api.permissions import READ_ONLY_GROUP
from crm.tests import PASSWORD
from crm.tests.server import USERS, Client, Database, Server, new_database, running
from crm.tests.support import Log, signed_in
from lead.models import Restaurant
from track.models import Interaction


def pytest_configure() -> None:
    """Settings of all tests: cheap digests, no limits (tests of these turn them on), static files on demand."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.THROTTLE = False
    settings.WHITENOISE_AUTOREFRESH = True  # looks files up; else every test client lists them all, in 30 ms


@receiver(post_migrate)
def grant_roles_again(sender: AppConfig, using: str, **kwargs) -> None:
    """A test with `transaction=True` empties all tables, also of the roles that a migration has created."""
    if sender.label == "backoffice" and "plan" not in kwargs:
        roles.grant(apps, using)


def pytest_collection_finish() -> None:
    """Exclude what is loaded from garbage collection, and collect less often: it took 9 % of the CPU of 524 tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


@pytest.fixture
def user(db):
    return get_user_model().objects.create_user("kam", password=PASSWORD)


@pytest.fixture
def reader(db):
    """A member of the group `Read only`."""
    reader = get_user_model().objects.create_user("reader", password=PASSWORD)
    reader.groups.add(Group.objects.get_or_create(name=READ_ONLY_GROUP)[0])
    return reader


@pytest.fixture
def anonymous_client(db):
    """A client that has not signed in."""
    return APIClient()


@pytest.fixture
def api(user):
    """A client with a token of `user`."""
    return signed_in(user)


@pytest.fixture
def lead(user):
    return Restaurant.objects.create(name="Bistro Anna", city="Pune", assigned_to=user, created_by=user)


@pytest.fixture
def contact(lead):
    return Contact.objects.create(restaurant=lead, name="Asha Rao", role="Manager", phone="123-456-7890")


@pytest.fixture
def interaction(lead, contact):
    return Interaction.log(lead=lead, contact=contact, interaction_type="CALL", details="Asked for the catalog.")


@pytest.fixture
def plan(lead):
    return CallPlan.objects.create(lead=lead, frequency="DAILY")


@pytest.fixture
def log(settings, request):
    """The logging of crm.settings, as with LOG_JSON=1 (or as the test's parameter says), written to memory."""
    as_json = getattr(request, "param", "json") == "json"
    settings.LOG_JSON = as_json
    stream = Log()
    root, access = logging.getLogger(), logging.getLogger("crm.access")
    formatter = project.LOGGING["formatters"]["json" if as_json else "text"]
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"ours": formatter},
        "handlers": {"memory": {"class": "logging.StreamHandler", "stream": stream, "formatter": "ours"}},
    }
    before = (root.handlers[:], root.level, access.level)
    logging.config.dictConfig(config | {"root": {"handlers": ["memory"], "level": "WARNING"}})
    access.setLevel("INFO" if as_json else "WARNING")
    yield stream
    root.handlers[:], root.level, access.level = before[0], before[1], before[2]


# --- A real server ------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def migrated(request, django_db_setup, django_db_blocker) -> Iterator[None]:
    """The database of the tests. pytest-django makes it only where a test asks for one; in some runs none does."""
    asking = {"db", "transactional_db"}
    if any(test.get_closest_marker("django_db") or asking & {*test.fixturenames} for test in request.session.items):
        yield
        return
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases={DEFAULT_DB_ALIAS})
        yield
        teardown_databases(made, verbosity=0)


@pytest.fixture(scope="session")
def database(migrated) -> Iterator[Database]:
    """A copy of the migrated database that the tests run on, with USERS, for all servers of this run."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "postgresql":  # SQLite's is in memory, and gone with its last connection
        connection.close()
    with new_database(f"{name}_server", source=name) as database:
        for user in USERS:
            database.run(
                "INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, first_name, last_name,"
                f" email, date_joined) VALUES ('{user}', '{make_password(PASSWORD)}', true, true, true, '', '', '',"
                " '2024-01-01 00:00:00')"
            )
        yield database


@pytest.fixture(scope="session")
def server(database) -> Iterator[Server]:
    """For tests that need no server of their own: two processes, no limits."""
    with running(database) as server:
        yield server


@pytest.fixture
def kam(server) -> Client:
    return server.client("kam")
