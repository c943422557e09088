"""What is deployed is pinned: requirements.lock follows requirements.txt, and the image has it and every app."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings

from deploy.audit import verdict

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOYED, TESTS = (ROOT / "requirements.txt").read_text().split("\n# Tests\n")
LOCK = (ROOT / "requirements.lock").read_text()


def pins(text: str) -> dict[str, str]:
    """The versions by the normalised names of the packages."""
    found = re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==([\w.]+)", text, re.MULTILINE)
    return {re.sub("[-_.]+", "-", name).lower(): version for name, version in found}


def test_the_lock_has_the_versions_of_the_requirements():
    locked = pins(LOCK)
    assert {name: locked.get(name) for name in pins(DEPLOYED)} == pins(DEPLOYED), "Run `make lock`."


def test_the_lock_has_no_package_for_tests():
    assert pins(TESTS).keys() & pins(LOCK).keys() == set()
    assert len(pins(DEPLOYED)) == len(re.findall("^[^#\n]", DEPLOYED, re.MULTILINE))


def test_every_locked_package_has_hashes_and_no_address():
    entries = re.split(r"\n(?=\w)", LOCK)[1:]
    assert len(entries) == len(pins(LOCK)) > len(pins(DEPLOYED))
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)
    assert "://" not in LOCK and "index-url" not in LOCK


def test_the_image_holds_every_app_and_installs_the_lock_alone():
    dockerfile, ignored = (ROOT / "Dockerfile").read_text(), (ROOT / ".dockerignore").read_text()
    apps = {name.split(".")[0] for name in settings.INSTALLED_APPS if (ROOT / name.split(".")[0]).is_dir()}
    assert set(re.findall(r"^COPY (\w+) \1$", dockerfile, re.MULTILINE)) == apps
    assert set(re.findall("^!(.+)$", ignored, re.MULTILINE)) == apps | {"manage.py", "requirements.lock"}
    assert re.findall(r"pip install .*", dockerfile) == [
        "pip install --no-cache-dir --require-hashes -r /tmp/requirements.lock"
    ]


def package(name: str, **found) -> dict:
    return {"name": name, "version": "1.0", "vulns": []} | found


BAD = package("b", vulns=[{"id": "CVE-2024-1", "fix_versions": ["1.1"]}])
UNKNOWN = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "code", "message"),
    [
        ([package("a")], 0, "1 packages audited, 0 vulnerabilities."),
        ([package("a"), BAD], 1, "b 1.0: CVE-2024-1, fixed in 1.1\n2 packages audited, 1 vulnerabilities."),
        ([package("a"), UNKNOWN], 0, "1 packages could not be looked up and were NOT audited."),
        ([UNKNOWN], 0, "Nothing could be looked up: none of 1 packages is known there. They were NOT audited."),
    ],
)
def test_the_audit_fails_on_vulnerabilities_and_names_gaps(packages, code, message):
    said, exit_code = verdict(json.dumps({"dependencies": packages}), "")
    assert (exit_code, message in said) == (code, True)


def test_the_audit_without_network_says_so_and_any_other_error_fails():
    assert verdict("", "requests.exceptions.ConnectionError: …")[1] == 0
    assert "NOT audited" in verdict("", "requests.exceptions.ConnectionError: …")[0]
    assert verdict("", "requirements.lock: invalid") == ("requirements.lock: invalid", 2)
