"""The bench: the product beside its vanilla twin, over the same tables and data, in one run. See README.md."""

import argparse
import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import access
import load
import sampling
import scenarios
from database import Postgres, Size, SQLiteDatabase
from load import say
from scenarios import SCENARIOS
from servers import Target, environment

HERE = Path(__file__).resolve().parent
GUNICORN = "gunicorn --workers 2 --bind 127.0.0.1:{port}"
PRODUCT = f"{GUNICORN} -c crm/server/gunicorn.py crm.wsgi"
TWIN = f"{GUNICORN} twin.wsgi"
POSTGRES_SET = ["R1", "R2", "R3", "R4", "R5", "W1", "W2", "W3"]
SQLITE_SET = ["R1", "R3", "R4"]
FLAT_SET = ["R1", "R2", "R3", "R5", "P"]
PROFILE_SET = ["R1", "R2", "W1"]
FLAT = 1.25  # times the cost, at most, at ten times the data
NAME = "kam"


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *received: sys.exit("stopped"))
    options = arguments()
    if not shutil.which("wrk"):
        raise SystemExit("wrk, the load generator, is missing (Debian: apt-get install wrk; macOS: brew install wrk)")
    with tempfile.TemporaryDirectory(prefix="crm-bench-") as folder, contextlib.ExitStack() as stack:
        os.chmod(folder, 0o755)  # PostgreSQL's user has to get through
        Bench(options, Path(folder), stack).run()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one repetition of 3 s instead of three of 6 s")
    parser.add_argument("--only", type=lambda text: text.upper().split(","), metavar="R1,W1", help="these scenarios")
    parser.add_argument("--sqlite", action="store_true", help="on SQLite instead of PostgreSQL")
    parser.add_argument("--flat", action="store_true", help="the product at 1x and at 10x the data")
    parser.add_argument("--access", choices=["team", "own"], help="row access against ACCESS=all, 10x the data")
    parser.add_argument("--profile", action="store_true", help="where the product's time goes, by py-spy")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run's figures there")
    parser.add_argument("--product-command", default=PRODUCT, help="default: %(default)s")
    parser.add_argument("--tree", type=Path, default=HERE.parent, help="the product's checkout; default: this one")
    parser.add_argument("--against", metavar="COMMAND", help="in the twin's place the product, served by COMMAND")
    parser.add_argument("--against-tree", type=Path, metavar="DIR", help="in the twin's place another checkout")
    parser.add_argument("--without", metavar="NAME", help="in the twin's place the product without an accelerator")
    options = parser.parse_args()
    if unknown := set(options.only or []) - set(SCENARIOS):
        parser.error(f"unknown scenarios: {', '.join(sorted(unknown))}")
    return options


