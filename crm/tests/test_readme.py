"""The README tells the truth: its tour is walked, its table of variables is complete."""

import json
import re
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model

from call.models import CallPlan
from track.models import Interaction

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text()
STEPS = re.findall(r"```bash tour\n(.*?)```\n\n```json\n(.*?)\n```", README, re.DOTALL)
MARK = "=== next step"


def shape(value):
    """The keys in their order, and the types of their values."""
    if isinstance(value, dict):
        return [(key, shape(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value)


@pytest.fixture
def walked(live_server):
    """The answer to each step of the tour, walked by bash and curl."""
    get_user_model().objects.create_user("demo", password="demo")
    steps = f"\necho '{MARK}'\n".join(commands for commands, _ in STEPS)
    script = "set -euo pipefail\n" + steps.replace("http://127.0.0.1:8000", live_server.url)
    walk = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert walk.returncode == 0, walk.stderr
    return [json.loads(answer) for answer in walk.stdout.split(MARK)]


def test_the_tour_goes_from_a_lead_to_the_call_of_the_day_and_beyond(walked):
    assert len(STEPS) == README.count("```bash tour") == 9
    assert [shape(answer) for answer in walked] == [shape(json.loads(shown)) for _, shown in STEPS]
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


def variables_of_the_code() -> set[str]:
    sources = [path for path in (ROOT / "crm").rglob("*.py") if "tests" not in path.parts]
    asked = re.compile(r"""\b(?:read|os\.environ\.get)\(\s*["']([A-Z_]+)["']""")
    return {name for path in sources for name in asked.findall(path.read_text())}


def test_the_table_of_variables_is_that_of_the_code():
    table = README.split("## Configuration")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE)) == variables_of_the_code()


def test_the_example_file_lists_every_variable():
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^# ([A-Z_]+)=", example, re.MULTILINE)) == variables_of_the_code()


@pytest.mark.parametrize(
    "target", sorted(set(re.findall(r"(?:^|`|[A-Z0-9]+ )make ([a-z0-9-]+)", README, re.MULTILINE)))
)
def test_every_make_target_that_it_names_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", re.findall(r"\]\(([\w./]+)\)", README))
def test_every_file_that_it_links_to_exists(path):
    assert (ROOT / path).exists()
