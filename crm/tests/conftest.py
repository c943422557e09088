from copy import deepcopy
from types import ModuleType

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.test import TestCase
from rest_framework.routers import SimpleRouter

from crm.tests import PASSWORD
from crm.tests.bad_values import LISTS, fill
from crm.tests.support import create_rows_of_two_users, rows_of_all_tables, signed_in
from crm.tests.tagged import ORDER, WRITES, Resource, resource

collect_ignore = []
if connection.vendor != "postgresql":  # SQLite has no pooler
    collect_ignore.append("test_pooled.py")
if settings.DATABASES["default"]["ENGINE"] != "crm.fast.postgresql":  # others prepare no statements
    collect_ignore.append("test_prepared_statements.py")


@pytest.fixture
def statements(db):
    """The SQL that is sent to the database."""
    sent = []

    def record(execute, sql, *args):
        sent.append(sql)
        return execute(sql, *args)

    with connection.execute_wrapper(record):
        yield sent


@pytest.fixture
def tokens(anonymous_client, user) -> dict:
    """What signing in answers."""
    return anonymous_client.post("/api/token/", {"username": "kam", "password": PASSWORD}).json()


# --- Hooks of Django and DRF ------------------------------------------------------------------


@pytest.fixture(params=[True, False], ids=["fast", "stock"])
def fast(request, settings):
    settings.FAST = request.param
    return request.param


@pytest.fixture(scope="module")
def rows_of_two_users(django_db_setup, django_db_blocker):
    """The rows of `users`, created once for all tests of a module; each test's changes are rolled back to them."""
    with django_db_blocker.unblock(), transaction.atomic():
        create_rows_of_two_users()
        yield
        transaction.set_rollback(True)


@pytest.fixture
def users(rows_of_two_users, db):
    """Anna and Ben, with rows of every table each."""
    return list(get_user_model().objects.filter(username__in=["anna", "ben"]).order_by("id"))


@pytest.fixture
def mount(settings):
    """Mounts a ViewSet at /x/."""

    def mount(view):
        router = SimpleRouter()
        router.register("x", view, basename="x")
        module = ModuleType("mounted")
        module.urlpatterns = router.urls
        module.handler404, module.handler500 = "crm.api.exceptions.not_found", "django.views.defaults.server_error"
        settings.ROOT_URLCONF = module

    return mount


# --- A second database ------------------------------------------------------------------------


@pytest.fixture(scope="session")
def other_tables(django_db_setup, django_db_blocker):
    """The alias `other`, with the same tables."""
    with django_db_blocker.unblock():
        default = connections[DEFAULT_DB_ALIAS]
        config = deepcopy(connections.databases[DEFAULT_DB_ALIAS])
        config["CONN_MAX_AGE"] = 0
        if default.vendor == "sqlite":
            config |= {"NAME": "file:other?mode=memory&cache=shared", "OPTIONS": {}}
            config["TEST"] = {**config.get("TEST", {}), "NAME": None, "MIRROR": None}
        else:
            config["NAME"] = "test_hooktests_other"
            with default._nodb_cursor() as cursor:
                cursor.execute('DROP DATABASE IF EXISTS "test_hooktests_other" WITH (FORCE)')
                cursor.execute('CREATE DATABASE "test_hooktests_other"')
        connections.databases["other"] = config
        if default.vendor == "sqlite":
            for connected in (default, connections["other"]):
                connected.ensure_connection()
            default.connection.backup(connections["other"].connection)
        else:
            call_command("migrate", database="other", verbosity=0, interactive=False)
        yield "other"
        connections["other"].close()
        if default.vendor == "postgresql":
            with default._nodb_cursor() as cursor:
                cursor.execute('DROP DATABASE "test_hooktests_other" WITH (FORCE)')
        del connections.databases["other"]
        del connections["other"]


@pytest.fixture
def other(other_tables, request, monkeypatch):
    """The alias; both databases are in a transaction that is rolled back."""
    monkeypatch.setattr(TestCase, "databases", {DEFAULT_DB_ALIAS, "other"}, raising=False)
    request.getfixturevalue("django_db_blocker").unblock()
    atomics = TestCase._enter_atomics()
    yield "other"
    TestCase._rollback_atomics(atomics)
    request.getfixturevalue("django_db_blocker").restore()


@pytest.fixture
def both(other):
    """A user who is in both databases under one id."""
    users = get_user_model().objects
    user = users.create_user("anna")
    users.using("other").bulk_create([get_user_model()(pk=user.pk, username="anna", password=user.password)])
    return user


# --- Bad input --------------------------------------------------------------------------------


@pytest.fixture
def ids(lead, contact, interaction, plan):
    return {"lead": lead.pk, "contact": contact.pk, "interaction": interaction.pk, "plan": plan.pk}


@pytest.fixture
def strict_client(user):
    """A client with a token of `user` that enforces CSRF checks and gets exceptions as status 500."""
    return signed_in(user, raise_request_exception=False, enforce_csrf_checks=True)


@pytest.fixture
def nothing_stored(lists_still_answer):
    """The tables have the same rows afterwards, and every list can still be read."""
    before = rows_of_all_tables()
    yield
    assert rows_of_all_tables() == before


@pytest.fixture
def lists_still_answer(strict_client, ids):
    yield
    for path in LISTS:
        assert strict_client.get(fill(path, ids)).status_code == 200


@pytest.fixture
def thing(request, lead, contact, interaction, plan) -> Resource:
    interaction.write_order(**ORDER)
    return resource(request.param, lead, contact, interaction, plan)


@pytest.fixture
def write(request, lead, contact, interaction, plan):
    """One of the writes of a resource, and the path of what it changes."""
    kind, number = request.param
    interaction.write_order(**ORDER)
    row = resource(kind, lead, contact, interaction, plan)
    assert len(row.writes) == WRITES[kind]
    return row.path, *row.writes[number]
