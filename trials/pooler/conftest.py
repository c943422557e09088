"""A PostgreSQL database, a real PgBouncer in front of it, and the product behind that.

DATABASE_URL=postgres://… names the PostgreSQL on which the database is made.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from crm.tests.server import PATIENCE, PostgreSQL, environment, free_port, manage
from trials.pooler.pgbouncer import PRODUCT, Pooler


@pytest.fixture(scope="session")
def run_command() -> Callable[..., subprocess.CompletedProcess]:
    """Runs a command of the product on the database at this address; it may fail."""

    def run_command(url: str, *arguments: str) -> subprocess.CompletedProcess:
        env = environment(url, PORT=str(free_port()), **PRODUCT)
        options: dict[str, Any] = {"check": False, "capture_output": True, "text": True, "timeout": PATIENCE}
        return manage(url, *arguments, env=env, **options)

    return run_command


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """For the configuration and the logs."""
    with tempfile.TemporaryDirectory(prefix="crm-pooler-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def database() -> Iterator[PostgreSQL]:
    """Spoken to past the pooler. Its zone is one that the product has to override on every connection."""
    assert os.environ.get("DATABASE_URL", "").startswith("postgres"), "DATABASE_URL has to name a PostgreSQL"
    database = PostgreSQL(f"crm_pooler_{os.getpid()}")
    try:
        database.run(f"ALTER DATABASE \"{database.name}\" SET timezone TO 'Asia/Kolkata'")
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
