"""`manage.py demo` on an empty database, and its progress bar."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.contrib.auth import authenticate, get_user_model
from django.core.management import CommandError, call_command

from backoffice import demo
from crm import dates
from crm.progress import Progress
from lead.models import Restaurant

NOW = datetime(2024, 12, 28, 9, 30, tzinfo=UTC)
MIDNIGHT = datetime(2024, 12, 28, tzinfo=UTC)


@pytest.fixture(autouse=True)
def local_machine(settings):
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


def test_demo_forced_leaves_the_password_of_a_user_unchanged(user):
    get_user_model().objects.create_user("demo", password="my own secret")
    call_command("demo", leads=1, force=True)
    assert authenticate(None, username="demo", password="my own secret")


@pytest.mark.parametrize(
    ("setting", "value"),
    [("HTTPS", True), ("ALLOWED_HOSTS", ["localhost", "crm.example.com"]), ("ALLOWED_HOSTS", ["*"])],
)
def test_demo_refuses_settings_of_a_public_server(setting, value, db, settings):
    setattr(settings, setting, value)
    with pytest.raises(CommandError, match="local machine"):
        call_command("demo", leads=1)
    assert not get_user_model().objects.exists()


def test_demo_refuses_zero_leads(db):
    with pytest.raises(CommandError, match="at least 1"):
        call_command("demo", leads=0)


def test_demo_interrupted_leaves_whole_batches(db, monkeypatch):
    save = demo.save

    def save_once(accounts):
        if Restaurant.objects.exists():
            raise KeyboardInterrupt
        save(accounts)

    monkeypatch.setattr(demo, "save", save_once)
    with pytest.raises(CommandError, match="Stopped after 100 leads"):
        call_command("demo", leads=250)
    assert Restaurant.objects.count() == 100


def test_the_clock_runs_again_after_a_frozen_block():
    with dates.frozen(MIDNIGHT):
        assert dates.now() == MIDNIGHT
    assert dates.now() == NOW


class Terminal:
    def __init__(self, *, isatty: bool) -> None:
        self.written, self.isatty = "", lambda: isatty

    def write(self, text: str) -> None:
        self.written += text

    def flush(self) -> None:
        pass


def test_the_progress_bar_fills_on_a_terminal():
    terminal = Terminal(isatty=True)
    with Progress(2_000, "leads", terminal) as progress:
        progress.advance(1_000)
        progress.advance(1_000)
    first, second = terminal.written.strip().split("\r")
    assert first == "[###############...............] 1,000/2,000 leads"
    assert second == "[##############################] 2,000/2,000 leads"


def test_the_progress_bar_is_silent_elsewhere():
    log = Terminal(isatty=False)
    with Progress(2, "leads", log) as progress:
        progress.advance(1)
    assert log.written == ""
