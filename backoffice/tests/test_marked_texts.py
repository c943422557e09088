"""Texts of the pages that come from Python are marked for translation; what is stored is in English."""

import ast
from itertools import chain
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import trans_real

from backoffice import labels
from backoffice.models import KINDS, Import
from backoffice.tests.support import csv_file, upload
from call.models.event import EventKind, Frequency, Outcome
from lead.models import LostReason
from track.timeline import HIDDEN_CONTACT

ROOT = Path(labels.__file__).parent
# Commands are for operators.
UNMARKED = {"tests", "migrations", "management", "demo.py", "examples.py", "api.py", "labels.py"}
KEYWORDS = {
    "description",
    "label",
    "help_text",
    "empty_label",
    "verbose_name",
    "verbose_name_plural",
    "heading",
    "unit",
}
ATTRIBUTES = {
    *{"verbose_name", "verbose_name_plural", "short_description", "search_help_text", "index_title", "title"},
    *{"button", "done", "refusal", "wrong_code", "merge_refusal", "help_text", "label"},
}
CALLS = {
    "message_user": 1,
    "add_error": 1,
    "ValidationError": 0,
    "Result": 0,
    "TableError": 0,
    "page": 0,
    "success": 1,
    "Bar": 0,
}
KEYS = {"title", "subtitle"}  # of a page's context
AUDIT = {"created_at", "created_by", "updated_at"}


def sources():
    for path in sorted(ROOT.rglob("*.py")):
        if UNMARKED.isdisjoint(path.relative_to(ROOT).parts):
            yield path


