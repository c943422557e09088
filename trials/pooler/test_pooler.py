"""The product behind PgBouncer in transaction mode, with fewer connections than it has threads.

No request fails, is lost or done twice; every wait for a lock ends; a connection has no state left between its users.
"""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Event, Lock

import psycopg2
import pytest

from crm.tests.server import SERVE, Answer, Client, running, wait_until
from trials.pooler.pgbouncer import POOL, PRODUCT

CLIENTS = 8
SECONDS = 8  # of load
LEAD, CONTACT, INTERACTION, PLAN = "/lead/restaurants/", "/contact/contacts/", "/track/interactions/", "/call/"
LEADS = 12_000  # besides the demo data: more than a list answers in one piece
FILLERS = """
INSERT INTO lead_restaurant (name, address, city, state, pincode, contact_person, phone, email, lead_status, notes,
    restaurant_type, cuisine_type, search, created_at, updated_at)
SELECT 'Filler', '', '', '', '', '', '', '', 'NEW', '', '', '', 'filler', now(), now() FROM generate_series(1, %s)
"""


@pytest.fixture(scope="session")
def api(database, pooler, folder) -> Iterator[Client]:
    """A client of `make run` on the empty database through the pooler: it migrates, loads demo data and serves."""
    log = folder / "server.log"
    try:
        with running(pooler.url, log=log, command=SERVE, WORKERS="2", THREADS="6", **PRODUCT) as server:
            api = server.client("demo", "demo")
            database.run(FILLERS, LEADS)
            yield api
    finally:
        print(log.read_text()[-5_000:])


class Tally(Counter):
    """Counts of what the clients did, on several threads."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = Lock()

    def add(self, name: str) -> None:
        with self.lock:
            self[name] += 1


def expect(answer: Answer, *statuses: int) -> Answer:
    assert answer.status in statuses, (answer.status, answer.body[:500])
    return answer


def at_once(call, clients: int = CLIENTS) -> list:
    """call(0) … call(clients - 1), each in its thread; raises what one of them raises."""
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(call, range(clients)))


def one_more(api, lead: int, tally: Tally) -> None:
    """Count in the lead's notes with If-Match: read, write the number plus one, and start again after a 412."""
    while True:
        read = expect(api.send("GET", f"{LEAD}{lead}/"), 200)
        notes = {"notes": str(int(read.json()["notes"]) + 1)}
        written = expect(api.send("PATCH", f"{LEAD}{lead}/", notes, If_Match=read.headers["ETag"]), 200, 412)
        if written.status == 200:
            return tally.add("counted")


def work(api, shared: dict, client: int, round: int, tally: Tally) -> None:
    """One round of a client, with its own lead and with the lead and the plan that all share."""
    name = {"name": f"Pooled {client} {round}"}
    first, again = (expect(api.send("POST", LEAD, name, Idempotency_Key=f"{client}-{round}"), 201) for _ in range(2))
    assert first.body == again.body
    assert again.headers["Idempotency-Replayed"] == "true"
    tally.add("leads")
    lead = first.json()["id"]
    assert api.get(f"{LEAD}{lead}/")["created_at"] == first.json()["created_at"]  # in the right zone

    contact = api.create(CONTACT, {"restaurant": lead, "name": "Asha Rao"})["id"]
    plan = api.create(PLAN, {"lead": lead, "frequency": "WEEKLY"})["id"]
    expect(api.send("POST", f"{LEAD}{lead}/change_status/", {"status": "CONTACTED"}), 200)
    api.create(INTERACTION, {"lead": lead, "contact": contact, "interaction_type": "CALL"})  # moves the plan
    assert api.get(f"{PLAN}{plan}/")["last_called"] is not None
    assert [row["new_status"] for row in api.get(f"{LEAD}{lead}/status_history/")] == ["CONTACTED"]

    moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=client, hours=round)  # of this client alone
    called = {"last_called": moment.isoformat()}
    expect(api.send("POST", f"{PLAN}{shared['plan']}/record_call/", called), 200)
    tally.add("calls")
    one_more(api, shared["lead"], tally)

    assert len(api.get(f"{LEAD}?page_size=50")) == 50
    assert [row["id"] for row in api.get(f"{CONTACT}?restaurant={lead}")] == [contact]
    if client == 0:
        ids = [row["id"] for row in api.get(LEAD)]
        assert len(ids) == len(set(ids)) > LEADS
        tally.add("streams")


def test_requests_of_eight_clients_are_neither_lost_nor_done_twice(api, database):
    shared_lead = api.create(LEAD, {"name": "Shared", "notes": "0"})["id"]
    shared = {"lead": shared_lead, "plan": api.create(PLAN, {"lead": shared_lead, "frequency": "DAILY"})["id"]}
    tally, end = Tally(), time.monotonic() + SECONDS

    def client(number: int) -> None:
        for round in count():
            if time.monotonic() > end:
                return
            work(api, shared, number, round, tally)

    at_once(client)

    print(dict(tally))
    assert tally["leads"] >= CLIENTS
    assert tally["streams"] >= 1
    made = "FROM lead_restaurant WHERE name LIKE 'Pooled %'"
    for table, key, rows in [
        ("lead_restaurant", "id", tally["leads"]),
        ("contact_contact", "restaurant_id", tally["leads"]),
        ("track_interaction", "lead_id", tally["leads"]),
        ("call_callplan", "lead_id", tally["leads"]),
        ("lead_statuschange", "lead_id", tally["leads"]),
    ]:
        assert database.run(f"SELECT count(*) FROM {table} WHERE {key} IN (SELECT id {made})") == [(rows,)], table
    assert database.run(f"SELECT count(DISTINCT name) {made}") == [(tally["leads"],)]
    assert int(api.get(f"{LEAD}{shared['lead']}/")["notes"]) == tally["counted"]
    called = [
        event["happened_at"] for event in api.get(f"{PLAN}{shared['plan']}/history/") if event["event"] == "CALLED"
    ]
    assert (len(called), len(set(called))) == (tally["calls"], tally["calls"])


