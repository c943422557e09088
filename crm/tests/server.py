"""A real server for tests: gunicorn with its worker processes and a database of its own, spoken to over HTTP.

Every test that needs a server starts it with `running`: here, in trials/ and in e2e/ (bench/ has its own, as it starts
other programs too). The module needs no configured Django. `python -m crm.tests.server COMMAND …` runs a command with
a server with demo data (`serve_for`).
"""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse
from itertools import chain
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from threading import Barrier
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg2

from crm.tests import PASSWORD

ROOT = Path(__file__).parents[2]
USERS = ["kam", "asha", "ravi"]
PATIENCE = 60  # seconds until a test gives up
GUNICORN = ("-m", "gunicorn", "-c", "crm/server/gunicorn.py", "crm.wsgi")
SERVE = ("manage.py", "serve")  # migrates and loads demo data first


def wait_until(condition: Callable[[], Any]) -> None:
    """Poll until the condition is true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "The condition did not become true."
        time.sleep(0.01)


def at_once(count: int, call: Callable[[int], Any], threads: int = 50) -> list:
    """call(0) … call(count - 1), on many threads that start together; the results in that order."""
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
    """A database file, which is locked as a whole for each write: a copy of the URI `source`, by default empty."""

    def __init__(self, path: Path, source: str = "") -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        if source:
            with closing(sqlite3.connect(source, uri=True)) as original:
                original.execute("VACUUM INTO ?", [str(path)])

    def connect(self, patience: float = PATIENCE) -> sqlite3.Connection:
        return sqlite3.connect(self.path, patience, isolation_level=None)

    def run(self, sql: str) -> list[tuple]:
        with closing(self.connect()) as connection:
            return connection.execute(sql).fetchall()

    @contextmanager
    def held(self, *changes: str) -> Iterator[None]:
        """Leads and the changed rows are locked against other writers until the block ends; then it commits."""
        with closing(self.connect()) as connection:
            for sql in ("BEGIN IMMEDIATE", *changes):
                connection.execute(sql)
            yield
            connection.execute("COMMIT")

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """An INSERT of a lead never ends: a trigger counts to a number that it does not reach."""
        self.run("""
            CREATE TRIGGER stall BEFORE INSERT ON lead_restaurant BEGIN SELECT count(*) FROM (
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e15) SELECT i FROM n
            ); END""")
        try:
            yield
        finally:
            self.run("DROP TRIGGER stall")

    def waiting(self, server: "Server") -> int:
        """How many requests wait for a lock. SQLite does not say: all that are in progress."""
        return server.accepted()

    def is_stuck(self, server: "Server") -> bool:
        """Whether a write is in progress."""
        with closing(self.connect(patience=0.5)) as connection:  # no write of ours takes that long
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
        return False

    def drop(self) -> None:
        self.path.unlink()


class PostgreSQL:
    """A database of this name on the PostgreSQL that DATABASE_URL names: a copy of `source`, by default empty."""

    def __init__(self, name: str, source: str = "template1") -> None:
        self.name = name
        self.url = self.url_of(name)
        self.drop()
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{source}"', database="postgres")

    def url_of(self, name: str) -> str:
        return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()

    def run(self, sql: str, *params: Any, database: str = "") -> list[tuple]:
        with closing(psycopg2.connect(self.url_of(database or self.name))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, params or None)
                return cursor.fetchall() if cursor.description else []

    @contextmanager
    def transaction(self, *statements: str) -> Iterator[None]:
        """The statements' changes and locks are uncommitted until the block ends."""
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            for sql in statements:
                cursor.execute(sql)
            yield
            connection.commit()

    @contextmanager
    def held(self, *changes: str) -> Iterator[None]:
        """Leads and the changed rows are locked against other writers until the block ends; then it commits."""
        with self.transaction("LOCK TABLE lead_restaurant IN EXCLUSIVE MODE", *changes):
            yield

    stalled = held

    def waiting(self, server: "Server") -> int:
        """How many requests wait for a lock."""
        return self.run(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )[0][0]

    def is_stuck(self, server: "Server") -> bool:
        """Whether a write is in progress."""
        return self.waiting(server) > 0

    def connections(self) -> set[int]:
        """The process ids of the others' connections."""
        others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return {pid for (pid,) in self.run(others)}

    def end_connections(self) -> int:
        """Terminate all connections of the server, wait until they are gone, and return their number."""
        return len([self.run("SELECT pg_terminate_backend(%s, 10000)", pid) for pid in self.connections()])

    def drop(self) -> None:
        self.run(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)', database="postgres")


