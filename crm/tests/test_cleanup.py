"""`manage.py cleanup` deletes expired rows and no others."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core.management import call_command

from crm.api import idempotency, login_limits
from crm.management.commands import cleanup
from crm.models import IdempotencyKey, RevokedToken, SignInAttempts

NOW = datetime(2024, 12, 28, 9, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def store_key(user, name: str, created_at: datetime) -> None:
    IdempotencyKey.objects.create(user=user, key=name, request="", created_at=created_at)


def rows_of_every_table(user, name: str, *, late: timedelta) -> None:
    """One row in each table, whose time is up at NOW − `late`."""
    store_key(user, name, NOW - late - idempotency.RETENTION)
    RevokedToken.objects.create(name=name, expires_at=NOW - late)
    SignInAttempts.objects.create(key=name, updated_at=NOW - late - login_limits.WINDOW)
    Session.objects.create(session_key=name, session_data="", expire_date=NOW - late)


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


def test_expired_rows_are_deleted_and_others_stay(user, capsys):
    rows_of_every_table(user, "old", late=SECOND)
    rows_of_every_table(user, "new", late=-SECOND)
    call_command("cleanup")
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["new"]
    assert list(RevokedToken.objects.values_list("name", flat=True)) == ["new"]
    assert list(SignInAttempts.objects.values_list("key", flat=True)) == ["new"]
    assert list(Session.objects.values_list("session_key", flat=True)) == ["new"]
    assert capsys.readouterr().out.splitlines() == [
        "Deleted 1 idempotency keys.",
        "Deleted 1 revoked tokens.",
        "Deleted 1 sign-in attempts.",
        "Deleted 1 sessions.",
    ]


def test_more_rows_than_a_batch_are_deleted_too(user, monkeypatch, capsys):
    monkeypatch.setattr(cleanup, "BATCH", 2)
    for number in range(5):
        store_key(user, f"old {number}", NOW - idempotency.RETENTION - SECOND)
    call_command("cleanup")
    assert not IdempotencyKey.objects.exists()
    assert "Deleted 5 idempotency keys." in capsys.readouterr().out


def test_a_row_that_is_renewed_during_the_cleanup_stays(user, monkeypatch):
    store_key(user, "renewed", NOW - idempotency.RETENTION - SECOND)
    expired = IdempotencyKey.objects.filter(created_at__lt=NOW - idempotency.RETENTION)

    def list_and_renew(keys):
        keys = list(keys)
        IdempotencyKey.objects.update(created_at=NOW)
        return keys

    monkeypatch.setattr(cleanup, "list", list_and_renew, raising=False)
    assert cleanup.delete(expired) == 0
    assert IdempotencyKey.objects.exists()
