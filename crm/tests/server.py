"""A real server for the tests: gunicorn with its worker processes and a throw-away database, spoken to over HTTP.

The fixtures are at hand in all tests of this folder; `running` starts a server with another environment.
"""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPMessage, HTTPResponse
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Barrier
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.conf import settings

from conftest import PASSWORD

ROOT = Path(__file__).parents[2]
USERS = ["kam", "asha", "ravi"]
PATIENCE = 60  # seconds until a test gives up

MIGRATE = f"""
from django.contrib.auth import get_user_model
from django.core.management import call_command
call_command("migrate", verbosity=0)
for name in {USERS!r}:
    get_user_model().objects.create_superuser(name, password={PASSWORD!r})
"""


def wait_until(condition: Callable[[], Any]) -> None:
    """Ask again and again until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def at_once(count: int, call: Callable[[int], Any], threads: int = 50) -> list:
    """call(0) … call(count - 1), on many threads that are let go together; the answers in that order."""
    threads = min(count, threads)
    with ThreadPoolExecutor(threads, initializer=Barrier(threads).wait) as pool:
        return list(pool.map(call, range(count)))


class Answer(NamedTuple):
    status: int
    headers: HTTPMessage
    body: bytes

    def json(self):
        return json.loads(self.body)


class SQLite:
    """A database file. Whoever wants to write waits for the one who holds it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    def connect(self, patience: float = PATIENCE) -> sqlite3.Connection:
        return sqlite3.connect(self.path, patience, isolation_level=None)

    def run(self, sql: str) -> list[tuple]:
        with closing(self.connect()) as connection:
            return connection.execute(sql).fetchall()

    @contextmanager
    def held(self, *changes: str) -> Iterator[None]:
        """Nobody else writes a lead, or a row that is changed, before this ends; then the changes are there."""
        with closing(self.connect()) as connection:
            for sql in ("BEGIN IMMEDIATE", *changes):
                connection.execute(sql)
            yield
            connection.execute("COMMIT")

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Whoever writes a lead gets stuck in the middle of it: a trigger counts to a number that it never reaches."""
        self.run("""
            CREATE TRIGGER stall BEFORE INSERT ON lead_restaurant BEGIN SELECT count(*) FROM (
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e15) SELECT i FROM n
            ); END""")
        try:
            yield
        finally:
            self.run("DROP TRIGGER stall")

    def waiting(self, server: "Server") -> int:
        """How many requests wait for whoever holds the database. SQLite cannot tell: all that are under way."""
        return server.accepted()

    def is_stuck(self, server: "Server") -> bool:
        """Whether somebody is in the middle of writing."""
        with closing(self.connect(patience=0.5)) as connection:  # no write of ours takes that long
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
        return False

    def drop(self) -> None:
        self.path.unlink()


class PostgreSQL:
    """A database next to the one of the tests."""

    def __init__(self, tests_name: str) -> None:
        self.name = f"{tests_name}_server"
        self.url = self.url_of(self.name)
        self.drop()
        self.run(f'CREATE DATABASE "{self.name}"', "postgres")

    def url_of(self, name: str) -> str:
        return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()

    def run(self, sql: str, database: str = "") -> list[tuple]:
        with closing(psycopg2.connect(self.url_of(database or self.name))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []

    @contextmanager
    def held(self, *changes: str) -> Iterator[None]:
        """Nobody else writes a lead, or a row that is changed, before this ends; then the changes are there."""
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            for sql in ("LOCK TABLE lead_restaurant IN EXCLUSIVE MODE", *changes):
                cursor.execute(sql)
            yield
            connection.commit()

    stalled = held

    def waiting(self, server: "Server") -> int:
        """How many requests wait for whoever holds the database."""
        return self.run(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )[0][0]

    def is_stuck(self, server: "Server") -> bool:
        """Whether somebody is in the middle of writing."""
        return self.waiting(server) > 0

    def end_connections(self) -> int:
        """End all that the server has, and return how many they were; they are gone by then."""
        return len(
            self.run(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )

    def drop(self) -> None:
        self.run(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)', "postgres")


def environment(database: SQLite | PostgreSQL, **variables: str) -> dict[str, str]:
    """Of a server: what is given, and nothing of what the tests themselves run with."""
    return {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "crm.tests.served_settings",
        "DATABASE_URL": database.url,
        "SECRET_KEY": "for the tests alone: long enough, and nobody's secret",
        "THROTTLE": "0",
        **{name: os.environ[name] for name in ("FAST",) if name in os.environ},
        **variables,
    }


class Server:
    def __init__(self, database: SQLite | PostgreSQL, log: Path, **variables: str) -> None:
        self.log = log
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "crm/server/gunicorn.py", "crm.wsgi"],
                cwd=ROOT,
                env=environment(database, PORT=str(self.port), **variables),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.process.poll() is not None or self.is_up())
        assert self.process.poll() is None, self.log.read_text()

    def is_up(self) -> bool:
        try:
            return self.send("GET", "/healthz").status == 200
        except OSError:
            return False

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def workers(self) -> list[int]:
        """The process ids."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def accepted(self) -> int:
        """The connections that the workers have taken on: in the system's table they have an inode."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(row[1].endswith(f":{self.port:04X}") and row[3] == "01" and row[9] != "0" for row in rows)

    @contextmanager
    def open(
        self, method: str, path: str, data=None, *, token: str = "", peer: str = "127.0.0.1", **headers: str
    ) -> Iterator[HTTPResponse]:
        """Send a request from the address `peer`.

        `data` goes as JSON, bytes as they are, an iterator in chunks; headers are given as `If_Match="…"`.
        """
        if isinstance(data, dict):
            data = json.dumps(data).encode()
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers = {"Content-Type": "application/json", "Connection": "close", **headers}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE, source_address=(peer, 0))
        with closing(connection):
            connection.request(method, path, data, headers, encode_chunked=True)
            with connection.getresponse() as response:
                yield response

    def send(self, method: str, path: str, data=None, **options) -> Answer:
        with self.open(method, path, data, **options) as response:
            return Answer(response.status, response.headers, response.read())

    def sign_in(self, name: str, password: str = PASSWORD, **options) -> Answer:
        return self.send("POST", "/api/token/", {"username": name, "password": password}, **options)

    def client(self, name: str) -> "Client":
        return Client(self, self.sign_in(name).json()["access"])


class Client(NamedTuple):
    """Somebody who has signed in."""

    server: Server
    token: str

    def send(self, method: str, path: str, data=None, **options) -> Answer:
        return self.server.send(method, path, data, token=self.token, **options)

    def get(self, path: str) -> Any:
        answer = self.send("GET", path)
        assert answer.status == 200, answer
        return answer.json()

    def create(self, path: str, data: dict[str, Any]) -> dict[str, Any]:
        answer = self.send("POST", path, data)
        assert answer.status == 201, answer
        return answer.json()


@pytest.fixture(scope="session")
def database(django_db_setup, tmp_path_factory) -> Iterator[SQLite | PostgreSQL]:
    """A migrated database of the kind that the tests run on, with USERS, for all servers of this run."""
    config = settings.DATABASES["default"]
    if config["ENGINE"].endswith("sqlite3"):
        database: SQLite | PostgreSQL = SQLite(tmp_path_factory.mktemp("server") / "db.sqlite3")
    else:
        database = PostgreSQL(config["NAME"])
    try:
        subprocess.run(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c", MIGRATE],
            cwd=ROOT,
            env=environment(database),
            check=True,
        )
        yield database
    finally:
        database.drop()


@contextmanager
def running(database: SQLite | PostgreSQL, **variables: str) -> Iterator[Server]:
    """A server with these variables in its environment, until the block ends."""
    with NamedTemporaryFile(prefix="gunicorn-") as log:
        server = Server(database, Path(log.name), **variables)
        try:
            server.wait_until_ready()
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def server(database) -> Iterator[Server]:
    """The server of the tests that need nothing special: two processes, no limits."""
    with running(database) as server:
        yield server


@pytest.fixture
def kam(server) -> Client:
    return server.client("kam")