Database = SQLite | PostgreSQL


@contextmanager
def new_database(name: str, source: str = "") -> Iterator[Database]:
    """A database until the block ends: on the PostgreSQL of DATABASE_URL, else an SQLite file.

    It is empty, or a copy of the database named `source`: PostgreSQL's must have no connections, SQLite's is a URI.
    """
    with TemporaryDirectory(prefix="crm-database-") as folder:
        is_postgresql = os.environ.get("DATABASE_URL", "").startswith("postgres")
        database: Database = (
            PostgreSQL(name, source or "template1") if is_postgresql else SQLite(Path(folder) / "db.sqlite3", source)
        )
        try:
            yield database
        finally:
            database.drop()


def environment(url: str, **variables: str) -> dict[str, str]:
    """Of a server on this database: the variables, and none of those that the tests run with, nor of a `.env`."""
    return {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "crm.tests.served_settings",
        "DATABASE_URL": url,
        "SECRET_KEY": "for the tests alone: long enough, and no one's secret",
        "HOST": "127.0.0.1",
        "THROTTLE": "0",
        **dict.fromkeys(("DEBUG", "HTTPS", "LOG_JSON"), "0"),
        **dict.fromkeys(("REDIS_URL", "TRUSTED_PROXIES"), ""),
        **{name: os.environ[name] for name in ("FAST",) if name in os.environ},
        **variables,
    }


def manage(url: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess:
    """Run a management command on this database."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, **{"env": environment(url), "check": True, **options})


FIRST = 10_000 + os.getpid() * 101 % 20_000  # so that processes side by side do not try the same ones
PORTS = chain(range(FIRST, 30_000), range(10_000, FIRST))


def free_port() -> int:
    """Below the ports that systems give to outgoing connections: one of those could be taken before a server binds."""
    for port in PORTS:
        with suppress(OSError), closing(socket.create_server(("127.0.0.1", port))):
            return port
    raise OSError("No port is free.")


class Server:
    """One process group; `url` is the database's, `command` what Python runs."""

    def __init__(self, url: str, log: Path, command: Sequence[str] = GUNICORN, **variables: str) -> None:
        self.log, self.port = log, free_port()
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=environment(url, PORT=str(self.port), **variables),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.process.poll() is not None or self.is_up())
        assert self.process.poll() is None, self.log.read_text()

    def is_up(self) -> bool:
        try:
            return self.send("GET", "/healthz").status == 200
        except (OSError, HTTPException):
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
        """How many connections the workers have accepted: these have an inode in the system's table."""
        return sum(row[9] != "0" for row in self._connections())

    def has_read_all(self) -> bool:
        """Whether the workers have read all that was sent to them."""
        return all(row[4].endswith(":00000000") for row in self._connections())

    def _connections(self) -> list[list[str]]:
        """The rows of the system's table for established connections to the server."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return [row for row in rows if row[1].endswith(f":{self.port:04X}") and row[3] == "01"]

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

    def client(self, name: str, password: str = PASSWORD) -> "Client":
        return Client(self, self.sign_in(name, password).json()["access"])


class Client(NamedTuple):
    """A user who has signed in."""

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


@contextmanager
def running(database: Database | str, *, log: Path | None = None, **options: Any) -> Iterator[Server]:
    """A server on this database (or its URL) until the block ends; `options` are Server's: variables, a command."""
    with NamedTemporaryFile(prefix="server-") as temporary:
        url = database if isinstance(database, str) else database.url
        server = Server(url, log or Path(temporary.name), **options)
        try:
            server.wait_until_ready()
            yield server
        finally:
            server.stop()


def serve_for(command: list[str]) -> int:
    """Run the command with BASE_URL in its environment, against a server with demo data; return its status.

    `demo` may sign in as `demo`. The settings are the project's own.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by an exception, so that server and database go too
    variables = {"DJANGO_SETTINGS_MODULE": "crm.settings", "ALLOWED_HOSTS": "127.0.0.1"}
    with new_database(f"crm_served_{os.getpid()}") as database:
        env = environment(database.url, **variables)
        manage(database.url, "migrate", "--verbosity", "0", env=env)
        manage(database.url, "demo", "--leads", "30", env=env, stdout=subprocess.DEVNULL)
        with running(database, **variables) as server:
            status = subprocess.run(command, env=os.environ | {"BASE_URL": server.address}).returncode
            if status:
                print("".join(server.log.read_text().splitlines(keepends=True)[-50:]), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(serve_for(sys.argv[1:]))
