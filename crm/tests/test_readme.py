"""README and docs tell the truth: the tours are run, variables and modules are complete, links and targets exist."""

import json
import os
import re
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.management import get_commands

from call.models import CallPlan
from crm.api.viewsets import ResourceViewSet
from lead.models import Restaurant
from track.models import Interaction

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text()
DOCUMENTS = {
    str(path.relative_to(ROOT)): path.read_text()
    for pattern in ("*.md", "docs/*.md", "postman/*.md", "bench/*.md")
    for path in sorted(ROOT.glob(pattern))
}
EVERYTHING = "\n".join(DOCUMENTS.values())
TOUR = DOCUMENTS["docs/tour.md"]
ARCHITECTURE = DOCUMENTS["docs/architecture.md"]
APPS = ("lead", "contact", "track", "call")
STEP = re.compile(r"```bash tour\n(.*?)```\n\n```json\n(.*?)\n```", re.DOTALL)
MARK = "=== next step"
EXAMPLES = {"backoffice/admin/complaint.py", "crm/gunicorn.py"}  # of a recipe; a former name in the changelog
EXAMPLES |= {"track/tests/test_complaints.py"}


def shape(value):
    """The keys in their order, and the types of their values."""
    if isinstance(value, dict):
        return [(key, shape(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value)


@pytest.fixture
def walk(live_server):
    """Runs the steps of a document's tour by bash and curl, and returns the answer to each."""
    get_user_model().objects.create_user("demo", password="demo")

    def run(document: str) -> list:
        steps = STEP.findall(document)
        assert len(steps) == document.count("```bash tour")
        script = f"\necho '{MARK}'\n".join(commands for commands, _ in steps)
        script = "set -euo pipefail\n" + script.replace("http://127.0.0.1:8000", live_server.url)
        walked = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
        assert walked.returncode == 0, walked.stderr
        answers = [json.loads(answer) for answer in walked.stdout.split(MARK)]
        assert [shape(answer) for answer in answers] == [shape(json.loads(shown)) for _, shown in steps]
        return answers

    return run


def test_the_tour_goes_from_a_lead_to_the_call_of_the_day_and_beyond(walk):
    walked = walk(TOUR)
    assert len(walked) == 11
    lead, plan, order, today = walked[1], walked[3], walked[4], walked[5]
    assert (lead["lead_status"], lead["assigned_to"]) == ("CONTACTED", walked[0]["id"])
    called, due = (datetime.fromisoformat(plan[name]) for name in ("last_called", "next_call_date"))
    assert due - called == timedelta(days=7)
    assert order["total_price"] == 500.0
    assert [due["id"] for due in today] == [plan["id"]] == [CallPlan.objects.get().pk]
    assert Interaction.objects.get().contact_id == walked[2][0]["id"]
    assert walked[6]["today"][0]["plan"] == today[0]
    assert [event["event"] for event in walked[7]] == ["CALLED", "RESCHEDULED", "SNOOZED"]
    assert walked[8]["working_days"] == [1, 2, 3, 4, 5, 6]
    assert walked[9] == [{"owner": lead["assigned_to"], "touches": 0, "orders": 1, "revenue": 500.0}]


def test_the_short_tour_of_the_readme_records_a_call(walk):
    (commands,) = (commands for commands, _ in STEP.findall(README))
    assert len(commands.splitlines()) == 10
    ((interaction,),) = walk(README)
    plan = CallPlan.objects.get()
    assert interaction["interaction_type"] == "CALL"
    assert plan.last_called == datetime.fromisoformat(interaction["date"])
    assert plan.next_call_date - plan.last_called == timedelta(days=7)
    assert plan.lead.lead_status == "CONTACTED"


def test_the_readme_has_at_most_160_lines_and_leads_to_every_document():
    assert len(README.splitlines()) <= 160
    linked = set(re.findall(r"\]\(([\w./-]+\.md)\)", README))
    assert linked == DOCUMENTS.keys() - {"README.md"}


# --- Configuration ------------------------------------------------------------------------------------


def variables_of_the_code() -> set[str]:
    sources = [path for path in (ROOT / "crm").rglob("*.py") if "tests" not in path.parts]
    sources += [path for path in (ROOT / "backoffice").rglob("*.py") if "tests" not in path.parts]
    read = re.compile(r"""\b(?:read|os\.environ\.get)\(\s*["']([A-Z_]+)["']""")
    return {name for path in sources for name in read.findall(path.read_text())}


def test_the_tables_of_variables_are_those_of_the_code():
    rows = re.findall(r"^\| `([A-Z_]+)` \|", DOCUMENTS["docs/configuration.md"], re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == variables_of_the_code()


def test_the_example_file_lists_every_variable():
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^# ([A-Z_]+)=", example, re.MULTILINE)) == variables_of_the_code()


def test_gunicorn_reads_the_env_file_beside_manage_py(tmp_path):
    for package in ("crm", "crm/server"):
        (tmp_path / package).mkdir()
        for source in (ROOT / package).glob("*.py"):
            (tmp_path / package / source.name).write_text(source.read_text())
    (tmp_path / ".env").write_text("PORT=8123\n")
    environment = {name: value for name, value in os.environ.items() if name != "PORT"}
    command = [sys.executable, "-m", "gunicorn", "-c", "crm/server/gunicorn.py", "--print-config", "crm.wsgi"]
    printed = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert "127.0.0.1:8123" in printed.stdout, printed.stderr


# --- Commands and links -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target", sorted(set(re.findall(r"(?:^|`|[A-Z0-9…]+ )make ([a-z0-9-]+)", EVERYTHING, re.MULTILINE)))
)
def test_every_make_target_that_is_named_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("command", sorted(set(re.findall(r"manage\.py ([a-z_]+)", EVERYTHING))))
def test_every_management_command_that_is_named_exists(command):
    assert command in get_commands()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\.venv/bin/pytest ([\w./]+)", EVERYTHING))))
def test_every_path_that_pytest_is_given_exists(path):
    assert (ROOT / path).exists()


def anchor_of(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_and_heading_that_it_links_to_exists(document):
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", DOCUMENTS[document]):
        path, _, anchor = link.partition("#")
        target = ((ROOT / document).parent / path).resolve() if path else ROOT / document
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
            assert anchor in map(anchor_of, headings), link


# --- Recipes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(re.findall(r"self\.(\w+)\(", DOCUMENTS.get("CONTRIBUTING.md", "")))))
def test_every_method_that_a_recipe_calls_exists(name):
    assert any(hasattr(kind, name) for kind in (ResourceViewSet, Restaurant))


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:crm|lead|contact|track|call|backoffice)/[\w./]+)`", EVERYTHING)))
)
def test_every_file_of_the_code_that_is_named_exists(path):
    assert (ROOT / path).exists() or path in EXAMPLES


# --- The map of the code ------------------------------------------------------------------------------


def expanded(text: str) -> set[str]:
    """The paths in backticks; `a/{b,c}.py` is two, `<app>/` each of the four apps."""
    found = set()
    for name in re.findall(r"`([\w./<>{},-]+\.py)`", text):
        for path in [name.replace("<app>", app) for app in APPS] if "<app>" in name else [name]:
            if group := re.search(r"\{([\w,]+)\}", path):
                found |= {path.replace(group[0], choice) for choice in group[1].split(",")}
            else:
                found.add(path)
    return found


def modules() -> set[str]:
    """What holds behaviour: no empty packages, tests or migrations."""
    sources = [path for app in ("crm", "backoffice", *APPS) for path in (ROOT / app).rglob("*.py")]
    shown = [path for path in sources if not {"tests", "migrations"} & set(path.parts)]
    return {str(path.relative_to(ROOT)) for path in shown if path.name != "__init__.py"}


def test_the_architecture_lists_every_module_and_no_other():
    listed = {path for path in expanded(ARCHITECTURE) if path.split("/")[0] in {"crm", "backoffice", *APPS}}
    optional = {f"{app}/{name}.py" for app in APPS for name in ("models",)}  # a package in some apps
    assert modules() - listed == set()
    assert {path for path in listed - optional if not (ROOT / path).exists()} == set()
