"""What is tried with crowds, against a real server and a real nginx with the project's own configuration."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from crm.tests import server
from crm.tests.server import Client, PostgreSQL, Server, SQLite, running
from trials.nginx import Nginx, in_front_of

ROWS = 100_000
SHORTER = 60_000  # rows

database = server.database  # a fixture

NUMBERS = {
    "sqlite": "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) SELECT i FROM n)",
    "postgresql": "(SELECT generate_series(1, {rows}) AS i)",
}[connection.vendor]


def list_of(db: SQLite | PostgreSQL, client: Client, rows: int) -> str:
    """The path of the list of a new lead's interactions, that many."""
    lead = client.create("/lead/restaurants/", {"name": "Bistro Anna"})["id"]
    db.run(
        "INSERT INTO track_interaction"
        " (lead_id, interaction_type, details, order_placed, date, created_at, updated_at)"
        f" SELECT {lead}, 'CALL', 'Call number ' || i, false,"
        " '2024-12-24 15:30:00', '2024-12-24 15:30:00', '2024-12-24 15:30:00'"
        f" FROM {NUMBERS.format(rows=rows)} AS numbers"
    )
    db.run("ANALYZE track_interaction")  # as PostgreSQL does by itself, later
    return f"/track/interactions/?lead={lead}"


@pytest.fixture(scope="module")
def served(database) -> Iterator[Server]:
    """As it is deployed: two processes, the threads that are the default."""
    with running(database, TRUSTED_PROXIES="127.0.0.1") as server:
        yield server


@pytest.fixture(scope="module")
def nginx(served, tmp_path_factory) -> Iterator[Nginx]:
    """In front of it."""
    with in_front_of(served, tmp_path_factory.mktemp("nginx")) as nginx:
        yield nginx


@pytest.fixture
def report(request, capsys):
    """Says what was measured, past pytest's capture."""

    def report(what: str) -> None:
        with capsys.disabled():
            print(f"\n{Path(request.node.path).stem}: {what}")

    return report
