"""The bench's own databases, a PostgreSQL that is thrown away or an SQLite file, seeded by the same SQL."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from string import Template

import psycopg2
import psycopg2.extras

HERE = Path(__file__).resolve().parent
TABLES = ("lead_restaurant", "contact_contact", "track_interaction", "call_callplan")
DAY = 86_400  # seconds
START = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
DUE = 1_000  # plans that are due today, at every size
TODAY = int(time.time()) // DAY * DAY  # noqa: TID251 (the plans are due on the real today)

POSTGRES_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",  # its work would fall into some runs and not into others
    "timezone": "UTC",
}


@dataclass(frozen=True)
class Size:
    """How much data there is: 1 is 20,000 leads and 300,000 interactions."""

    scale: int = 1

    leads = property(lambda self: 20_000 * self.scale)
    interactions = property(lambda self: 300_000 * self.scale)
    step = property(lambda self: 260 // self.scale)  # seconds between two interactions

    def sql(self, name: str) -> str:
        """The SQL file `name` with its figures filled in."""
        return Template((HERE / name).read_text()).substitute(
            leads=self.leads,
            interactions=self.interactions,
            due=DUE,
            step=self.step,
            start=START,
            today=TODAY,
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postgres:
    """A cluster in `folder`, run as an unprivileged user, which PostgreSQL insists on; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.password = folder / "postgres", free_port(), secrets.token_hex(16)

    def __enter__(self) -> "Postgres":
        self.folder.mkdir()
        password_file = self.folder.with_suffix(".password")
        password_file.write_text(self.password)
        self.run_as = {}
        if os.geteuid() == 0:
            users = {entry.pw_name: entry for entry in pwd.getpwall()}
            owner = "postgres" if "postgres" in users else "nobody"
            self.run_as = {"user": owner, "group": users[owner].pw_gid, "extra_groups": []}
            for path in (self.folder.parent, self.folder, password_file):
                shutil.chown(path, owner)
        authentication = ["--username=bench", f"--pwfile={password_file}", "--auth=scram-sha-256"]
        locale = ["--encoding=UTF8", "--locale=C.UTF-8"]
        subprocess.run(
            [program("initdb"), "-D", self.folder, *authentication, *locale],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
            **self.run_as,
        )
        settings = [f"--{name}={value}" for name, value in POSTGRES_SETTINGS.items()]
        with (self.folder.parent / "postgres.log").open("w") as log:
            self.process = subprocess.Popen(
                [program("postgres"), "-D", self.folder, "-p", str(self.port), *settings],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                **self.run_as,
            )
        return self

    def __exit__(self, *exc_info) -> None:
        self.process.send_signal(signal.SIGINT)  # fast shutdown
        self.process.wait(60)

    def url(self, name: str) -> str:
        return f"postgres://bench:{self.password}@127.0.0.1:{self.port}/{name}"

    def database(self, name: str, size: Size) -> "PostgresDatabase":
        deadline = time.monotonic() + 30
        while True:
            try:
                connection = psycopg2.connect(self.url("postgres"))
                break
            except psycopg2.OperationalError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.1)
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {name}")
        connection.close()
        return PostgresDatabase(self.url(name), size)


class PostgresDatabase:
    def __init__(self, url: str, size: Size) -> None:
        self.url, self.size = url, size
        self.connection = psycopg2.connect(url, cursor_factory=psycopg2.extras.RealDictCursor)
        self.connection.autocommit = True
        self.name = f"PostgreSQL {self.connection.server_version // 10_000}"

    def seed(self) -> None:
        """Keys are checked afterwards by nobody: the SQL makes them match, and triggers would take minutes."""
        self._run(f"SET session_replication_role = replica; {self.size.sql('seed.sql')}")
        self.reset()
        for table in TABLES:
            self._run(f"VACUUM ANALYZE {table}")

    def reset(self) -> None:
        self._run(self.size.sql("reset.sql"))
        for table in TABLES:
            self._run(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
        self._run("VACUUM ANALYZE track_interaction")
        self._run("VACUUM (FULL, ANALYZE) call_callplan")
        self._run("VACUUM (FULL, ANALYZE) call_callevent")

    def grant_access(self) -> None:
        """Users, teams, and owners of the leads."""
        self._run(f"SET session_replication_role = replica; {self.size.sql('access.sql')}")
        for table in ("auth_user", "lead_team", "lead_team_members", "lead_team_managers"):
            self._run(f"VACUUM ANALYZE {table}")
        self._run("VACUUM (FULL, ANALYZE) lead_restaurant")

    def rows(self, sql: str) -> list[dict]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return [dict(row) for row in cursor.fetchall()]

    def _run(self, sql: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)


class SQLiteDatabase:
    """The file must have its tables before it is opened here."""

    def __init__(self, path: Path, size: Size) -> None:
        self.path, self.size, self.url = path, size, f"sqlite:///{path}"
        self.name = f"SQLite {sqlite3.sqlite_version}"

    def seed(self) -> None:
        self._run(self.size.sql("seed.sql"))
        self.reset()
        self._run("ANALYZE")

    def reset(self) -> None:
        self._run(self.size.sql("reset.sql"))

    def rows(self, sql: str) -> list[dict]:
        connection = self._connect()
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute(sql).fetchall()]
        connection.close()
        return rows

    def _run(self, sql: str) -> None:
        connection = self._connect()
        connection.executescript(f"BEGIN; {sql}; COMMIT")
        connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=30)
        connection.create_function("to_timestamp", 1, as_django_stores)
        return connection


def as_django_stores(seconds: float) -> str:
    return str(datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None))


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs, which distributions like to keep off the PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which(name, path=":".join([os.environ["PATH"], *map(str, debian)]))
    if not found:
        raise SystemExit(f"{name} is missing: install PostgreSQL's server (Debian: apt-get install postgresql)")
    return os.path.realpath(found)
