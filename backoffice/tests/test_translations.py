"""The compiled texts are those of the sources that are translated, without gettext at hand."""

import ast
import gettext
from pathlib import Path

import pytest
from django.conf import settings

CATALOGS = sorted(Path(folder) for folder in settings.LOCALE_PATHS)
SOURCES = [path for folder in CATALOGS for path in sorted(folder.rglob("*.po"))]
CONTEXT = "\x04"


def entries(text: str) -> list[dict[str, str]]:
    """Of a .po file, what is not obsolete: each keyword (msgid, msgstr[0] …) with its text."""
    found = []
    for block in text.split("\n\n"):
        entry, keyword = {"flags": ""}, ""
        for line in block.splitlines():
            if line.startswith("#"):
                entry["flags"] += line if line.startswith("#,") else ""
                continue
            name, _, quoted = line.partition('"')
            keyword = name.strip() or keyword
            entry[keyword] = entry.get(keyword, "") + ast.literal_eval(f'"{quoted}')
        if "msgid" in entry:
            found.append(entry)
    return found


def catalog(text: str) -> dict:
    """What gettext makes of it: translated texts by their source, those with a plural by source and form."""
    made = {}
    for entry in entries(text):
        if "fuzzy" in entry["flags"]:
            continue
        key = f"{entry['msgctxt']}{CONTEXT}{entry['msgid']}" if "msgctxt" in entry else entry["msgid"]
        if "msgid_plural" in entry:
            forms = {(key, n): entry[f"msgstr[{n}]"] for n in range(9) if f"msgstr[{n}]" in entry}
            made |= forms if all(forms.values()) else {}
        elif entry["msgstr"]:
            made[key] = entry["msgstr"]
    return made


@pytest.mark.parametrize("source", [pytest.param(path, id=f"{path.parts[-3]} {path.stem}") for path in SOURCES])
def test_the_compiled_texts_are_those_of_the_source(source):
    with source.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)._catalog
    assert {key: text for key, text in compiled.items() if key} == {
        key: text for key, text in catalog(source.read_text()).items() if key
    }, "Run `make messages`."


def test_every_language_but_english_has_a_catalog():
    languages = {source.parts[-3] for source in SOURCES}
    assert languages == {code for code, _name in settings.LANGUAGES} - {"en"}


def test_a_source_is_read_as_gettext_reads_it():
    text = """
msgid ""
msgstr "Language: de\\n"

#: a.py
msgid "A \\"day\\""
msgstr ""
"Ein "
"„Tag“"

msgctxt "month"
msgid "May"
msgstr "Mai"

msgid "%d call"
msgid_plural "%d calls"
msgstr[0] "%d Anruf"
msgstr[1] "%d Anrufe"

#, fuzzy
msgid "Old"
msgstr "Alt"

msgid "None"
msgstr ""

#~ msgid "Gone"
#~ msgstr "Weg"
"""
    plural = {("%d call", 0): "%d Anruf", ("%d call", 1): "%d Anrufe"}
    found = catalog(text.strip())
    assert found.pop("") == "Language: de\n"
    assert found == {'A "day"': "Ein „Tag“", "month\x04May": "Mai", **plural}
