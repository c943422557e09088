"""Starting and stopping a target, and what its processes take of the machine."""

import http.client
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from database import free_port

TICKS = os.sysconf("SC_CLK_TCK")
VENV = Path(sys.executable).parent


@dataclass
class Target:
    """A server under test: `command` (with {port}) started in `folder` with `env` added; a context manager."""

    name: str
    command: str
    folder: Path
    env: dict[str, str]
    database: object
    log: Path
    token: str = ""
    port: int = field(default_factory=free_port)
    memory: dict[str, float] = field(default_factory=dict)  # MiB of a worker, by kind
    sizes: dict[str, float] = field(default_factory=dict)  # mean bytes of an answer, by scenario

    def __enter__(self) -> "Target":
        self.process = subprocess.Popen(
            shlex.split(self.command.replace("{port}", str(self.port))),
            cwd=self.folder,
            env=environment(self.env),
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        return self

    def __exit__(self, *exc_info) -> None:
        stop(self.process)

    def ask(self, method: str, path: str, body: str = "", token: str | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Accept": "application/json", "Authorization": f"Bearer {token or self.token}"}
        if body:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, body or None, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                self.ask("GET", "/call/0/")
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise SystemExit(f"{self.name} did not start:\n{self.log.read_text()[-2000:]}") from None
                time.sleep(0.2)

    @property
    def workers(self) -> list[int]:
        return children(self.process.pid)

    def weigh(self) -> None:
        """Keep the largest mean memory of a worker seen so far, MiB: PSS (shared pages divided up) and RSS."""
        for kind in ("Pss", "Rss"):
            sizes = [size for pid in self.workers if (size := memory(pid, kind)) > 1]
            if sizes:
                self.memory[kind] = max(self.memory.get(kind, 0), sum(sizes) / len(sizes))


def environment(extra: dict[str, str]) -> dict[str, str]:
    """This process's environment without what would configure a project, and with our virtual environment first."""
    inherited = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR", "PATH") if name in os.environ}
    return inherited | {"PATH": f"{VENV}:{inherited['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"} | extra


def stop(process: subprocess.Popen) -> None:
    """End a process and all of its session."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def stat(pid: int | str) -> list[str]:
    """The fields of /proc/PID/stat after the command's name; [] for a process that has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def parents() -> dict[int, int]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return {pid: int(fields[1]) for pid in pids if (fields := stat(pid))}


def children(pid: int) -> list[int]:
    return [child for child, parent in parents().items() if parent == pid]


def own_cpu() -> float:
    """CPU seconds that this process and all that descends from it, the dead included, have used so far."""
    tree, parent_of = {os.getpid()}, parents()
    while more := {pid for pid, parent in parent_of.items() if parent in tree} - tree:
        tree |= more
    return sum(sum(map(int, fields[11:15])) for pid in tree if (fields := stat(pid))) / TICKS


def machine_cpu() -> float:
    """CPU seconds that the whole machine has used so far: user, nice, system, interrupts."""
    fields = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]))
    return (sum(fields[:3]) + sum(fields[5:7])) / TICKS


def memory(pid: int, kind: str) -> float:
    """MiB; 0 for a process that has gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) / 1024
