"""Names of tests are short enough to be read as a sentence in a report: subject, condition, result."""

import ast

import pytest
from django.conf import settings

LONGEST = 70  # characters
FOLDERS = ["lead", "contact", "track", "call", "backoffice", "crm", "e2e", "trials"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_name_of_a_test_is_at_most_70_characters_long(folder):
    files = sorted((settings.BASE_DIR / folder).rglob("test_*.py"))
    tests = [
        node.name
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert tests
    assert [name for name in tests if len(name) > LONGEST] == []
