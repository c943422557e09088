"""Where the product spends its Python time under load: py-spy samples of its workers, each put down to one place."""

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import load
from load import say
from servers import VENV, Target

SECONDS = 8
RATE = 250  # samples a second

IDLE = (
    "accept (socket.py",
    "select (selectors.py",
    "wait (threading.py",
    "_worker (concurrent/futures",
)  # innermost

# A sample goes to the first of these whose mark is anywhere in its stack: a step of the request with all beneath it.
STEPS = {
    "connection: health check, close": ["close_if_unusable_or_obsolete (", "close_if_health_check_failed ("],
    "token: signature and claims": ["get_validated_token ("],
    "token: user and session": ["get_active_user (crm/api/authentication.py", "get_user (crm/api/authentication.py"],
    "body: read and parsed": ["parse (crm/api/parsers.py"],
    "conditional: ETag": ["tag (crm/api/etags.py"],
    "rows to JSON": ["rows_to_json (", "row_to_json (", "to_json (", "render (crm/api/renderers.py"],
    "filters": ["read (crm/api/filters.py", "of (crm/api/filters.py"],
    "transaction": ["__enter__ (django/db/transaction.py", "__exit__ (django/db/transaction.py"],
    "input: serializer's fields copied": ["fields (crm/api/serializers.py"],
    "input: validation": ["is_valid (rest_framework/serializers.py"],
    "the row written": ["_do_insert (django/db/models/base.py", "_do_update (django/db/models/base.py"],
}
# Else to the innermost frame that one of these knows.
LAYERS = {
    "view: ORM and query": ["(django/db/", "(psycopg2/", "(crm/fast/"],
    "DRF: dispatch": ["(rest_framework/", "(crm/api/viewsets.py"],
    "server": ["(gunicorn", "(socket.py", "(selectors.py", "(concurrent", "(threading.py"],
    "middleware": ["(django/middleware", "(django/contrib", "(django/utils/deprecation", "(corsheaders", "(whitenoise"],
    "middleware of our own": ["(crm/"],
    "Django: handler, URLs, request, response": ["(django/", "(asgiref"],
}


def report(names: list[str], target: Target, folder: Path) -> None:
    """Print, for each scenario, every place's share of the samples; one is taken while a worker holds its GIL."""
    spy = shutil.which("py-spy", path=f"{VENV}:{os.environ['PATH']}")
    if not spy:
        raise SystemExit("py-spy is missing: pip install -r bench/requirements.txt")
    shares = {}
    for name in names:
        say(f"sampling {name}")
        load.wrk(name, target, 1, folder)
        target.database.reset()
        samples = folder / f"{name}.samples"
        options = f"--subprocesses --gil --function --duration {SECONDS} --rate {RATE} --format raw".split()
        process = subprocess.Popen(
            [spy, "record", "--pid", str(target.process.pid), *options, "--output", samples],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        load.wrk(name, target, SECONDS + 2, folder)
        process.wait(30)
        counts = Counter()
        for line in samples.read_text().splitlines():
            stack, count = line.rsplit(" ", 1)
            if not stack.rsplit(";", 1)[-1].startswith(IDLE):
                counts[place(stack)] += int(count)
        shares[name] = {where: count / counts.total() for where, count in counts.items()}
    print(f"`{target.command}`\n\n| share of the Python time | {' | '.join(names)} |\n|---|{'--:|' * len(names)}")
    most = {where: max(by.get(where, 0) for by in shares.values()) for by in shares.values() for where in by}
    for where in sorted(most, key=most.__getitem__, reverse=True):
        print(f"| {where} | {' | '.join(f'{shares[name].get(where, 0):.0%}' for name in names)} |")


def place(stack: str) -> str:
    for step, marks in STEPS.items():
        if any(mark in stack for mark in marks):
            return step
    for frame in reversed(stack.split(";")):
        for layer, marks in LAYERS.items():
            if any(mark in frame for mark in marks):
                return layer
    return "other"
