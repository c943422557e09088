"""Backups made as docs/deployment.md says, while clients write: each restores to a whole database that a server uses.

Whole: nothing that was confirmed before the backup began is missing, and a transaction is in it with all of its rows.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import NamedTuple

import pytest

from crm.tests.server import Client, Database, SQLite, manage, new_database, running, wait_until
from trials.crowd import list_of, load

ROWS = 60_000  # so that a backup takes longer than some writes
BACKUPS = 3
WRITERS = 4
ORDER = {"product_details": "50 units", "quantity": 50, "total_price": 500}
DOCUMENT = (Path(__file__).parents[1] / "docs" / "deployment.md").read_text()

# Each finds rows of a transaction whose other rows are missing.
TORN = {
    "an order whose interaction has no flag": """
        SELECT details.id FROM track_orderdetails AS details
        LEFT JOIN track_interaction AS interaction ON interaction.id = details.interaction_id
        WHERE interaction.id IS NULL OR NOT interaction.order_placed""",
    "a status that its history does not end with": """
        SELECT lead.id FROM lead_restaurant AS lead JOIN lead_statuschange AS last ON last.id = (
            SELECT max(change.id) FROM lead_statuschange AS change WHERE change.lead_id = lead.id
        ) WHERE last.new_status <> lead.lead_status""",
    "a status change without its lead": """
        SELECT change.id FROM lead_statuschange AS change LEFT JOIN lead_restaurant AS lead ON lead.id = change.lead_id
        WHERE lead.id IS NULL""",
    "a history of statuses with a gap": """
        SELECT change.id FROM lead_statuschange AS change JOIN lead_statuschange AS before ON before.id = (
            SELECT max(id) FROM lead_statuschange WHERE lead_id = change.lead_id AND id < change.id
        ) WHERE change.old_status <> before.new_status""",
    "an owner that the history does not end with": """
        SELECT lead.id FROM lead_restaurant AS lead JOIN lead_ownerchange AS last ON last.id = (
            SELECT max(change.id) FROM lead_ownerchange AS change WHERE change.lead_id = lead.id
        ) WHERE last.new_owner_id <> lead.assigned_to_id""",
    "a plan that its log does not end with": """
        SELECT plan.id FROM call_callplan AS plan JOIN call_callevent AS last ON last.id = (
            SELECT max(event.id) FROM call_callevent AS event WHERE event.plan_id = plan.id
        ) WHERE last.new_due <> plan.next_call_date OR last.new_last_called <> plan.last_called""",
    "a call of the log without its interaction": """
        SELECT event.id FROM call_callevent AS event
        LEFT JOIN track_interaction AS interaction ON interaction.id = event.interaction_id
        WHERE event.interaction_id IS NOT NULL AND interaction.id IS NULL""",
}


def writer(api: Client, written: list[tuple[str, int]]):
    """A client of `load` that writes through all the verbs, and notes what was confirmed: table and id."""
    users = [user["id"] for user in api.get("/api/users/")]

    def write(number: int, stop: Event) -> list[int]:
        statuses: list[int] = []

        def send(method: str, path: str, body: dict, table: str = "", **headers: str) -> dict:
            answer = api.send(method, path, body, **headers)
            statuses.append(answer.status)
            if table:
                written.append((table, answer.json()["id"]))
            return answer.json()

        while not stop.is_set():
            lead = send("POST", "/lead/restaurants/", {"name": f"Under load {number}"}, "lead_restaurant")["id"]
            plan = send("POST", "/call/", {"lead": lead, "frequency": "DAILY"}, "call_callplan")["id"]
            for status in ("CONTACTED", "MEETING_SCHEDULED"):
                send("POST", f"/lead/restaurants/{lead}/change_status/", {"status": status})
            call = {"lead": lead, "interaction_type": "CALL", "order_placed": True}
            key = f"{number}-{lead}"
            interaction = send("POST", "/track/interactions/", call, "track_interaction", Idempotency_Key=key)["id"]
            send("PUT", f"/track/interactions/{interaction}/order_details/", ORDER)
            send("POST", f"/call/{plan}/snooze/", {"days": 2})
            send("PATCH", f"/lead/restaurants/{lead}/", {"assigned_to": users[len(statuses) % len(users)]})
        return statuses

    return write


def back_up(database: Database, folder: Path) -> None:
    """As the documentation says."""
    if isinstance(database, SQLite):
        assert """sqlite3 db.sqlite3 "VACUUM INTO 'backup.sqlite3'\"""" in DOCUMENT
        command = ["sqlite3", str(database.path), f"VACUUM INTO '{folder}/backup.sqlite3'"]
    else:
        assert "pg_dump --format=custom --file=backup.dump crm" in DOCUMENT
        command = ["pg_dump", "--format=custom", f"--file={folder}/backup.dump", database.url]
    subprocess.run(command, check=True)


