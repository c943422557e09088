"""Timing: one run of wrk, repeated where the machine was busy with something else meanwhile."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import scenarios
from servers import Target, machine_cpu, own_cpu

CONNECTIONS = 8
FOREIGN = 0.08  # share of the machine's CPU that others may take in a run
DRIFT = 0.15  # share by which the machine's speed may differ before and after it
TRIES = 3
SCRIPT = Path(__file__).with_name("load.lua")
PREPARED = 20_000  # requests; fewer of those with large answers


@dataclass(frozen=True)
class Run:
    """What one run of wrk saw, and how the machine was meanwhile."""

    rate: float  # requests a second
    cpu: float  # ms of CPU time a request, of server and database
    p50: float  # ms
    p99: float  # ms
    bad: int  # answers that were no success, and broken connections
    speed: float  # seconds that calibrate() took, mean of before and after
    foreign: float  # share of the machine's CPU that others took
    drift: float  # of the speed, from before to after

    @property
    def is_quiet(self) -> bool:
        return self.foreign <= FOREIGN and self.drift <= DRIFT

    def __str__(self) -> str:
        noise = "" if self.is_quiet else f"  NOISY: others {self.foreign:.0%}, drift {self.drift:.0%}"
        return f"{self.rate:8.1f}/s  CPU {self.cpu:7.2f} ms  p99 {self.p99:7.1f} ms{noise}"

    @property
    def adjusted_rate(self) -> float:
        """Requests in the time of a fixed piece of work: when the machine slows down, both slow down."""
        return self.rate * self.speed


def calibrate() -> float:
    """Seconds for a fixed piece of Python: the machine's speed at the moment."""
    started = time.perf_counter()
    total = 0
    for number in range(1_200_000):
        total += number % 7
    return time.perf_counter() - started


def prepare(name: str, target: Target, folder: Path) -> Path:
    """wrk's list of requests."""
    path = folder / f"{name}-{target.database.size.scale}.requests"
    if not path.exists():
        count = 300 if name == "R4" else PREPARED
        made = scenarios.requests(name, target.database.size, count)
        path.write_text("".join(request.line for request in made))
    return path


def timed(name: str, target: Target, seconds: int, folder: Path) -> Run:
    """The quietest of at most TRIES runs, or the first that is quiet."""
    runs = []
    while len(runs) < TRIES:
        if name in scenarios.WRITES:
            target.database.reset()
        runs.append(_run(name, target, seconds, folder))
        target.weigh()
        if runs[-1].is_quiet:
            break
    return min(runs, key=lambda run: (not run.is_quiet, run.foreign + run.drift))


def _run(name: str, target: Target, seconds: int, folder: Path) -> Run:
    speed_before = calibrate()
    started, own, machine, dead = time.perf_counter(), own_cpu(), machine_cpu(), dead_children_cpu()
    seen = wrk(name, target, seconds, folder)
    wall, own, machine = time.perf_counter() - started, own_cpu() - own, machine_cpu() - machine
    served = own - (dead_children_cpu() - dead)  # without wrk's
    speed_after = calibrate()
    return Run(
        rate=seen["requests"] / seen["microseconds"] * 1e6,
        cpu=served / seen["requests"] * 1e3,
        p50=seen["p50"] / 1e3,
        p99=seen["p99"] / 1e3,
        bad=seen["bad"] + seen["broken"],
        speed=(speed_before + speed_after) / 2,
        foreign=max(0, machine - own) / wall / (os.cpu_count() or 1),
        drift=abs(speed_after - speed_before) / min(speed_before, speed_after),
    )


def dead_children_cpu() -> float:
    used = os.times()
    return used.children_user + used.children_system


def wrk(name: str, target: Target, seconds: int, folder: Path) -> dict:
    """One run of wrk over the prepared requests of a scenario: what load.lua sums up."""
    requests = prepare(name, target, folder)
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s"]
    command += ["-s", str(SCRIPT), f"http://127.0.0.1:{target.port}", "--", str(requests), target.token]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    if ended.returncode or "{" not in ended.stdout:
        raise SystemExit(f"wrk against {target.name}: {ended.stdout}{ended.stderr}")
    seen = json.loads(ended.stdout[ended.stdout.rindex("\n{") :])
    if not seen["requests"]:
        raise SystemExit(f"{target.name} answered no {name} in {seconds} s: the machine is too busy")
    if seen["bytes"] < 0.8 * seen["requests"] * target.sizes[name]:
        raise SystemExit(f"{target.name} answers {name} shorter under load than when it was verified")
    return seen


def interleaved(names: list[str], targets: list[Target], repetitions: int, seconds: int, folder: Path) -> dict:
    """{scenario: {target's name: runs}}: A B A B …, each warmed up once for every scenario."""
    results: dict[str, dict[str, list[Run]]] = {}
    for name in names:
        results[name] = {target.name: [] for target in targets}
        length = seconds * 2 if name == "R4" else seconds  # its answers are long, and so the twin's are few
        for target in targets:
            wrk(name, target, length // 3, folder)
        for repetition in range(repetitions):
            for target in targets:
                run = timed(name, target, length, folder)
                results[name][target.name].append(run)
                say(f"{name} {repetition + 1}/{repetitions} {target.name:8} {run}")
        if name in scenarios.WRITES:
            targets[0].database.reset()
    return results


def quiet(runs: list[Run]) -> list[Run]:
    """Those that nobody disturbed; all of them if there is none."""
    return [run for run in runs if run.is_quiet] or runs


def ratio(runs: list[Run], base: list[Run]) -> float:
    """How many times the requests a second of `base`, both at one speed of the machine."""
    return median(run.adjusted_rate for run in quiet(runs)) / median(run.adjusted_rate for run in quiet(base))


def middle(runs: list[Run], name: str) -> float:
    return median(getattr(run, name) for run in quiet(runs))


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
