"""The requests to both targets, and the check of answers against the database."""

import json
import random
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from database import DAY, START, TODAY, Size

KEYS = {
    "track_interaction": ["id", "lead", "contact", "interaction_type", "details", "order_placed", "date"],
    "call_callplan": ["id", "lead", "frequency", "last_called", "next_call_date", "notes"],
}
SELECT = {
    "track_interaction": "id, lead_id AS lead, contact_id AS contact, interaction_type, details, order_placed, date",
    "call_callplan": "id, lead_id AS lead, frequency, last_called, next_call_date, notes",
}
DAYS = {"DAILY": 1, "WEEKLY": 7, "BIWEEKLY": 14}


@dataclass(frozen=True)
class Scenario:
    """`floor` and `goal`: how many times the twin's requests a second are wanted."""

    title: str
    floor: float | None = None
    goal: float | None = None
    sqlite_floor: float | None = None


SCENARIOS = {
    "R1": Scenario("one interaction by id", 2.5, 3.3, 2),
    "R2": Scenario("interactions of a lead (15)", 2.5, 3.2),
    "R3": Scenario("100 interactions", 3.5, 4.1, 3),
    "R4": Scenario("10,000 interactions", 9, 9, 6),
    "R5": Scenario("1,000 plans due today", 5, 4.8),
    "W1": Scenario("POST an interaction", 1.5, 1.9),
    "W2": Scenario("record a call", None, 1.4),
    "W3": Scenario("record a call, both with lock, calendar and log", 1.6, 2.3),
    "P": Scenario("page 1,000 of the interactions, count=0"),
}
WRITES = {"W1", "W2", "W3"}


@dataclass(frozen=True)
class Request:
    """One request, and where the rows stand that its answer has to show."""

    method: str
    path: str
    table: str
    where: str = ""
    body: dict | None = None

    @property
    def line(self) -> str:
        return f"{self.method}\t{self.path}\t{json.dumps(self.body) if self.body else ''}\n"


def requests(name: str, size: Size, count: int, seed: int = 1) -> list[Request]:
    """`count` requests of a scenario; the same ones on every call."""
    chance = random.Random(f"{name}-{seed}")
    if name in ("W2", "W3"):  # no plan twice: a call that is no later than the last one changes nothing
        plans = chance.sample(range(1, size.leads + 1), min(count, size.leads))
        return [_request(name, size, chance, plan) for plan in plans]
    return [_request(name, size, chance) for _ in range(count)]


def _request(name: str, size: Size, chance: random.Random, plan: int = 0) -> Request:
    lead = chance.randint(1, size.leads)
    match name:
        case "R1":
            pk = chance.randint(1, size.interactions)
            return Request("GET", f"/track/interactions/{pk}/", "track_interaction", f"id = {pk}")
        case "R2":
            return Request("GET", f"/track/interactions/?lead={lead}", "track_interaction", f"lead_id = {lead}")
        case "R3" | "R4":
            length = 100 if name == "R3" else 10_000
            first = chance.randint(1, size.interactions - length)
            since, before = START + first * size.step, START + (first + length) * size.step
            return Request(
                "GET",
                f"/track/interactions/?date_after={instant(since)}&date_before={instant(before)}",
                "track_interaction",
                f"date >= to_timestamp({since}) AND date < to_timestamp({before})",
            )
        case "R5":
            due = f"next_call_date >= to_timestamp({TODAY}) AND next_call_date < to_timestamp({TODAY + DAY})"
            return Request("GET", "/call/today/", "call_callplan", due)
        case "P":
            path = "/track/interactions/?page=1000&page_size=100&count=0"
            return Request("GET", path, "track_interaction", "id > 99900 AND id <= 100000")
        case "W1":  # these types move no call plan
            body = {
                "lead": lead,
                "contact": 2 * lead - chance.randint(0, 1),
                "interaction_type": chance.choice(["EMAIL", "MESSAGE"]),
                "details": f"Sent the catalog for week {chance.randint(1, 52)}, with the new prices.",
                "order_placed": False,
                "date": instant(START + chance.randint(0, 600 * DAY)),
            }
            return Request("POST", "/track/interactions/", "track_interaction", f"id > {size.interactions}", body)
        case "W2" | "W3":
            body = {"last_called": instant(TODAY + chance.randint(0, DAY // 2))}
            path = f"/call/{plan}/record_call/{'?log=1' if name == 'W3' else ''}"  # which is for the twin
            return Request("POST", path, "call_callplan", f"id = {plan}", body)
    raise ValueError(name)


def instant(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def check(name: str, request: Request, status: int, content: bytes, database) -> None:
    """Raises WrongAnswer unless the answer shows exactly the database's rows, and a write did what it says."""
    if status != (201 if name == "W1" else 200):
        raise WrongAnswer(f"{name} {request.path}: status {status}: {content[:200]!r}")
    answer = json.loads(content)
    shown = answer if isinstance(answer, list) else [answer]
    where = f"id = {int(shown[0]['id'])} AND {request.where}" if name == "W1" else request.where
    stored = database.rows(f"SELECT {SELECT[request.table]} FROM {request.table} WHERE {where} ORDER BY id")
    if any(list(row) != KEYS[request.table] for row in shown):
        raise WrongAnswer(f"{name} {request.path}: wrong keys {list(shown[0])}")
    if not stored or sorted(map(plain, shown), key=lambda row: row["id"]) != list(map(plain, stored)):
        counts = f"{len(shown)} rows shown, {len(stored)} stored"
        raise WrongAnswer(f"{name} {request.path}: {counts}; {shown[:1]} {stored[:1]}")
    if request.body:
        row, sent = plain(shown[0]), plain(request.body)
        if {key: row[key] for key in sent} != sent:
            raise WrongAnswer(f"{name} {request.path}: sent {sent}, stored {row}")
        if name in ("W2", "W3") and row["next_call_date"] != one_interval_after(row["last_called"], row["frequency"]):
            raise WrongAnswer(f"{name} {request.path}: next call {row['next_call_date']} after {row['last_called']}")
        if name == "W3":
            lines = database.rows(f"SELECT kind, happened_at FROM call_callevent WHERE plan_id = {row['id']}")
            if [(line["kind"], plain(line)["happened_at"]) for line in lines] != [("CALLED", row["last_called"])]:
                raise WrongAnswer(f"{name} {request.path}: logged {lines}")


class WrongAnswer(Exception):
    pass


def plain(row: dict) -> dict:
    """The row's values as both databases and JSON would have them: instants aware, truth as bool."""
    values = dict(row)
    for key in values.keys() & {"date", "last_called", "next_call_date", "happened_at"}:
        if isinstance(values[key], str):
            moment = datetime.fromisoformat(values[key])
            values[key] = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if "order_placed" in values:
        values["order_placed"] = bool(values["order_placed"])
    return values


def one_interval_after(called: datetime, frequency: str) -> datetime:
    if frequency != "MONTHLY":
        return called + timedelta(days=DAYS[frequency])
    year, month = called.year + called.month // 12, called.month % 12 + 1
    return called.replace(year=year, month=month, day=min(called.day, monthrange(year, month)[1]))
