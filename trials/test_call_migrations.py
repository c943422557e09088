"""Rows that former migrations made are upgraded, and go back."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from call.models import CallEvent, CallPlan
from lead.models import Restaurant

MONDAY = datetime(2026, 1, 19, 9, tzinfo=UTC)
TUESDAY, LATER = MONDAY + timedelta(days=1), MONDAY + timedelta(days=9)

FORMER_PLAN = {
    "id": 1,
    "frequency": "DAILY",
    "last_called": MONDAY,
    "next_call_date": LATER,
    "notes": "",
    "paused": False,
    "settled_at": TUESDAY,
    "counts_from": MONDAY,
    "sequence": 3,
    "first_frequency": "WEEKLY",
    "first_given": LATER,
    "created_at": MONDAY,
    "updated_at": MONDAY,
}


def former_event(pk: int, kind: str, due: datetime = TUESDAY, **columns) -> dict:
    return {
        "id": pk,
        "plan_id": 1,
        "kind": kind,
        "planned": TUESDAY,
        "due": due,
        "happened_at": MONDAY + timedelta(minutes=pk),
        "reason": "",
        "outcome": "",
        "own": False,
        "frequency": "",
        "stands": False,
        "sets_last_called": False,
        "last_called": None,
        "created_at": MONDAY,
        "updated_at": MONDAY,
        **columns,
    }


FORMER = [
    former_event(1, "CALLED", own=True, outcome="REACHED"),
    former_event(2, "ATTEMPTED", outcome="NO_ANSWER"),
    former_event(3, "FREQUENCY_CHANGED", frequency="WEEKLY"),
    former_event(4, "FREQUENCY_CHANGED", frequency="MONTHLY", stands=True),
    former_event(5, "FREQUENCY_CHANGED", LATER, frequency="DAILY", stands=True),
    former_event(6, "SNOOZED", LATER),
    former_event(7, "SNOOZED"),
    former_event(8, "RESCHEDULED", sets_last_called=True),
    former_event(9, "RESCHEDULED", LATER, sets_last_called=True, last_called=MONDAY),
    former_event(10, "SKIPPED"),
    former_event(11, "PAUSED"),
    former_event(12, "RESUMED"),
]


def insert(table: str, row: dict) -> None:
    columns = ", ".join(f'"{name}"' for name in row)
    with connection.cursor() as cursor:
        cursor.execute(f'INSERT INTO "{table}" ({columns}) VALUES ({", ".join(["%s"] * len(row))})', [*row.values()])


def rows(table: str, columns: list[str]) -> list[dict]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT {", ".join(columns)} FROM "{table}" ORDER BY id')
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture
def db(django_db_setup, django_db_blocker):
    """The tables as they were before, with a plan and a line of each kind; in the end they are migrated again.

    In the place of pytest-django's, which is a transaction: in one SQLite cannot change tables.
    """
    with django_db_blocker.unblock():
        lead = Restaurant.objects.create(name="Bistro Anna")
        call_command("migrate", "call", "0002", verbosity=0)
        try:
            insert("call_callplan", FORMER_PLAN | {"lead_id": lead.pk})
            for event in FORMER:
                insert("call_callevent", event)
            yield
        finally:
            call_command("migrate", verbosity=0)  # other apps were migrated back with it
            lead.delete()


def test_former_rows_are_upgraded(db):
    call_command("migrate", "call", verbosity=0)

    plan = CallPlan.objects.get()
    assert (plan.overridden_at, plan.anchor, plan.sequence) == (TUESDAY, MONDAY, 3)
    assert (plan.initial_frequency, plan.initial_override) == ("WEEKLY", LATER)
    events = list(CallEvent.objects.all())
    assert [event.pk for event in events if event.new_due == TUESDAY] == [4, 7, 8]
    assert [event.pk for event in events if event.new_due == LATER] == [5, 6, 9]
    assert {event.planned_for for event in events} == {TUESDAY}
    assert [event.pk for event in events if event.recorded_on_plan] == [1]
    assert [(event.pk, event.new_last_called) for event in events if event.sets_last_called] == [(8, None), (9, MONDAY)]
    assert not any(event.withdrawn for event in events)


def test_upgraded_plans_replay_as_before(db):
    """Worked out by hand: the last line that sets a date is the ninth, after which the tenth skips to the next day."""
    call_command("migrate", "call", verbosity=0)
    plan = CallPlan.objects.get()
    plan.replay()
    assert (plan.frequency, plan.last_called) == ("DAILY", MONDAY)
    assert plan.next_call_date == LATER + timedelta(days=1)


def test_the_upgrade_can_be_reversed(db):
    """Withdrawn lines used to be deleted, and have no line that says so."""
    tables = {"call_callplan": [*FORMER_PLAN], "call_callevent": [*FORMER[0]]}
    before = [rows(table, columns) for table, columns in tables.items()]
    call_command("migrate", "call", verbosity=0)
    plan = CallPlan.objects.get()
    plan.log("CALLED", pk=101, withdrawn=True)
    plan.log("CORRECTED", pk=102)

    call_command("migrate", "call", "0002", verbosity=0)

    assert [rows(table, columns) for table, columns in tables.items()] == before