def is_text(node: ast.AST) -> bool:
    """Whether it is a literal with words in it: not a part of an address, nor a call of gettext."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    texts = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return any(char.isalpha() for text in texts for char in text)


def named(node: ast.AST) -> str:
    return getattr(node, "attr", "") or getattr(node, "id", "")


def unmarked(code: str):
    """The lines with texts for people that no call of gettext encloses."""
    for node in ast.walk(ast.parse(code)):
        found: list = []
        if isinstance(node, ast.Call):
            found += [keyword.value for keyword in node.keywords if keyword.arg in KEYWORDS]
            at = CALLS.get(named(node.func))
            if at is not None and len(node.args) > at:
                found.append(node.args[at])
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value] * len(names)
                found += [value for each, value in zip(names, values, strict=False) if named(each) in ATTRIBUTES]
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            found += [value for key, value in pairs if isinstance(key, ast.Constant) and key.value in KEYS]
        yield from (each.lineno for each in found if is_text(each))


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in sources()])
def test_texts_for_people_are_marked(path):
    lines = list(unmarked(path.read_text()))
    assert not lines, f"{path.name}: mark the texts in the lines {lines} for translation."


@pytest.mark.parametrize(
    "code",
    [
        'field = CharField(label="Note")',
        'short_description = "Delete…"',
        'name, title = "skip", "Skip this call"',
        'self.message_user(request, f"Taken back: {count}.", messages.INFO)',
        'raise ValidationError("Give a year.")',
        'context = {"title": "Timeline"}',
    ],
)
def test_a_text_that_is_not_marked_is_found(code):
    assert list(unmarked(code)) == [1]


def test_the_names_of_tables_are_listed_and_lazy():
    models = [model._meta for app in labels.APPS for model in apps.get_app_config(app).get_models()]
    names = [name for meta in models for name in (meta.verbose_name, meta.verbose_name_plural)]
    assert [name for name in names if not isinstance(name, Promise)] == []
    derived = [meta.verbose_name for meta in models if "verbose_name" not in meta.original_attrs]
    plurals = [meta.verbose_name_plural for meta in models if "verbose_name_plural" not in meta.original_attrs]
    assert {str(name) for name in chain(derived, plurals)} == set(labels.TABLES)


def test_the_names_of_columns_on_pages_are_listed_and_lazy():
    models = [model._meta for app in labels.APPS for model in apps.get_app_config(app).get_models()]
    fields = [field for meta in models for field in [*meta.local_fields, *meta.local_many_to_many]]
    assert [field for field in fields if not field.primary_key and not isinstance(field.verbose_name, Promise)] == []
    shown = [field for field in fields if field._verbose_name is None and (field.editable or field.name in AUDIT)]
    assert {str(field.verbose_name) for field in shown} == set(labels.COLUMNS)


def test_columns_that_are_computed_have_lazy_names():
    found = []
    for model_admin in admin.site._registry.values():
        if type(model_admin).__module__.startswith("backoffice"):
            names = {*model_admin.list_display, *model_admin.readonly_fields}
            methods = [getattr(model_admin, name) for name in sorted(names) if hasattr(type(model_admin), name)]
            found += [each for each in methods if not isinstance(getattr(each, "short_description", None), Promise)]
    assert [each.__name__ for each in found] == ["page"]  # a column of links, which has no name


def test_labels_within_sentences_are_listed():
    choices = chain.from_iterable(each.labels for each in (LostReason, Frequency, Outcome, EventKind))
    kinds = [label for _kind, label in KINDS]
    assert {str(label).lower() for label in [*choices, *kinds, HIDDEN_CONTACT]} == set(labels.IN_SENTENCES)


def test_choices_on_pages_are_lazy():
    models = chain.from_iterable(apps.get_app_config(app).get_models() for app in labels.APPS)
    fields = [field for model in models for field in model._meta.local_fields if field.choices]
    assert {label for field in fields for _value, label in field.choices if not isinstance(label, Promise)} == set()


# --- What is stored -------------------------------------------------------------------------------


@pytest.fixture
def german(monkeypatch, client):
    """A client whose browser asks for German, with texts as if the catalogue had them."""
    texts = {
        "New": "Neu!",
        "Contacted": "Kontaktiert!",
        "Status changed from %(before)s to %(status)s.": "Status von %(before)s auf %(status)s!",
        "Calls are %(frequency)s now. Next call: %(day)s.": "Anrufe sind nun %(frequency)s: %(day)s!",
        "monthly": "monatlich!",
        "lead": "Lead!",
        "leads": "Leads!",
    }
    catalog = trans_real.translation("de")._catalog
    for text, translated in texts.items():
        monkeypatch.setitem(catalog._catalogs[0], text, translated)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    with translation.override(translation.get_language()):  # a request leaves its language active
        yield client


@pytest.fixture
def german_admin(german, admin_user):
    german.force_login(admin_user)
    return german


def test_the_page_speaks_german_and_history_english(german_admin, lead):
    answer = german_admin.post(f"/admin/lead/restaurant/{lead.pk}/change_status/", {"status": "CONTACTED"}, follow=True)
    assert [str(each) for each in answer.context["messages"]] == ["Status von Neu! auf Kontaktiert!!"]
    assert LogEntry.objects.get().change_message == "Status changed from New to Contacted."


def test_a_bulk_action_in_german_writes_english(german_admin, lead):
    sent = {"action": "change_status", "_selected_action": lead.pk, "post": "1", "status": "CONTACTED"}
    german_admin.post("/admin/lead/restaurant/", sent)
    assert LogEntry.objects.get().change_message == "Status changed to Contacted."


def test_a_label_within_a_german_sentence_is_english_in_history(german_admin, due):
    answer = german_admin.post(f"/admin/call/callplan/{due.pk}/set_frequency/", {"frequency": "MONTHLY"}, follow=True)
    assert "Anrufe sind nun monatlich!" in str(next(iter(answer.context["messages"])))
    assert LogEntry.objects.get().change_message.startswith("Calls are monthly now. Next call: ")


def test_the_api_is_english_whatever_the_browser_asks_for(german, lead, api):
    lead.change_status("CONTACTED")
    answer = api.get(f"/lead/restaurants/{lead.pk}/timeline/", HTTP_ACCEPT_LANGUAGE="de").json()
    assert "Status: New → Contacted" in [entry["text"] for entry in answer]


def test_a_table_has_its_name_in_the_language_of_the_page(german):
    meta = apps.get_model("lead.Restaurant")._meta
    with translation.override("de"):
        assert (str(meta.verbose_name), str(meta.verbose_name_plural)) == ("Lead!", "Leads!")
    with translation.override(None):
        assert str(meta.verbose_name) == "lead"


def test_what_is_stored_of_rows_in_error_is_english(german_admin):
    preview = upload(german_admin, csv_file(["name", "email"], ["", "anna@example.com"], ["Bistro Anna", "anna"]))
    assert 'lang="de"' in preview.text
    messages = [problem["message"] for problem in Import.objects.get().problems]
    assert messages == ["This field may not be blank.", "Enter a valid email address."]
