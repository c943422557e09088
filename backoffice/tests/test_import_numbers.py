"""Numbers in files: phones in any notation, and days and phones that a spreadsheet has made numbers of."""

import pytest
from django.contrib.auth import get_user_model

from backoffice.tests.support import csv_file, xlsx_file
from backoffice.tests.test_import_api import PATH, counts, send
from call.models import WorkProfile
from contact.models import Contact
from crm.tests.support import signed_in
from lead.models import Restaurant
from track.models import Interaction

NOTATIONS = [
    "+91 98765 43210",
    "098765 43210",
    "9876543210",
    "tel:+91-98765-43210;ext=4",
    "(0)98765-43210",
    "०९८७६५ ४३२१०",
]


@pytest.fixture
def client(importer):
    return signed_in(importer)


@pytest.fixture(params=["profile", "setting"])
def india(request, settings, importer):
    """Numbers without a country code are Indian, by the importer's work profile or by the setting."""
    if request.param == "profile":
        WorkProfile.objects.create(user=importer, country="IN")
    else:
        settings.PHONE_REGION = "IN"


@pytest.mark.parametrize("stored", NOTATIONS)
def test_a_lead_is_found_by_its_number_in_every_notation(stored, india, importer, client):
    lead = Restaurant.objects.create(name="Anna", phone=stored, assigned_to=importer)
    Restaurant.objects.create(name="Ben", phone="+91 98765 43211", assigned_to=importer)
    for typed in NOTATIONS:
        content = csv_file(["name", "phone", "notes"], ["Anna", typed, f"Typed {typed}."])
        assert counts(send(client, content, match="phone")) == (0, 1, 0, 0)
        lead.refresh_from_db()
        assert (lead.notes, Restaurant.objects.count()) == (f"Typed {typed}.", 2)


def test_without_a_region_a_number_is_found_by_its_national_digits(client):
    Restaurant.objects.create(name="Anna", phone="098765 43210")
    content = csv_file(["name", "phone", "notes"], ["Anna", "98765-43210", "Found."])
    assert counts(send(client, content, match="phone")) == (0, 1, 0, 0)


@pytest.mark.parametrize("country", ["IN", ""])
def test_the_importers_country_may_be_another_one_than_the_owners(country, importer, client):
    WorkProfile.objects.create(user=importer, country="HU")
    kam = get_user_model().objects.create_user("kam")
    WorkProfile.objects.create(user=kam, country=country)
    content = csv_file(
        ["name", "phone", "assigned_to"], ["Anna", "98765 43210", "kam"], ["Ben", "06 1 234 5678", "kam"]
    )
    assert [counts(send(client, content, match="phone")) for _ in range(2)] == [(2, 0, 0, 0), (0, 0, 2, 0)]


def test_a_very_long_phone_is_an_error_of_its_row(client):
    content = csv_file(["name", "phone"], ["Anna", "7654321" + "a" * 100_000 + "1"])
    assert counts(send(client, content, match="phone", partial=True)) == (0, 0, 0, 1)


def test_a_number_of_another_country_is_another_one(india, importer, client):
    Restaurant.objects.create(name="Anna", phone="098765 43210", assigned_to=importer)
    content = csv_file(["name", "phone"], ["Ben", "+49 98765 43210"])
    assert counts(send(client, content, match="phone")) == (1, 0, 0, 0)


def test_two_rows_with_one_number_are_both_in_error(india, client):
    content = csv_file(["name", "phone"], ["Anna", "+91 98765 43210"], ["Ben", "098765 43210"])
    assert counts(send(client, content, match="phone", partial=True)) == (0, 0, 0, 2)


def test_a_contact_is_found_by_its_number_within_its_restaurant(india, importer, client):
    leads = [Restaurant.objects.create(name=name, assigned_to=importer) for name in ("Anna", "Ben")]
    people = [Contact.objects.create(restaurant=lead, name="Asha", phone="098765 43210") for lead in leads]
    content = csv_file(["lead", "name", "phone", "role"], [leads[1].pk, "Asha", "+91 98765 43210", "Chef"])
    assert counts(send(client, content, "contacts", match="phone")) == (0, 1, 0, 0)
    assert [Contact.objects.get(pk=person.pk).role for person in people] == ["", "Chef"]


@pytest.mark.parametrize("typed", ["9.19877E+11", "9,19877E+11", "9.19877e+11", "+9.19877E+11", "9.19877E11", "9E+11"])
def test_a_shortened_number_is_in_error_however_it_was_shortened(typed, client):
    answer = send(client, csv_file(["name", "phone"], ["Anna", typed]))
    assert "Row 2, phone: Excel has shortened this number." in answer.json()["file"][1]


@pytest.mark.parametrize(
    ("serial", "moment"),
    [
        (45292.395833333336, "2024-01-01T09:30:00+00:00"),
        (45292 + 1 / 3, "2024-01-01T08:00:00+00:00"),
        (45292.999988425925, "2024-01-01T23:59:59+00:00"),
        (45295, "2024-01-04T00:00:00+00:00"),
    ],
)
def test_a_time_that_is_a_spreadsheets_number_is_that_time(serial, moment, client, lead):
    content = xlsx_file(["lead", "type", "date"], [lead.pk, "CALL", serial])
    assert counts(send(client, content, "interactions")) == (1, 0, 0, 0)
    assert Interaction.objects.get().date.isoformat() == moment
    assert counts(send(client, content, "interactions")) == (0, 0, 1, 0)


@pytest.mark.parametrize("format", ["json", "multipart"])
def test_confirmation_and_revert_take_any_body(format, client):
    answer = send(client, csv_file(["name"], ["Anna"]), dry_run=True)
    for verb, status in (("confirm", "IMPORTED"), ("revert", "REVERTED")):
        done = client.post(f"{PATH}{answer.json()['id']}/{verb}/", {}, format=format)
        assert (done.status_code, done.json()["status"]) == (200, status)


def test_a_contact_without_a_number_is_not_found_by_it(client, lead):
    ben = Contact.objects.create(restaurant=lead, name="Ben")
    content = csv_file(["lead", "name", "phone"], [lead.pk, "Asha", "98765 43210"], [lead.pk, "Cem", ""])
    assert counts(send(client, content, "contacts", match="phone")) == (2, 0, 0, 0)
    ben.refresh_from_db()
    assert ben.name == "Ben"


def test_calls_with_two_external_ids_are_two(client, lead):
    for number in ("A1", "A2"):
        content = csv_file(["external_id", "lead", "type", "date"], [number, lead.pk, "CALL", "2024-12-20"])
        assert counts(send(client, content, "interactions")) == (1, 0, 0, 0)
        assert counts(send(client, content, "interactions")) == (0, 0, 1, 0)
    assert Interaction.objects.count() == 2