@contextmanager
def restored(database: Database, folder: Path) -> Iterator[Database]:
    """A new database with the backup's data."""
    if isinstance(database, SQLite):
        assert "cp backup.sqlite3 db.sqlite3" in DOCUMENT
        yield SQLite(folder / "backup.sqlite3")
        return
    assert "pg_restore --no-owner --role=crm --dbname=crm backup.dump" in DOCUMENT
    with new_database(f"{database.name}_restored") as copy:
        backup = f"{folder}/backup.dump"
        subprocess.run(["pg_restore", "--exit-on-error", "--no-owner", "--dbname", copy.url, backup], check=True)
        yield copy


class Backup(NamedTuple):
    folder: Path
    confirmed: list[tuple[str, int]]  # table and id of what was created before it began
    meanwhile: int  # rows that were created until it ended


@pytest.fixture(scope="module")
def backups(database, tmp_path_factory) -> list[Backup]:
    written: list[tuple[str, int]] = []
    made = []
    with running(database) as server:
        asha = server.client("asha")
        list_of(database, asha, ROWS)
        with load(writer(asha, written), WRITERS) as statuses:
            for number in range(BACKUPS):
                enough = len(written) + 20
                wait_until(lambda enough=enough: len(written) >= enough)
                folder, confirmed = tmp_path_factory.mktemp(f"backup-{number}"), written[:]
                back_up(database, folder)
                made.append(Backup(folder, confirmed, len(written) - len(confirmed)))
    assert set(statuses) == {200, 201}
    return made


@pytest.mark.parametrize("number", range(BACKUPS))
def test_a_backup_made_under_load_restores_to_a_whole_database(database, backups, number, report):
    folder, confirmed, meanwhile = backups[number]
    report(f"{len(confirmed):,} rows created before the backup, {meanwhile} during it")
    with restored(database, folder) as copy:
        if isinstance(copy, SQLite):
            assert copy.run("PRAGMA integrity_check") == [("ok",)]
            assert copy.run("PRAGMA foreign_key_check") == []
        assert {what: copy.run(sql) for what, sql in TORN.items()} == dict.fromkeys(TORN, [])
        for table in {table for table, _ in confirmed}:
            ids = {row for name, row in confirmed if name == table}
            assert ids <= {row for (row,) in copy.run(f"SELECT id FROM {table}")}
        replayed = copy.run("SELECT content FROM crm_idempotencykey WHERE status = 201")
        interactions = {row for (row,) in copy.run("SELECT id FROM track_interaction")}
        assert {json.loads(bytes(content))["id"] for (content,) in replayed} <= interactions

        manage(copy.url, "migrate", "--check")
        with running(copy) as server:
            assert server.send("GET", "/readyz").status == 200
            asha = server.client("asha")
            [[leads]] = copy.run("SELECT count(*) FROM lead_restaurant")
            assert len(asha.get("/lead/restaurants/")) == leads
            assert asha.create("/lead/restaurants/", {"name": "After the restore"})["id"] > max(
                row for name, row in confirmed if name == "lead_restaurant"
            )
