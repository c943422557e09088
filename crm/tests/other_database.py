"""A second database, `other`: with the same tables, kept for the test run, and emptied by each test's transaction."""

from copy import deepcopy

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model
from django.test import TestCase

APPS = ("lead", "contact", "track", "call", "crm", "auth")


class Router:
    """Sends everything of these models to `other`; rows may refer to each other across."""

    models: tuple = ()
    reads: tuple = ()  # replicas: read from `other`, written to the default one

    def db_for_read(self, model, **hints):
        return "other" if model in self.models or model in self.reads else None

    def db_for_write(self, model, **hints):
        return "other" if model in self.models else DEFAULT_DB_ALIAS if model in self.reads else None

    def allow_relation(self, *rows, **hints):
        return True


@pytest.fixture(scope="session")
def other_tables(django_db_setup, django_db_blocker):
    """The alias, with its tables."""
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
    """Both databases, each in a transaction that is undone."""
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


def rows_in(alias) -> dict[type[Model], int]:
    models = [model for label in APPS for model in apps.get_app_config(label).get_models()]
    return {model: count for model in models if (count := model._base_manager.using(alias).count())}
