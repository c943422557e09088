"""A complete list is streamed, in memory that does not grow with it; a broken one is never taken for complete."""

from http.client import IncompleteRead
from pathlib import Path

import orjson
import pytest
from django.db import connection

from crm.tests.server import running

pytestmark = pytest.mark.server

ROWS = 300_000
MEGABYTE = 1024  # kB, as /proc counts

NUMBERS = {
    "sqlite": f"(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) SELECT i FROM n)",
    "postgresql": f"(SELECT generate_series(1, {ROWS}) AS i)",
}[connection.vendor]


@pytest.fixture(scope="module")
def streaming(database):
    """A server with a single worker."""
    with running(database, WORKERS="1", LOG_JSON="1") as server:
        yield server


@pytest.fixture(scope="module")
def path(database, streaming):
    """The list of a lead with ROWS interactions."""
    lead = streaming.client("kam").create("/lead/restaurants/", {"name": "Bistro Anna"})["id"]
    database.run(
        "INSERT INTO track_interaction"
        " (lead_id, interaction_type, details, order_placed, date, created_at, updated_at)"
        f" SELECT {lead}, 'CALL', 'Call number ' || i, false,"
        f" '2024-12-24 15:30:00', '2024-12-24 15:30:00', '2024-12-24 15:30:00' FROM {NUMBERS} AS numbers"
    )
    return f"/track/interactions/?lead={lead}"


def memory(worker, name):
    """kB: VmRSS, what the process holds now; VmHWM, the most that it ever held."""
    status = Path(f"/proc/{worker}/status").read_text()
    return int(status.split(f"{name}:")[1].split()[0])


def test_300_000_rows_leave_one_worker_in_less_than_20_mb(streaming, path):
    kam = streaming.client("kam")
    page = kam.send("GET", f"{path}&page_size=1000").body
    [worker] = streaming.workers()
    before = memory(worker, "VmRSS")

    answer = kam.send("GET", path)

    assert memory(worker, "VmHWM") - before < 20 * MEGABYTE
    rows = orjson.loads(answer.body)
    assert len(rows) == len({row["id"] for row in rows}) == ROWS
    assert answer.body.startswith(page[:-1])
    assert "Content-Length" not in answer.headers


def test_an_error_in_mid_stream_breaks_the_connection(database, streaming, path):
    if connection.vendor == "sqlite":  # it keeps what is no date; reading that row fails
        [[last]] = database.run("SELECT max(id) FROM track_interaction")
        database.run(f"UPDATE track_interaction SET date = '2024-13-01 00:00:00' WHERE id = {last - ROWS // 3}")
    token = streaming.client("kam").token

    with streaming.open("GET", path, token=token) as response:
        half = response.read(1024)
        if connection.vendor == "postgresql":
            database.end_connections()
        with pytest.raises(IncompleteRead) as broken:
            response.read()

    assert response.status == 200
    assert half.startswith(b"[{")
    assert not broken.value.partial.endswith(b"]")
    assert streaming.client("kam").get(f"{path}&page_size=1") != []
    [error] = [line for line in streaming.log.read_text().splitlines() if '"level":"ERROR"' in line]
    assert orjson.loads(error)["logger"] == "gunicorn.error"
    assert "administrator command" not in error  # what PostgreSQL says might quote a row
