"""Every text is marked and translated, and compiled as it is translated, without gettext at hand."""

import ast
import gettext
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.text import capfirst
from django.utils.translation.template import templatize

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


PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}|</?\w+")


def faults(text: str) -> list[str]:
    """What is left to translate in a .po file, and what a translation has lost or added."""
    found = []
    for entry in entries(text):
        if not entry["msgid"]:
            continue
        texts = [entry[name] for name in entry if name.startswith("msgstr")]
        plural = entry.get("msgid_plural", entry["msgid"])
        wanted = [sorted(PLACEHOLDER.findall(text)) for text in (entry["msgid"], *[plural] * (len(texts) - 1))]
        if not all(texts):
            found.append(f"{entry['msgid']}: not translated")
        elif "fuzzy" in entry["flags"]:
            found.append(f"{entry['msgid']}: fuzzy")
        elif [sorted(PLACEHOLDER.findall(text)) for text in texts] != wanted:
            found.append(f"{entry['msgid']}: other placeholders or tags")
        elif any(text[0].isspace() != entry["msgid"][0].isspace() for text in texts):
            found.append(f"{entry['msgid']}: a space at one beginning only")
        elif any('"' in text for text in texts) and '"' not in entry["msgid"]:
            found.append(f"{entry['msgid']}: a quotation mark that would end an attribute")
    return found


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.parts[-3])
def test_every_text_is_translated_as_a_whole(source):
    assert faults(source.read_text()) == []


@pytest.mark.parametrize(
    "entry",
    [
        'msgid "Save"\nmsgstr ""',
        '#, fuzzy\nmsgid "Save"\nmsgstr "Sichern"',
        'msgid "In %(zone)s"\nmsgstr "In %(zeit)s"',
        'msgid "In {}"\nmsgstr "In"',
        'msgid "A <b>day</b>"\nmsgstr "Ein Tag"',
        'msgid " by"\nmsgstr "von"',
        'msgid "“A”"\nmsgstr "\\"A\\""',
        'msgid "%d day"\nmsgid_plural "%d days"\nmsgstr[0] "%d Tag"\nmsgstr[1] ""',
        'msgid "%d day"\nmsgid_plural "%d days"\nmsgstr[0] "%d Tag"\nmsgstr[1] "Tage"',
    ],
)
def test_a_translation_that_is_not_whole_is_found(entry):
    assert len(faults(entry)) == 1


# --- That nothing is missed -------------------------------------------------------------------------------------------

FOLDERS = ["backoffice/templates", "call/templates"]  # those of crm are of the API, but for the pages of errors
ERRORS = sorted((settings.BASE_DIR / "crm" / "templates").glob("*.html"))
TEMPLATES = [*ERRORS, *(path for folder in FOLDERS for path in sorted((settings.BASE_DIR / folder).rglob("*.*")))]
SCRIPTS = sorted((settings.BASE_DIR / "backoffice" / "static").rglob("*.js"))
STYLES = sorted((settings.BASE_DIR / "backoffice" / "static").rglob("*.css"))
SAME_IN_ALL_LANGUAGES = {"SMS", "WhatsApp"}
SPOKEN = {"title", "aria-label", "placeholder", "alt"}  # and value of a button, and texts for our scripts
CLASSES = r"{% block (?:bodyclass|coltype) %}.*?{% endblock %}"
TRANSLATED = re.compile(rf"{{%\s*(comment|blocktranslate)\b.*?{{%\s*end\1\s*%}}|{{#.*?#}}|{CLASSES}", re.DOTALL)
TAG = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
UNMARKED = re.compile(r'\|(?:default|default_if_none|yesno):"[^"]*[A-Za-z]|\|pluralize|\|date:"[^"]*[A-Za-z][^"]* ')


