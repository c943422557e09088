"""Compares a running server (BASE_URL) with its own OpenAPI description, with schemathesis.

Run as a program it starts `schemathesis run` and prints what was reached; it fails where a response was not as
described, or an operation never succeeded. Schemathesis loads this file as its hooks: they replace most generated ids,
tokens and dates with valid ones, so that requests get past the look-ups.
"""

import atexit
import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import requests
import schemathesis

BASE_URL = os.environ["BASE_URL"]
REPORT = os.environ.get("FUZZ_REPORT", "")
USER = "admin"  # who may write teams and import; the password is the same
SECONDS = os.environ.get("FUZZ_SECONDS", "150")
# Not checked: whether each generated body is accepted or refused. References, related dates and unknown keys, which are
# ignored, are beyond what a schema can express.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method,allow_header_conformance,use_after_free,"
    "ensure_resource_availability,ignored_auth"
)

session = requests.Session()
random = Random(1)
numbers = itertools.count(1)
reached: Counter[tuple[str, int]] = Counter()


def post(path: str, **body) -> dict:
    answer = session.post(f"{BASE_URL}{path}", json=body)
    answer.raise_for_status()
    return answer.json()


def sign_in() -> dict:
    return post("/api/token/", username=USER, password=USER)


class Cast:
    """Rows that exist. A row that a request may delete is created for it."""

    def __init__(self) -> None:
        self.tokens = sign_in()
        session.headers["Authorization"] = f"Bearer {self.tokens['access']}"
        self.lead = self.new_lead()
        self.contact = self.new_contact()
        self.ids = {"/lead/": self.lead, "/contact/": self.contact, "/track/": self.new_interaction()}
        self.ids["/call/"] = self.new_plan()
        self.ids["/api/teams/"] = self.new_team()

    def new_lead(self) -> int:
        return post("/lead/restaurants/", name="Bistro Anna")["id"]

    def new_contact(self) -> int:
        return post("/contact/contacts/", restaurant=self.lead, name="Asha Rao")["id"]

    def new_interaction(self) -> int:
        order = {"product_details": "50 units", "quantity": 50, "total_price": 500}
        return post("/track/interactions/", lead=self.lead, interaction_type="ORDER", order=order)["id"]

    def new_plan(self) -> int:
        return post("/call/", lead=self.lead, frequency="WEEKLY")["id"]

    def new_team(self) -> int:
        return post("/api/teams/", name=f"Team {next(numbers)}")["id"]

    def new_import(self, **options) -> int:
        """Of a lead and a row in error."""
        files = {"file": ("leads.csv", f"name,email\nBistro {next(numbers)},\nBistro,?\n")}
        data = {"kind": "leads", "partial": "true", **options}
        answer = session.post(f"{BASE_URL}/api/imports/", data=data, files=files)
        answer.raise_for_status()
        return answer.json()["id"]

    def new_external_id(self) -> dict[str, str]:
        given = {"source": "erp", "value": str(next(numbers))}
        post(f"/lead/restaurants/{self.lead}/external_ids/", **given)
        return given

    def id_for(self, method: str, path: str) -> int:
        if path.startswith("/api/imports/"):
            return self.new_import(dry_run=str(path.endswith("/confirm/")).lower())
        if path.startswith("/track/accounts/"):
            return self.lead
        section = "/api/teams/" if path.startswith("/api/teams/") else f"/{path.split('/')[1]}/"
        if method != "DELETE" or path.endswith("/external_ids/"):
            return self.ids[section]
        makers = {"/lead/": self.new_lead, "/contact/": self.new_contact, "/track/": self.new_interaction}
        makers["/api/teams/"] = self.new_team
        return makers.get(section, self.new_plan)()

    def references(self) -> dict[str, int | None]:
        return {"lead": self.lead, "restaurant": self.lead, "contact": self.contact, "assigned_to": None}

    def values(self, operation: str) -> dict:
        """What replaces most generated texts."""
        token = sign_in()["refresh"] if operation == "POST /api/token/logout/" else self.tokens["refresh"]
        return {
            "username": USER,
            "password": USER,
            "refresh": token,
            "token": token,
            "time_zone": "Asia/Kolkata",
            "country": "IN",
            "region": "",
            "until": "2099-01-07",
            "tz": "Asia/Kolkata",
            "from": "2024-01-01",
            "to": "2024-12-31",
            "date": "2024-12-28",
            "phone": "+91 98765 43210",
        }


