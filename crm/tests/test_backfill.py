"""Rows that former versions wrote get their derived columns by a migration (trials/test_migrations.py goes back)."""

from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from contact.models import Contact
from crm.db import backfill
from lead.models import Restaurant
from track.models import Interaction

NAMES = ["Smørrebrød", "Łódź", "Plain", "O’Brien’s"]


@pytest.fixture
def former(lead):
    """Rows without folds, as SQL writes them."""
    Restaurant.objects.bulk_create(Restaurant(name=name, city="Đà Nẵng", phone="030 1") for name in NAMES)
    Contact.objects.create(restaurant=lead, name="Zoë", role="Küche", email="Zoe@Example.com")
    Interaction.log(lead=lead, interaction_type="CALL", details="Crème")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE lead_restaurant SET name_fold = '', city_fold = '', search = ''")
        cursor.execute("UPDATE contact_contact SET name_fold = '', role_fold = '', email_fold = '', search = ''")
        cursor.execute("UPDATE track_interaction SET search = ''")


def fill(label: str) -> None:
    operation = backfill.FillDerivedColumns(label)
    operation.fill(apps, SimpleNamespace(connection=connection))


def stored(model, *names):
    return list(model.objects.order_by("id").values_list(*names))


def test_existing_rows_are_folded_in_batches_with_progress(former, monkeypatch, capsys):
    monkeypatch.setattr(backfill, "BATCH", 2)
    monkeypatch.setattr(backfill, "REPORTED", 4)
    before = stored(Restaurant, "updated_at")
    for label in ("lead.restaurant", "contact.contact", "track.interaction"):
        fill(label)
    assert stored(Restaurant, "name_fold", "city_fold")[1:3] == [("smorrebrod", "da nang"), ("lodz", "da nang")]
    assert stored(Restaurant, "search")[4] == ("o'brien's\n030 1\nda nang\n0301",)
    assert stored(Contact, "name_fold", "role_fold", "email_fold") == [("zoe", "kuche", "zoe@example.com")]
    assert stored(Interaction, "search") == [("creme",)]
    assert stored(Restaurant, "updated_at") == before
    assert capsys.readouterr().err == "    lead.restaurant: 4 of 5 rows\n    lead.restaurant: 5 of 5 rows\n"


def test_rows_that_are_right_are_not_written_again(former, django_assert_num_queries):
    fill("lead.restaurant")
    with django_assert_num_queries(5):  # a count, two batches, and a savepoint around the one with rows
        fill("lead.restaurant")