class Bench:
    def __init__(self, options: argparse.Namespace, folder: Path, stack: contextlib.ExitStack) -> None:
        self.options, self.folder, self.stack = options, folder, stack
        self.secret, self.password = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        self.tokens: dict[str, str] = {}

    def run(self) -> None:
        options = self.options
        if options.access:
            self.run_access(options.access)
            return
        if options.flat:
            sizes, names, report = [Size(1), Size(10)], FLAT_SET, self.report_flat
        elif options.profile:
            sizes, names, report = [Size(1)], PROFILE_SET, None
        else:
            sizes, names, report = [Size(1)], SQLITE_SET if options.sqlite else POSTGRES_SET, self.report
        names = options.only or names
        databases = [self.database(size) for size in sizes]
        if options.flat:
            targets = [self.product(f"{database.size.scale}x", database) for database in databases]
        elif options.profile:
            targets = [self.product("product", databases[0])]
        else:
            targets = [self.product("product", databases[0]), self.rival(databases[0])]
        for target in targets:
            self.stack.enter_context(target)
            target.wait_until_up()
            self.verify(target, names)
        if report is None:
            sampling.report(names, targets[0], self.folder)
            return
        speed = load.calibrate()
        repetitions, seconds = (1, 3) if options.quick else (3, 6)
        results = load.interleaved(names, targets, repetitions, seconds, self.folder)
        self.say_what_ran(targets, repetitions, seconds, speed)
        report(results, targets)
        if options.json:
            options.json.write_text(json.dumps(results, indent=1, default=asdict))
        if any(run.bad for by in results.values() for runs in by.values() for run in runs):
            raise SystemExit("some answers were no success")

    def run_access(self, value: str) -> None:
        """The costs of ACCESS, and the plans of the queries."""
        database = self.database(Size(10))
        database.grant_access()
        targets = [self.product(name, database, ACCESS=name) for name in ("all", value)]
        for target in targets:
            self.stack.enter_context(target)
            target.wait_until_up()
        names = {user: NAME if user == 1 else f"user{user}" for user in access.USERS.values()}
        credentials = {user: {"username": name, "password": self.password} for user, name in names.items()}
        access.report(targets, credentials, 1 if self.options.quick else 3)
        plans = access.PLANS.format(users=[*names])
        print(self.manage(database.url, "shell", "--verbosity=0", "-c", plans, ACCESS=value))

    # --- What is measured ---------------------------------------------------------------------------

    def database(self, size: Size):
        """A seeded database with the product's tables, and one user."""
        if self.options.sqlite:
            path = self.folder / f"bench{size.scale}.sqlite3"
            url = f"sqlite:///{path}"
        else:
            if not hasattr(self, "postgres"):
                say("starting a PostgreSQL of our own")
                self.postgres = self.stack.enter_context(Postgres(self.folder))
            database = self.postgres.database(f"bench{size.scale}", size)
            url = database.url
        say(f"migrating, and seeding {size.leads:,} leads and {size.interactions:,} interactions")
        self.manage(url, "migrate", "--verbosity=0")
        create = f"get_user_model().objects.create_user({NAME!r}, password={self.password!r})"
        self.manage(url, "shell", "-c", f"from django.contrib.auth import get_user_model; {create}")
        if self.options.sqlite:
            database = SQLiteDatabase(path, size)
        database.seed()
        return database

    def manage(self, url: str, *arguments: str, **env: str) -> str:
        """What a command of manage.py prints."""
        command, env = [sys.executable, "manage.py", *arguments], environment({**self.env(url), **env})
        ended = subprocess.run(command, cwd=self.options.tree, env=env, capture_output=True, text=True)
        if ended.returncode:
            raise SystemExit(f"manage.py {arguments[0]} failed:\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def env(self, url: str) -> dict[str, str]:
        return {
            "DATABASE_URL": url,
            "SECRET_KEY": self.secret,
            "THROTTLE": "0",
            "DEBUG": "0",
            "REDIS_URL": "",
            "ACCESS_TOKEN_MINUTES": "1440",
        }

    def product(self, name: str, database, command: str = "", tree: Path | None = None, **env: str) -> Target:
        command, tree = command or self.options.product_command, tree or self.options.tree
        env = {**self.env(database.url), **env}
        return Target(name, command, tree.resolve(), env, database, self.folder / f"{name}.log")

    def rival(self, database) -> Target:
        """The twin, or what `--against` or `--without` puts in its place."""
        if self.options.without == "all":
            return self.product("FAST=0", database, FAST="0")
        if self.options.without:
            return self.product("rival", database, FAST_WITHOUT=self.options.without)
        if self.options.against or self.options.against_tree:
            return self.product("rival", database, self.options.against or "", self.options.against_tree)
        env = {**self.env(database.url), "PYTHONPATH": str(HERE)}
        return Target("twin", TWIN, HERE, env, database, self.folder / "twin.log")

    def verify(self, target: Target, names: list[str]) -> None:
        """Every scenario's answers, against the database's rows; and the token is looked at."""
        target.token = self.token(target)
        for name in names:
            sizes = []
            for request in scenarios.requests(name, target.database.size, 2 if name == "R4" else 8, seed=2):
                body = json.dumps(request.body) if request.body else ""
                status, content = target.ask(request.method, request.path, body)
                scenarios.check(name, request, status, content, target.database)
                sizes.append(len(content))
            target.sizes[name] = sum(sizes) / len(sizes)
        if target.ask("GET", "/track/interactions/1/", token=f"{target.token[:-6]}aaaaaa")[0] != 401:
            raise scenarios.WrongAnswer(f"{target.name} takes a token that nobody signed")
        target.database.reset()
        sizes = ", ".join(f"{name} {size:,.0f}" for name, size in target.sizes.items())
        say(f"{target.name} answers as the database's rows say; bytes: {sizes}")

    def token(self, target: Target) -> str:
        """An access token from the product's own sign-in; the twin shares key and users and so takes it too."""
        if target.database.url not in self.tokens:
            credentials = json.dumps({"username": NAME, "password": self.password})
            status, content = target.ask("POST", "/api/token/", credentials, token="none")
            if status != 200:
                raise SystemExit(f"signing in failed: {status} {content[:200]!r}")
            self.tokens[target.database.url] = json.loads(content)["access"]
        return self.tokens[target.database.url]

    # --- Report ---------------------------------------------------------------------------------

    def say_what_ran(self, targets: list[Target], repetitions: int, seconds: int, speed: float) -> None:
        packages = ", ".join(f"{name} {version(name)}" for name in ("django", "djangorestframework", "gunicorn"))
        print(f"{targets[0].database.name}, Python {sys.version.split()[0]}, {packages}, {os.cpu_count()} CPUs")
        print(f"{load.CONNECTIONS} connections, {repetitions} × {seconds} s each, medians of the quiet runs")
        print(f"calibration: {speed:.3f} s before, {load.calibrate():.3f} s after")
        for target in targets:
            weight = ", ".join(f"{kind.upper()} {size:.0f} MiB" for kind, size in target.memory.items())
            print(f"{target.name}: `{target.command}`; {len(target.workers)} workers, each {weight}")
        print("settings: THROTTLE=0 DEBUG=0, no Redis; the token's user is looked up on every request\n")

    def report(self, results: dict, targets: list[Target]) -> None:
        ours, theirs = (target.name for target in targets)
        heads = (
            f"requests/s, {ours}|{theirs}|ratio|floor|goal|CPU ms a request|ratio of CPU|p50 ms|p99 ms|not 2xx|quiet"
        )
        print(f"| |{heads}|\n|---|{'--:|' * 11}")
        for name, by_target in results.items():
            a, b, wanted = by_target[ours], by_target[theirs], SCENARIOS[name]
            pair = {what: (load.middle(a, what), load.middle(b, what)) for what in ("rate", "cpu", "p50", "p99")}
            cells = [
                *(f"{rate:.0f}" for rate in pair["rate"]),
                compared(a, b),
                (wanted.sqlite_floor if self.options.sqlite else wanted.floor) or "",
                (not self.options.sqlite and wanted.goal) or "",
                "{:.2f}, {:.2f}".format(*pair["cpu"]),
                f"{pair['cpu'][1] / pair['cpu'][0]:.2f}",
                "{:.1f}, {:.1f}".format(*pair["p50"]),
                "{:.1f}, {:.1f}".format(*pair["p99"]),
            ]
            print(f"|{name} {wanted.title}|{'|'.join(map(str, cells))}|{tail(a + b)}|")
        weights = [target.memory["Pss"] for target in targets]
        print(f"\nmemory of a worker: {weights[0] / weights[1]:.2f} × that of {theirs} (PSS; at most 1.2)")

    def report_flat(self, results: dict, targets: list[Target]) -> None:
        small, large = (target.name for target in targets)
        print(f"| |{small}/s|{large}/s|cost at {large}|at most|CPU at {large}|not 2xx|quiet|\n|---|{'--:|' * 7}")
        for name, by_target in results.items():
            a, b = by_target[small], by_target[large]
            rates = f"{load.middle(a, 'rate'):.0f}|{load.middle(b, 'rate'):.0f}"
            cpu = load.middle(b, "cpu") / load.middle(a, "cpu")
            print(f"|{name} {SCENARIOS[name].title}|{rates}|{compared(a, b)}|{FLAT}|{cpu:.2f}|{tail(a + b)}|")


def compared(a: list[load.Run], b: list[load.Run]) -> str:
    """The ratio of their requests a second; with ~ where one side had no quiet run."""
    is_sure = any(run.is_quiet for run in a) and any(run.is_quiet for run in b)
    return f"**{'' if is_sure else '~'}{load.ratio(a, b):.2f}**"


def tail(runs: list[load.Run]) -> str:
    return f"{sum(run.bad for run in runs)}|{sum(run.is_quiet for run in runs)} of {len(runs)}"


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("stopped")
    except scenarios.WrongAnswer as error:
        sys.exit(f"wrong answer: {error}")