def is_id(value) -> bool:
    """Whether a row could have it. Larger ones are sent as generated, and name no row."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9


cast: Cast | None = None


@schemathesis.hook
def before_call(context, case, kwargs) -> None:
    """Mostly a request that can succeed; now and then the generated one."""
    global cast
    cast = cast or Cast()
    parameters = case.path_parameters or {}
    if is_id(parameters.get("id")):
        parameters["id"] = cast.id_for(case.method, case.path)
    if "secret" in parameters and random.random() < 0.5:
        address = "/call/feed/" if case.path.startswith("/call/") else "/contact/cards/"
        parameters["secret"] = post(address)["url"].rpartition("/")[2].rpartition(".")[0]
    if case.operation.label == "DELETE /lead/restaurants/{id}/external_ids/" and random.random() < 0.7:
        case.query = cast.new_external_id()
    if case.path.endswith("/not_duplicates/") and is_id(parameters.get("id")) and random.random() < 0.7:
        other = cast.new_lead() if case.path.startswith("/lead/") else cast.new_contact()
        if case.method == "POST":
            case.body = {"other": other}
        if case.method == "DELETE":
            post(case.path.replace("{id}", str(parameters["id"])), other=other)
            case.query = {"other": other}
    if case.operation.label == "POST /api/imports/" and isinstance(case.body, dict) and random.random() < 0.7:
        case.body = {"file": f"name\nBistro {next(numbers)}\n".encode(), "kind": "leads"}
    values = cast.values(case.operation.label) if random.random() < 0.7 else {}
    for fields in (case.body, case.query):
        if isinstance(fields, dict):
            fields |= {name: id for name, id in cast.references().items() if is_id(fields.get(name))}
            fields |= {name: value for name, value in values.items() if isinstance(fields.get(name), str)}
    for name in ("If-Match", "If-None-Match", "Idempotency-Key"):
        if case.headers and name in case.headers and random.random() < 0.7:
            del case.headers[name]


@schemathesis.hook
def filter_failure(context, failure, case, response) -> bool:
    """A request line that is too long is refused by gunicorn, as by any proxy before it."""
    return response.status_code != 414


@schemathesis.hook
def after_call(context, case, response) -> None:
    reached[case.operation.label, response.status_code] += 1


def write_report() -> None:
    rows = [[operation, status, count] for (operation, status), count in reached.items()]
    Path(REPORT).write_text(json.dumps(rows))


def main() -> int:
    with TemporaryDirectory() as folder:
        report = Path(folder) / "reached.json"
        environment = os.environ | {
            "SCHEMATHESIS_HOOKS": Path(__file__).stem,
            "PYTHONPATH": str(Path(__file__).parent),
            "FUZZ_REPORT": str(report),
        }
        command = [
            *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{BASE_URL}/api/schema/"),
            *("--header", f"Authorization: Bearer {sign_in()['access']}", "--checks", CHECKS, "--seed", "1"),
            *("--max-time", SECONDS, "--generation-database", "none", "--continue-on-failure", *sys.argv[1:]),
        ]
        failed = subprocess.run(command, env=environment, cwd=folder).returncode
        return summary(json.loads(report.read_text())) or failed


def summary(rows: list) -> int:
    """Prints the statuses of each operation and returns 1 where one never succeeded."""
    described = requests.get(f"{BASE_URL}/api/schema/", headers={"Accept": "application/json"}).json()["paths"]
    operations = {f"{method.upper()} {path}" for path, item in described.items() for method in item}
    answers: dict[str, dict[int, int]] = {operation: {} for operation in sorted(operations)}
    for operation, status, count in rows:
        answers[operation][status] = count
    for operation, counts in answers.items():
        print(f"{operation:50}", *(f"{status}×{count}" for status, count in sorted(counts.items())))
    lost = [operation for operation, counts in answers.items() if not any(200 <= status < 300 for status in counts)]
    documented = sum(len(operation["responses"]) for item in described.values() for operation in item.values())
    seen = sum(len(counts) for counts in answers.values())
    print(f"{len(answers)} operations, {sum(count for _, _, count in rows)} requests;", end=" ")
    print(f"{documented} documented statuses, {seen} of them seen.")
    for operation in lost:
        print(f"{operation} never succeeded.", file=sys.stderr)
    return int(bool(lost))


if __name__ == "__main__":
    sys.exit(main())
elif REPORT:
    atexit.register(write_report)
