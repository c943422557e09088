"""The E.164 column follows the number, the lead, its owner and the owner's country, whichever way they are written."""

from importlib import import_module
from io import StringIO
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.db.models import F

from call.models import WorkProfile
from contact.models import Contact
from lead.models import Restaurant

TYPED = "030 1234567"
GERMAN, AUSTRIAN = "+49301234567", "+43301234567"


@pytest.fixture
def owners(db):
    """Two users, in Germany and Austria; their numbers have other country codes."""
    users = [get_user_model().objects.create_user(name) for name in ("anna", "berta")]
    for user, country in zip(users, ("DE", "AT"), strict=True):
        WorkProfile.objects.create(user=user, country=country)
    return users


@pytest.fixture
def rows(owners):
    """A lead of the German user and its contact, both with a number without a country."""
    lead = Restaurant.objects.create(name="Bistro Anna", phone=TYPED, assigned_to=owners[0])
    return lead, Contact.objects.create(restaurant=lead, name="Asha Rao", phone=TYPED)


def columns(*rows) -> list[str]:
    for row in rows:
        row.refresh_from_db()
    return [row.phone_e164 for row in rows]


def test_a_number_is_one_of_its_owners_country_and_stays_as_typed(rows):
    assert columns(*rows) == [GERMAN, GERMAN]
    assert [row.phone for row in rows] == [TYPED, TYPED]
    assert [row.phone_tail for row in rows] == ["301234567", "301234567"]


def test_without_an_owner_it_is_one_of_the_setting(db, settings):
    settings.PHONE_REGION = "AT"
    lead = Restaurant.objects.create(name="Bistro Anna", phone=TYPED)
    assert columns(lead) == [AUSTRIAN]


def test_without_owner_and_setting_its_country_is_not_known(db):
    lead = Restaurant.objects.create(name="Bistro Anna", phone=TYPED)
    assert columns(lead) == [""]


def test_another_number_is_read_by_an_edit(rows):
    for row in rows:
        row.edit(phone="+91 98765 43210")
    assert columns(*rows) == ["+919876543210"] * 2
    assert [row.phone_tail for row in rows] == ["876543210"] * 2


def test_a_number_that_is_gone_leaves_nothing(rows):
    for row in rows:
        row.edit(phone="")
    assert columns(*rows) == ["", ""]


@pytest.mark.parametrize(
    "write",
    [
        lambda lead, to: lead.edit(assigned_to=to),
        lambda lead, to: Restaurant.objects.filter(pk=lead.pk).update(assigned_to=to),
        lambda lead, to: Restaurant.objects.hand_over(lead.assigned_to_id, to.pk),
        lambda lead, to: Restaurant.objects.bulk_update(_with(lead, assigned_to=to), ["assigned_to"]),
        lambda lead, to: _with(lead, assigned_to=to)[0].save(),
    ],
    ids=["edit", "update", "hand over", "bulk_update", "save"],
)
def test_another_owner_is_another_country(rows, owners, write):
    before = [row.updated_at for row in rows]
    write(Restaurant.objects.get(pk=rows[0].pk), owners[1])
    assert columns(*rows) == [AUSTRIAN, AUSTRIAN]
    assert rows[1].updated_at == before[1]  # nothing that a body shows has changed


def _with(row, **values):
    vars(row).update({f"{name}_id": value.pk for name, value in values.items()})
    return [row]


def test_an_unowned_lead_has_no_country(rows):
    rows[0].edit(assigned_to=None)
    assert columns(*rows) == ["", ""]


def test_the_numbers_of_a_deleted_owner_have_no_country(rows, owners):
    owners[0].delete()
    assert columns(*rows) == ["", ""]


