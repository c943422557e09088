"""The vocabulary of docs/glossary.md and of the field: words with several private meanings stay out of the code."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

ROOT: Path = settings.BASE_DIR
ROOMS = ("crm", "lead", "contact", "track", "call", "backoffice", "bench", "e2e", "trials")

# Instead: cached, stored; requested; notify, send; overridden; compute; fields, details; user, anonymous; again.
NAMES = {
    "kept",
    "asked",
    "told",
    "tell",
    "tells",
    "stands",
    "reckon",
    "reckoned",
    "reckoning",
    "facts",
    "whoever",
    "anew",
}
NAMES |= {"nobody", "somebody", "stamped", "strangers"}
EXEMPT = {"test_words.py", "test_call_migrations.py", "test_track_migrations.py"}  # these name old columns
TEXTS = re.compile(r"\b(anew|whoever|reckon\w*|makes? no sense|told|somebody|facts?)\b", re.IGNORECASE)


def sources() -> list[Path]:
    found = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return [
        path for path in [*found, ROOT / "conftest.py"] if "migrations" not in path.parts and path.name not in EXEMPT
    ]


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield node.lineno, name
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield node.lineno, name


@cache
def words_of(name: str) -> set[str]:
    return set(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_"))


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in sources()])
def test_names_and_texts_of_the_code_use_standard_words(path):
    source = path.read_text()
    bad = [f"{line}: {name}" for line, name in names(ast.parse(source)) if words_of(name) & NAMES]
    bad += [f"{number}: {line.strip()}" for number, line in enumerate(source.splitlines(), 1) if TEXTS.search(line)]
    assert not bad, "\n".join(bad)


def pages() -> list[Path]:
    folders = [ROOT / "docs", *(ROOT / room for room in ROOMS)]
    found = [
        path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in (".html", ".md", ".txt")
    ]
    return [*found, ROOT / "README.md", ROOT / "docs" / "openapi.yaml", *sorted((ROOT / "postman").glob("*.json"))]


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in pages()])
def test_pages_and_documents_use_standard_words(path):
    bad = [
        f"{number}: {line.strip()}"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if TEXTS.search(line)
    ]
    assert not bad, "\n".join(bad)
