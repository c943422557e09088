"""A real PgBouncer in transaction mode, with fewer connections than the product has threads."""

import os
import socket
import subprocess
from contextlib import closing
from pathlib import Path

from psycopg2.extensions import parse_dsn

from crm.tests.server import PATIENCE, PostgreSQL, free_port, wait_until

POOL = 4  # server connections
PRODUCT = {"DJANGO_SETTINGS_MODULE": "crm.settings", "ALLOWED_HOSTS": "127.0.0.1"}  # variables of its processes

# All else is PgBouncer's default; `server` names a user because `auth_type = any` takes none from the client.
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


def listens(port: int) -> bool:
    try:
        with closing(socket.create_connection(("127.0.0.1", port), timeout=1)):
            return True
    except OSError:
        return False


class Pooler:
    """A PgBouncer process. It refuses to run as root."""

    def __init__(self, database: PostgreSQL, folder: Path) -> None:
        self.port, self.folder = free_port(), folder
        self.direct_url = f"postgres://crm:secret@127.0.0.1:{self.port}/{database.name}"  # as a server is addressed
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
        """At once, with clients connected."""
        self.process.terminate()
        self.process.wait(PATIENCE)

    def restart(self) -> None:
        self.stop()
        self.start()
