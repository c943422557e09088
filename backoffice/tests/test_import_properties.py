"""Import twice = once, and revert = before, in every table but the histories, for files of random rows."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.exchange import imports
from backoffice.exchange.journal import revert
from backoffice.models import Import
from backoffice.tests.support import csv_file
from call.models import CallEvent, CallPlan
from contact.models import Contact
from crm import dates
from lead.models import OwnerChange, Restaurant, StatusChange
from track.models import Interaction

HISTORIES = {StatusChange, OwnerChange, CallEvent}  # which tell both the import and that it was taken back
MOVED = {"updated_at", "sequence", "search"}  # by every change, also by one back

texts = st.sampled_from(["", "Anna", "Łódź", "=1+1", "a,b"])
ids = st.sampled_from(["", "1", "2"])
externals = st.sampled_from(["", "A", "B", "C"])
COLUMNS = {
    "leads": {
        "id": ids,
        "external_id": externals,
        "name": st.sampled_from(["Anna", "Ben"]),
        "city": texts,
        "lead_status": st.sampled_from(["", "LOST"]),
        "assigned_to": st.sampled_from(["", "kam", "importer"]),
    },
    "contacts": {
        "external_id": externals,
        "lead": st.just("1"),
        "name": st.sampled_from(["Asha", "Ben"]),
        "role": texts,
    },
    "interactions": {
        "external_id": externals,
        "lead": ids,
        "type": st.sampled_from(["CALL", "VISIT", "ORDER"]),
        "date": st.sampled_from(["2024-12-24T12:00:00Z", "2024-12-20"]),
        "details": texts,
    },
    "orders": {
        "external_id": externals,
        "lead": ids,
        "order_date": st.sampled_from(["2024-12-24T12:00:00Z", "2024-12-20"]),
        "product_details": st.sampled_from(["Oil", "Rice"]),
        "quantity": st.sampled_from(["1", "2"]),
        "total_price": st.sampled_from(["5", "9.50"]),
    },
    "plans": {
        "lead": ids,
        "frequency": st.sampled_from(["DAILY", "WEEKLY"]),
        "next_call_date": st.sampled_from(["", "2025-01-10"]),
        "notes": texts,
    },
}


def everything() -> dict[str, list]:
    """Every row of every table that an import may write to."""
    tables: Any = [
        model for label in ("lead", "contact", "track", "call") for model in apps.get_app_config(label).get_models()
    ]
    return {
        model._meta.label: [
            {name: value for name, value in row.items() if name not in MOVED}
            for row in model._base_manager.order_by("pk").values()
        ]
        for model in tables
        if model not in HISTORIES
    }


def import_rows(user: Any, kind: str, rows: list[dict[str, str]]) -> Import:
    content = csv_file(list(rows[0]), *[[row[name] for name in rows[0]] for row in rows])
    file = SimpleUploadedFile("rows.csv", content)
    options = {"source": "erp", "partial": True, "moment": dates.now()}
    imported = Import.store(user=user, kind=kind, name=file.name, content=file.read(), **options)
    imports.confirm(imported, imports.preview(imported)[0].digest)
    return imported


def fill(user: Any) -> dict[str, str]:
    """Two leads, with rows of every table. Returns their ids by the ids that the files have."""
    leads = [Restaurant.objects.create(name=name, assigned_to=user) for name in ("Cem", "Dora")]
    leads[0].add_external_id("erp", "A")
    Contact.objects.create(restaurant=leads[0], name="Asha")
    order = {"product_details": "Oil", "quantity": 1, "total_price": 5}
    interaction = Interaction.log(lead=leads[0], interaction_type="ORDER", order=order)
    interaction.external_ids.create(source="erp", value="B")
    for lead in leads:
        CallPlan.objects.create(lead=lead, frequency="WEEKLY")
    return {"": "", **{str(number): str(lead.pk) for number, lead in enumerate(leads, 1)}}


@pytest.mark.parametrize("kind", COLUMNS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_twice_is_once_and_a_revert_leaves_every_table_as_it_was(kind, data, user, time_machine):
    time_machine.move_to("2024-12-20T09:00:00Z", tick=False)
    with transaction.atomic():
        importer = get_user_model().objects.create_superuser("importer")
        known = fill(user)
        rows = data.draw(st.lists(st.fixed_dictionaries(COLUMNS[kind]), min_size=1, max_size=4))
        rows = [
            {name: known[value] if name in ("id", "lead") else value for name, value in row.items()} for row in rows
        ]
        before = everything()
        first = import_rows(importer, kind, rows)
        after = everything()
        again = import_rows(importer, kind, rows)
        assert everything() == after or kind in ("leads", "contacts")  # which are new where nothing names them
        keyless = sum(not row.get("id") and not row.get("external_id") for row in rows)
        assert (again.created, again.changed) <= (keyless if kind in ("leads", "contacts") else 0, 0)
        for imported in (again, first):
            revert(imported, by=importer)
            assert not imported.remaining_rows.exists()
        assert everything() == before
        transaction.set_rollback(True)
