"""`make run` is `manage.py serve`: its preparation, and that a signal stops all of it."""

import os
import signal
from io import StringIO

import pytest
from django.contrib.auth import get_user_model

from backoffice.management.commands.serve import Command
from crm.tests.server import SERVE, Server, running
from lead.models import Restaurant


@pytest.fixture(autouse=True)
def local_machine(settings, monkeypatch):
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
    for name in ("HOST", "PORT", "DEMO"):
        monkeypatch.delenv(name, raising=False)


def said() -> str:
    """What it says, having prepared everything, when it would begin to serve."""
    output = StringIO()
    Command(stdout=output).prepare(verbosity=0)
    return output.getvalue()


def test_the_first_start_loads_demo_data_and_names_its_users(db):
    assert said().splitlines() == [
        "Loaded 200 demo leads. Sign in as demo / demo; in the admin as admin / admin.",
        "Serving http://127.0.0.1:8000/ (the admin at /admin/). Sign in as demo / demo, in the admin as admin / admin.",
        "Stop with Ctrl-C.",
    ]
    assert Restaurant.objects.count() == 200


def test_a_database_with_users_is_left_alone(user):
    assert "Sign in with your user." in said()
    assert not Restaurant.objects.exists()


def test_a_changed_demo_password_is_not_advertised(db):
    get_user_model().objects.create_user("demo", password="my own secret")
    assert "Sign in with your user." in said()


@pytest.mark.parametrize(("name", "value"), [("DEMO", "0"), ("HOST", "0.0.0.0")])
def test_without_demo_data_there_is_no_user(name, value, db, monkeypatch):
    monkeypatch.setenv(name, value)
    assert "There is no user yet" in said()
    assert not get_user_model().objects.exists()


@pytest.mark.parametrize(("setting", "value"), [("HTTPS", True), ("ALLOWED_HOSTS", ["crm.example.com"])])
def test_a_server_for_others_gets_no_demo_data(setting, value, db, settings):
    setattr(settings, setting, value)
    assert "No demo data" in said()
    assert not get_user_model().objects.exists()


def test_the_address_is_printed(user, monkeypatch):
    monkeypatch.setenv("HOST", "localhost")
    monkeypatch.setenv("PORT", "8001")
    assert "Serving http://localhost:8001/" in said()


def assert_a_signal_stops_all_of_it(server: Server, stop: signal.Signals) -> None:
    os.killpg(server.process.pid, stop)
    assert server.process.wait(timeout=60) == 0
    with pytest.raises(ProcessLookupError):
        os.killpg(server.process.pid, 0)


@pytest.mark.server
def test_serve_starts_on_an_empty_database_and_sigterm_stops_all_of_it(tmp_path):
    with running(f"sqlite:///{tmp_path}/db.sqlite3", command=SERVE, DEMO="1") as server:
        assert list(server.sign_in("demo", "demo").json()) == ["access", "refresh"]
        assert_a_signal_stops_all_of_it(server, signal.SIGTERM)


@pytest.mark.server
def test_serve_starts_on_a_migrated_database_and_sigint_stops_all_of_it(database):
    with running(database, command=SERVE) as server:
        assert list(server.sign_in("kam").json()) == ["access", "refresh"]
        assert_a_signal_stops_all_of_it(server, signal.SIGINT)
