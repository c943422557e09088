"""nginx with the project's own configuration; only the addresses are filled in, as envsubst does."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crm.tests.server import Server, free_port

TEMPLATE = Path(__file__).parents[1] / "deploy" / "nginx.conf.template"

# What the distribution's nginx.conf has around it, without its system-wide paths.
AROUND = """
daemon off;
{user}
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/crm.conf;
}}
"""


class Nginx(Server):
    """As the server, on the port of nginx."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.log, self.port = folder / "error.log", free_port()
        config = TEMPLATE.read_text()
        for name, value in {
            "LISTEN": f"127.0.0.1:{self.port}",
            "UPSTREAM": f"127.0.0.1:{server.port}",
            "SCHEME": "$scheme",
        }.items():
            config = config.replace(f"${{{name}}}", value)
        (folder / "crm.conf").write_text(config)
        user = "user root;" if os.getuid() == 0 else ""  # its default user may not read the folder
        (folder / "nginx.conf").write_text(AROUND.format(folder=folder, user=user))
        self.process = subprocess.Popen(
            ["nginx", "-c", folder / "nginx.conf", "-e", folder / "error.log"],
            env={"PATH": f"{os.environ['PATH']}:/usr/sbin"},  # where Debian has it
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


@contextmanager
def in_front_of(server: Server, folder: Path) -> Iterator[Nginx]:
    """nginx before the server until the block ends."""
    nginx = Nginx(server, folder)
    try:
        nginx.wait_until_ready()
        yield nginx
    finally:
        nginx.stop()