def test_another_country_in_the_work_profile_is_another_one_of_the_numbers(rows, owners):
    profile = WorkProfile.objects.get(user=owners[0])
    before = [row.updated_at for row in rows]
    profile.edit(country="AT")
    assert columns(*rows) == [AUSTRIAN, AUSTRIAN]
    assert [row.updated_at for row in rows] == before
    profile.delete()
    assert columns(*rows) == ["", ""]
    WorkProfile.objects.create(user=owners[0], country="DE")
    assert columns(*rows) == [GERMAN, GERMAN]


def test_a_contact_that_moves_gets_its_new_leads_country(rows, owners):
    other = Restaurant.objects.create(name="Beisl", assigned_to=owners[1])
    rows[1].edit(restaurant=other)
    assert columns(rows[1]) == [AUSTRIAN]


def test_rows_that_are_updated_at_once_follow(rows, owners):
    other = Restaurant.objects.create(name="Beisl", assigned_to=owners[1])
    Contact.objects.filter(name="Asha Rao").update(phone="040 7654321")
    Restaurant.objects.filter(name="Bistro Anna").update(phone=F("name"))
    assert columns(*rows) == ["", "+49407654321"]
    Contact.objects.all().update(restaurant_id=other.pk)
    assert columns(rows[1]) == ["+43407654321"]
    assert Contact.objects.filter(search__contains="0407654321").exists()


def test_rows_that_are_created_or_replaced_at_once_follow(rows, owners, django_assert_num_queries):
    lead, contact = rows
    new = [Contact(restaurant=lead, name=f"Person {number}", phone=TYPED) for number in range(3)]
    with django_assert_num_queries(2):  # the countries; the rows
        Contact.objects.bulk_create(new)
    assert columns(*new) == [GERMAN] * 3
    contact.phone = "040 7654321"
    Contact.objects.bulk_create([contact], update_conflicts=True, unique_fields=["id"], update_fields=["phone"])
    assert columns(contact) == ["+49407654321"]
    contact.phone = TYPED
    Contact.objects.bulk_update([contact], ["phone"])
    assert columns(contact) == [GERMAN]


def test_a_number_with_its_country_costs_no_query(rows, django_assert_num_queries):
    with django_assert_num_queries(1):
        Contact.objects.create(restaurant=rows[0], name="Ben Iyer", phone="+91 98765 43210")
    with django_assert_num_queries(2):
        Contact.objects.create(restaurant=rows[0], name="Ben Iyer", phone=TYPED)


def test_owners_of_one_country_leave_the_numbers_unread(rows, owners, django_assert_num_queries, monkeypatch):
    WorkProfile.objects.get(user=owners[1]).edit(country="DE")
    monkeypatch.setattr("call.receivers.read_phones_again", lambda leads: 1 / 0)
    rows[0].edit(assigned_to=owners[1])
    assert columns(*rows) == [GERMAN, GERMAN]


def test_the_migration_reads_the_numbers_of_existing_rows(rows):
    lead = Restaurant.objects.create(name="Beisl", phone="12")
    for model in (Restaurant, Contact):
        model.objects.update(phone_e164="", phone_tail="")
    before = [row.updated_at for row in Restaurant.objects.all()]
    import_module("call.migrations.0008_read_phone_numbers").fill(apps, SimpleNamespace(connection=connection))
    assert columns(*rows, lead) == [GERMAN, GERMAN, ""]
    assert [row.phone_tail for row in (*rows, lead)] == ["301234567", "301234567", ""]
    assert [row.updated_at for row in Restaurant.objects.all()] == before


def test_a_command_reads_all_numbers_again_after_a_new_setting(rows, settings):
    unowned = Restaurant.objects.create(name="Beisl", phone=TYPED)
    settings.PHONE_REGION = "AT"
    before, out = unowned.updated_at, StringIO()
    call_command("recompute_phones", stdout=out)
    assert out.getvalue() == "Changed 1 of 2 leads.\nChanged 0 of 1 contacts.\n"
    assert columns(unowned, *rows) == [AUSTRIAN, GERMAN, GERMAN]
    assert unowned.updated_at == before