class Reader(HTMLParser):
    """Collects what a person would read or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        is_button = tag == "input" and dict(attrs).get("type") in ("submit", "button", "reset")
        for name, value in attrs:
            is_for_script = name.startswith("data-") and " " in (value or "").strip()
            if name in SPOKEN or (name == "value" and is_button) or is_for_script:
                self.texts.append(value or "")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def unmarked(template: str) -> list[str]:
    """Texts of a template that are the same in all languages."""
    source = TRANSLATED.sub("", template)
    reader = Reader()
    reader.feed(TAG.sub("", source))
    reader.close()
    texts = [" ".join(text.split()) for text in reader.texts]
    found = [text for text in texts if re.search(r"[^\W\d_]", text) and text not in SAME_IN_ALL_LANGUAGES]
    return found + [found for tag in TAG.findall(source) for found in UNMARKED.findall(tag)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_all_that_a_template_says_is_marked_for_translation(path):
    assert unmarked(path.read_text()) == []


@pytest.mark.parametrize(
    "template",
    [
        "<p>Nothing yet.</p>",
        "{% if a %}Nothing yet.{% endif %}",
        "<p>{{ count }} rows</p>",
        "<svg><title>By week</title></svg>",
        '<a title="By week">{{ a }}</a>',
        '<nav aria-label="{{ name }}: pages"></nav>',
        '<input type="submit" value="Save">',
        '<input{% if a %} class="b"{% endif %} type="submit" value="{% if a %}Save{% endif %}">',
        '<div data-gone="It is gone."></div>',
        '{{ owner|default:"No owner" }}',
        "{{ count }}{{ count|pluralize }}",
        '{{ day|date:"j M Y" }}',
    ],
)
def test_a_text_that_is_not_marked_is_found(template):
    assert len(unmarked(template)) == 1


def test_marked_texts_code_and_values_are_no_text():
    template = """{# A comment. #}{% comment %}One of
    two lines.{% endcomment %}{% load i18n %}<p class="help" id="a">{% translate "Nothing yet." %} · 1 ×</p>
    {% blocktranslate count count=rows|length %}One row{% plural %}{{ count }} <b>rows</b>{% endblocktranslate %}
    <input type="submit" value="{% translate "Save" %}"><input type="hidden" value="own"><a href="tel:1">SMS</a>
    {{ owner|default:_("No owner") }} {{ day|date:_("j M") }} <i data-day="{{ day|date:"Y-m-d" }}"></i>
    {% block coltype %}colM{% endblock %}"""
    assert unmarked(template) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_has_its_texts_from_the_page(path):
    """Sentences stand in data attributes, which the template translates."""
    code = re.sub(r"(?m)//.*$", "", path.read_text())
    assert re.findall(r"""(?<=["'`])[A-Z][a-z]+ [a-z]+[^"'`]*""", code) == []


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_a_text_in_a_style_sheet_has_every_language(path):
    """Labels of the columns where a list is read on a phone: the words of the catalog, chosen by `:lang()`."""
    for language, texts in [(source.parts[-3], catalog(source.read_text())) for source in SOURCES]:
        rules = dict(
            re.findall(r'(?m)^ *#result_list (.+)::before { content: "([^"]*[A-Za-z][^"]*)"; }', path.read_text())
        )
        chosen = re.findall(
            rf'(?m)^ *#result_list:lang\({language}\) (.+)::before {{ content: "([^"]+)"; }}', path.read_text()
        )
        single = {text: translated for text, translated in texts.items() if isinstance(text, str)}
        labels = single | {capfirst(text): capfirst(single[text]) for text in single if text != capfirst(text)}
        assert dict(chosen) == {cell: text.replace(text.strip(), labels[text.strip()]) for cell, text in rules.items()}


def messages() -> dict[str, str]:
    """What `make messages` would collect, as far as our code has it in literals: each text with a file that has it."""
    found = {}
    for path in [path for path in settings.BASE_DIR.rglob("*.py") if is_collected(path)]:
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(getattr(node, "func", None), "id", "").removesuffix("_lazy").removesuffix("_noop")
            if name in ("_", "gettext", "ngettext", "pgettext"):
                texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
                if texts:
                    found[CONTEXT.join(texts) if name == "pgettext" else texts[0]] = str(path)
    for path in settings.BASE_DIR.rglob("templates/**/*.*"):
        if is_collected(path):
            for name, argument, second in CALL.findall(templatize(path.read_text())):
                texts = [ast.literal_eval(each) for each in (argument, second) if each]
                found[CONTEXT.join(texts) if name == "pgettext" else texts[0]] = str(path)
    return found


STRING = r"""u?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
CALL = re.compile(rf"\b(_|n?gettext|pgettext)\(({STRING})(?:, ({STRING}))?")


def is_collected(path: Path) -> bool:
    parts = path.relative_to(settings.BASE_DIR).parts
    left_out = {"tests", "bench", "e2e", "trials", "postman", "conftest.py"}
    return not left_out.intersection(parts) and not any(part.startswith(".") for part in parts)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.parts[-3])
def test_the_catalog_has_every_text_that_is_marked(source):
    texts = {entry["msgid"] for entry in entries(source.read_text())}
    texts |= {
        f"{entry['msgctxt']}{CONTEXT}{entry['msgid']}" for entry in entries(source.read_text()) if "msgctxt" in entry
    }
    missing = {text: path for text, path in messages().items() if text not in texts}
    assert missing == {}, "Run `make messages`, and translate."
