"""The server that the browser talks to: `manage.py serve` on a free port, on a fresh database with demo data.

DATABASE_URL=postgres://… makes the database on that PostgreSQL, else it is SQLite.
"""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import psycopg2

ROOT = Path(__file__).parents[1]
PATIENCE = 60  # seconds until the server has to answer
LEADS = 150
PASSWORD = "correct horse battery staple"

# Who works there, by their roles; without one: a superuser.
PEOPLE = {
    "asha": "",
    "back.office": "Back office",
    "manager": "Manager",
    "kam": "KAM",
    "reader": "Read only",
    "forgetful": "KAM",
    "careful": "KAM",
    "cautious": "KAM",
    "examined": "KAM",
}

# Their accounts, and what the demo data have not: a lead that was handed over.
HIRE = f"""
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from lead.models import Restaurant
for name, role in {PEOPLE!r}.items():
    user = get_user_model().objects.create_user(name, password={PASSWORD!r}, is_staff=True, is_superuser=not role)
    if role:
        user.groups.add(Group.objects.get(name=role))
asha, lead = get_user_model().objects.get(username="asha"), Restaurant.objects.first()
Restaurant.objects.hand_over(lead.assigned_to_id, asha.pk, leads=[lead.pk], by=asha)
"""


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """The URL of an empty database, which goes when the block ends."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield f"sqlite:///{folder / 'db.sqlite3'}"
        return
    name = f"crm_e2e_{os.getpid()}"
    with closing(psycopg2.connect(urlsplit(url)._replace(path="/postgres").geturl())) as connection:
        connection.autocommit = True
        connection.cursor().execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            connection.cursor().execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def running(folder: Path, **variables: str) -> Iterator[str]:
    """The address of a server; its log is `folder / "server.log"`."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with database(folder) as database_url:
        environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": database_url,
            "SECRET_KEY": secrets.token_urlsafe(48),
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "ALLOWED_HOSTS": "127.0.0.1",
            "DEMO": "0",
            # Over what a .env may say:
            **{"HTTPS": "0", "DEBUG": "0", "REDIS_URL": "", "THROTTLE": "1", "TRUSTED_PROXIES": ""},
            **variables,
        }

        def manage(*arguments: str) -> None:
            subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, check=True, **quiet)

        with (folder / "server.log").open("ab") as log:
            quiet = {"stdout": log, "stderr": log}
            manage("migrate", "--verbosity", "0")
            manage("demo", "--leads", str(LEADS))
            manage("shell", "--verbosity", "0", "--command", HIRE)
            process = subprocess.Popen(
                [sys.executable, "manage.py", "serve"], cwd=ROOT, env=environment, start_new_session=True, **quiet
            )
        try:
            wait_until_ready(process, f"http://127.0.0.1:{port}/readyz")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def wait_until_ready(process: subprocess.Popen, url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        assert process.poll() is None, "The server has stopped."
        assert time.monotonic() < deadline, "The server does not answer."
        try:
            with urlopen(url):
                return
        except URLError:
            time.sleep(0.05)