def test_every_request_gives_up_waiting_for_a_lock_after_ten_seconds(api, database):
    """In a transaction, in autocommit, and reading."""
    lead, other = (api.create(LEAD, {"name": name})["id"] for name in ("Held", "Free"))
    requests = [
        ("PATCH", f"{LEAD}{lead}/", {"city": "Pune"}),
        ("POST", CONTACT, {"restaurant": lead, "name": "Asha Rao"}),  # an INSERT alone, which has to see the lead
        ("GET", f"{PLAN}?lead={lead}", None),
    ]

    def waiting(number: int) -> tuple[int, float]:
        started = time.monotonic()
        answer = api.send(*requests[number])
        assert answer.headers["Retry-After"] == "5", answer
        return answer.status, time.monotonic() - started

    with database.transaction(f"SELECT FROM lead_restaurant WHERE id = {lead} FOR UPDATE", "LOCK TABLE call_callplan"):
        answers = at_once(waiting, len(requests))
        expect(api.send("PATCH", f"{LEAD}{other}/", {"city": "Pune"}), 200)

    for status, seconds in answers:
        assert status == 409
        assert 9.5 < seconds < 15
    expect(api.send("PATCH", f"{LEAD}{lead}/", {"city": "Pune"}), 200)


@pytest.mark.parametrize("disturbance", ["connections that the server ends", "a pooler that restarts"])
def test_the_product_recovers_from(api, database, pooler, disturbance):
    """Meanwhile a request is answered or refused with 503; one that is sent again until it succeeds is done once."""
    over, statuses = Event(), Tally()

    def client(number: int) -> int:
        for round in count():
            if over.is_set():
                return round
            key = f"{disturbance.replace(' ', '-')}-{number}-{round}"
            while True:
                answer = api.send("POST", LEAD, {"name": disturbance}, Idempotency_Key=key)
                statuses.add(str(expect(answer, 201, 503).status))
                if answer.status == 201:
                    break
                time.sleep(0.05)
        raise AssertionError

    with ThreadPoolExecutor(CLIENTS) as pool:
        rounds = [pool.submit(client, number) for number in range(CLIENTS)]
        try:
            for _ in range(6):
                time.sleep(0.5)
                if disturbance.startswith("connections"):
                    assert database.end_connections() > 0
                else:
                    pooler.restart()
            time.sleep(0.5)
        finally:
            over.set()
        done = sum(each.result() for each in rounds)

    print(dict(statuses))
    assert statuses["503"] > 0, "no request was disturbed"
    assert database.run("SELECT count(*) FROM lead_restaurant WHERE name = %s", disturbance) == [(done,)]
    for _ in range(3 * CLIENTS):  # every thread of both processes has a connection again
        api.get(f"{LEAD}?page_size=1")


# State of a connection that outlives a transaction. Five settings PgBouncer itself stores for each client and sets on
# the connection that it assigns.
STATE = {
    "settings": """SELECT array_agg(name) FROM pg_settings WHERE source = 'session' AND name NOT IN
        ('application_name', 'client_encoding', 'DateStyle', 'standard_conforming_strings', 'TimeZone')""",
    "prepared statements": "SELECT array_agg(statement) FROM pg_prepared_statements",
    "cursors": "SELECT array_agg(name) FROM pg_cursors",
    "advisory locks": "SELECT array_agg(objid) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'",
    "channels": "SELECT array_agg(name) FROM pg_listening_channels() AS name",
    "temporary tables": "SELECT array_agg(oid) FROM pg_class WHERE relnamespace = pg_my_temp_schema()",
}


def test_a_connection_has_no_state_left_for_its_next_client(api, database, pooler):
    def write(client: int) -> None:
        lead = api.create(LEAD, {"name": f"Last {client}"})["id"]
        expect(api.send("PATCH", f"{LEAD}{lead}/", {"city": "Pune"}), 200)

    wait_until(lambda: at_once(write) and len(database.connections()) == POOL)
    used = database.connections()

    with ExitStack() as stack:
        seen = set()
        for _ in range(POOL):  # each holds one by an open transaction
            connection = stack.enter_context(closing(psycopg2.connect(pooler.direct_url)))
            cursor = stack.enter_context(connection.cursor())
            cursor.execute("SHOW lock_timeout")
            assert cursor.fetchone() == ("0",)
            for what, sql in STATE.items():
                cursor.execute(sql)
                assert cursor.fetchone() == (None,), what
            cursor.execute("SELECT pg_backend_pid()")
            seen.add(cursor.fetchone()[0])

    assert len(seen) == POOL
    assert seen == used


@pytest.mark.parametrize("command", ["migrate", "serve"])
def test_a_command_that_addresses_the_pooler_as_a_server_names_the_remedy(run_command, pooler, command):
    ended = run_command(pooler.direct_url, command)

    assert ended.returncode == 1
    assert "DATABASE_URL" in ended.stderr
    assert "?disable_server_side_cursors=true" in ended.stderr
    assert "Traceback" not in ended.stderr
