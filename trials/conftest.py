"""Trials with many clients at once, against a real server and a real nginx with the project's own configuration.

A trial's module overrides the fixture `server` with the one that it is about.
"""

from pathlib import Path

import pytest

from trials.crowd import SHORTER, list_of


@pytest.fixture(scope="module")
def asha(server):
    return server.client("asha")


@pytest.fixture(scope="module")
def path(database, asha):
    """Of a long list."""
    return list_of(database, asha, SHORTER)


@pytest.fixture
def report(request, capsys):
    """Prints what was measured, past pytest's capture."""

    def report(line: str) -> None:
        with capsys.disabled():
            print(f"\n{Path(request.node.path).stem}: {line}")

    return report
