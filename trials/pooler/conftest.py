"""A PostgreSQL database, a real PgBouncer in front of it with four connections, and the product behind that.

DATABASE_URL=postgres://… says on which PostgreSQL the database is made.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPMessage
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

ROOT = Path(__file__).parents[2]
PATIENCE = 60  # seconds until a trial gives up
POOL = 4  # server connections
LEADS = 12_000  # besides the demo data: more than a list answers in one piece

FILLERS = """
INSERT INTO lead_restaurant (name, address, city, state, pincode, contact_person, phone, email, lead_status, notes,
    restaurant_type, cuisine_type, search, created_at, updated_at)
SELECT 'Filler', '', '', '', '', '', '', '', 'NEW', '', '', '', 'filler', now(), now() FROM generate_series(1, %s)
"""

# Besides what a trial has to say, all is PgBouncer's default; a user because `auth_type = any` knows none.
POOLER = """
[databases]
{name} = {server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool}
"""


def wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return free.getsockname()[1]


def listens(port: int) -> bool:
    try:
        with closing(socket.create_connection(("127.0.0.1", port), timeout=1)):
            return True
    except OSError:
        return False


class Database:
    """One of our own, spoken to past the pooler."""

    def __init__(self, url: str) -> None:
        self.name = f"crm_pooler_{os.getpid()}"
        self.maintenance_url = urlsplit(url)._replace(path="/postgres").geturl()
        self.url = urlsplit(url)._replace(path=f"/{self.name}").geturl()

    def run(self, sql: str, *params: Any, url: str = "") -> list[tuple]:
        with closing(psycopg2.connect(url or self.url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, params or None)
                return cursor.fetchall() if cursor.description else []

    def create(self) -> None:
        """Its zone is one that the product has to set aside on every connection."""
        self.run(f'CREATE DATABASE "{self.name}"', url=self.maintenance_url)
        self.run(f"ALTER DATABASE \"{self.name}\" SET timezone TO 'Asia/Kolkata'")

    def drop(self) -> None:
        self.run(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)', url=self.maintenance_url)

    def connections(self) -> set[int]:
        """The process ids of the others'."""
        return {
            pid
            for (pid,) in self.run(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        }

    def end_connections(self) -> int:
        """End those of the pooler, in whatever they do, and return how many they were."""
        return len([self.run("SELECT pg_terminate_backend(%s, 10000)", pid) for pid in self.connections()])

    @contextmanager
    def held(self, *statements: str) -> Iterator[None]:
        """What these lock is locked until the block ends."""
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            for sql in statements:
                cursor.execute(sql)
            yield


class Pooler:
    """A PgBouncer process. It refuses to run as root."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.port, self.folder = free_port(), folder
        self.direct_url = (
            f"postgres://crm:secret@127.0.0.1:{self.port}/{database.name}"  # as one would address a server
        )
        self.url = f"{self.direct_url}?disable_server_side_cursors=true"
        server = {"host": "127.0.0.1", "user": "postgres"} | parse_dsn(database.url)
        values = " ".join(
            f"{key}='{value.replace(chr(39), chr(39) * 2)}'" for key, value in server.items() if key != "dbname"
        )
        configuration = POOLER.format(name=database.name, server=values, port=self.port, pool=POOL)
        (folder / "pgbouncer.ini").write_text(configuration)
        folder.chmod(0o755)  # it reads this as another user
        self.start()

    def start(self) -> None:
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        with (self.folder / "pgbouncer.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["pgbouncer", *user, str(self.folder / "pgbouncer.ini")],
                env={"PATH": f"{os.environ['PATH']}:/usr/sbin"},
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: self.process.poll() is not None or listens(self.port))
        assert self.process.poll() is None, (self.folder / "pgbouncer.log").read_text()

    def stop(self) -> None:
        """At once, whoever is connected."""
        self.process.terminate()
        self.process.wait(PATIENCE)

    def restart(self) -> None:
        self.stop()
        self.start()


class Answer(NamedTuple):
    status: int
    headers: HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Api:
    """The product's server, spoken to as `demo`."""

    def __init__(self, port: int) -> None:
        self.port, self.token = port, ""

    def send(self, method: str, path: str, data: dict | None = None, **headers: str) -> Answer:
        """Headers are given as `If_Match="…"`. Raises OSError or HTTPException where the answer does not end well."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            body = None if data is None else json.dumps(data).encode()
            connection.request(method, path, body, {"Content-Type": "application/json", **headers})
            with connection.getresponse() as response:
                return Answer(response.status, response.headers, response.read())

    def get(self, path: str) -> Any:
        return expect(self.send("GET", path), 200).json()

    def create(self, path: str, **data: Any) -> Any:
        return expect(self.send("POST", path, data), 201).json()

    def is_ready(self) -> bool:
        try:
            return self.send("GET", "/readyz").status == 200
        except (OSError, HTTPException):
            return False


def expect(answer: Answer, *statuses: int) -> Answer:
    assert answer.status in statuses, (answer.status, answer.body[:500])
    return answer


def environment(url: str, **variables: str) -> dict[str, str]:
    """Of the product's processes. The last five are over what a .env may say."""
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": url,
        "SECRET_KEY": secrets.token_urlsafe(48),
        "HOST": "127.0.0.1",
        "ALLOWED_HOSTS": "127.0.0.1",
        "THROTTLE": "0",
        **{"HTTPS": "0", "DEBUG": "0", "REDIS_URL": "", "LOG_JSON": "0", "TRUSTED_PROXIES": ""},
        **variables,
    }


@pytest.fixture(scope="session")
def manage() -> Callable[..., subprocess.CompletedProcess]:
    """Runs a command of the product on the database at this address."""

    def manage(url: str, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment(url, PORT=str(free_port())),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    return manage


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """For the configuration and the logs."""
    with tempfile.TemporaryDirectory(prefix="crm-pooler-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    url = os.environ.get("DATABASE_URL", "")
    assert url.startswith("postgres"), "DATABASE_URL has to name a PostgreSQL"
    database = Database(url)
    database.drop()
    database.create()
    try:
        yield database
    finally:
        database.drop()


@pytest.fixture(scope="session")
def pooler(database, folder) -> Iterator[Pooler]:
    pooler = Pooler(database, folder)
    try:
        yield pooler
    finally:
        pooler.stop()


@pytest.fixture(scope="session")
def api(database, pooler, folder) -> Iterator[Api]:
    """`make run` on the empty database, all of it through the pooler: it migrates, loads demo data and serves."""
    api = Api(free_port())
    variables = environment(pooler.url, PORT=str(api.port), WORKERS="2", THREADS="6")
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "serve"], cwd=ROOT, env=variables, stdout=log, stderr=log
        )
    try:
        wait_until(lambda: server.poll() is not None or api.is_ready())
        assert server.poll() is None
        api.token = expect(api.send("POST", "/api/token/", {"username": "demo", "password": "demo"}), 200).json()[
            "access"
        ]
        database.run(FILLERS, LEADS)
        yield api
    finally:
        server.terminate()
        server.wait(PATIENCE)
        print((folder / "server.log").read_text()[-5_000:])
