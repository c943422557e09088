"""Looks up known vulnerabilities of what requirements.lock names, with pip-audit: `make audit`.

Fails where there are some. Where packages could not be looked up (no network, an index without that data) it says so
and does not fail.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / "requirements.lock"
COMMAND = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--require-hashes", "--disable-pip"]
NO_NETWORK = re.compile("ConnectionError|ConnectionRefused|ConnectTimeout|ReadTimeout|ProxyError|NewConnection")


def verdict(output: str, errors: str) -> tuple[str, int]:
    """The message and the exit code for what pip-audit printed."""
    if not output.strip():
        if NO_NETWORK.search(errors):
            return "Nothing could be looked up: the network cannot be reached. The packages were NOT audited.", 0
        return errors, 2
    packages = json.loads(output)["dependencies"]
    unknown = sum("skip_reason" in package for package in packages)
    lines = [
        f"{package['name']} {package['version']}: {found['id']}, fixed in {', '.join(found['fix_versions']) or '-'}"
        for package in packages
        for found in package.get("vulns", [])
    ]
    failed = bool(lines)
    if unknown == len(packages):
        lines.append(f"Nothing could be looked up: none of {unknown} packages is known there. They were NOT audited.")
    else:
        lines.append(f"{len(packages) - unknown} packages audited, {len(lines)} vulnerabilities.")
        if unknown:
            lines.append(f"{unknown} packages could not be looked up and were NOT audited.")
    return "\n".join(lines), int(failed)


if __name__ == "__main__":
    run = subprocess.run([*COMMAND, "--format", "json", "--progress-spinner", "off"], capture_output=True, text=True)
    message, code = verdict(run.stdout, run.stderr)
    print(message)
    sys.exit(code)
