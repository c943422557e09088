"""Contacts as cards for phones, one or all of a user's: what is in them, as another program reads it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import vobject
from django.contrib.auth import get_user_model
from django.test import Client

from contact.models import AddressBook, Contact
from lead.models import Restaurant

NOW = datetime(2026, 1, 19, 9, tzinfo=UTC)
VERSIONS = ["4.0", "3.0"]
ODD = "Zoë, “Chef”; C:\\Küche\r\nBEGIN:VCARD\rsecond\nthird 🍜"
READ = ODD.replace("\r\n", "\n").replace("\r", "\n")


@pytest.fixture
def contact(lead):
    lead.edit(address="12 MG Road", state="Maharashtra", pincode="411001")
    phone, email = "+91 98765 43210 x4", "asha@anna.example"
    contact = Contact.objects.create(restaurant=lead, name="Asha Rao", role="Manager", phone=phone, email=email)
    for model in (Restaurant, Contact):
        model.objects.update(updated_at=NOW)
    return contact


@pytest.fixture
def card(api, contact):
    """The contact's card of a version, as vobject reads it."""
    return lambda version: vobject.readOne(answer(api, contact, version).content.decode())


def answer(api, contact, version: str = ""):
    return api.get(f"/contact/contacts/{contact.pk}/card/", {"version": version} if version else {})


@pytest.fixture
def address(api):
    return api.post("/contact/cards/").json()["url"]


def names(content: bytes) -> list[str]:
    return [card.fn.value for card in vobject.readComponents(content.decode())]


# --- One card -----------------------------------------------------------------------------------------


def test_a_card_is_a_file_named_after_the_person(api, contact):
    response = answer(api, contact)
    assert (response.status_code, response["Content-Type"]) == (200, "text/vcard; charset=utf-8")
    assert response["Content-Disposition"] == 'attachment; filename="Asha Rao.vcf"'


def test_a_card_of_version_4_is_as_rfc_6350_has_it(api, contact):
    assert answer(api, contact).content.decode().split("\r\n") == [
        "BEGIN:VCARD",
        "VERSION:4.0",
        "PRODID:-//KAM CRM//Contacts//EN",
        f"UID;VALUE=text:contact-{contact.pk}@kam-crm",
        "FN:Asha Rao",
        "N:;Asha Rao;;;",
        "ORG:Bistro Anna",
        "TITLE:Manager",
        "EMAIL;TYPE=work:asha@anna.example",
        "ADR;TYPE=work:;;12 MG Road;Pune;Maharashtra;411001;",
        "TEL;VALUE=uri;TYPE=work,voice:tel:+919876543210;ext=4",
        "REV:20260119T090000Z",
        "END:VCARD",
        "",
    ]


def test_a_card_of_version_3_is_as_rfc_2426_has_it(api, contact):
    assert answer(api, contact, "3.0").content.decode().split("\r\n") == [
        "BEGIN:VCARD",
        "VERSION:3.0",
        "PRODID:-//KAM CRM//Contacts//EN",
        f"UID:contact-{contact.pk}@kam-crm",
        "FN:Asha Rao",
        "N:;Asha Rao;;;",
        "ORG:Bistro Anna",
        "TITLE:Manager",
        "EMAIL;TYPE=INTERNET:asha@anna.example",
        "ADR;TYPE=WORK:;;12 MG Road;Pune;Maharashtra;411001;",
        "TEL;TYPE=WORK,VOICE:+919876543210 ext. 4",
        "REV:2026-01-19T09:00:00Z",
        "END:VCARD",
        "",
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_texts_of_any_kind_come_through(card, contact, lead, version):
    contact.edit(name=ODD, role=ODD, address=ODD * 5)
    lead.edit(name=ODD)
    read = card(version)
    assert (read.fn.value, read.n.value.given, read.title.value) == (READ, READ, READ)
    assert read.adr.value.street == READ * 5
    assert read.org.value == [READ]


@pytest.mark.parametrize(("version", "name"), [("4.0", "FN:a;b\\,c\\\\d\\ne"), ("3.0", "FN:a\\;b\\,c\\\\d\\ne")])
def test_a_semicolon_is_escaped_where_the_version_says_so(api, contact, version, name):
    contact.edit(name="a;b,c\\d\ne")
    lines = answer(api, contact, version).content.decode().split("\r\n")
    assert name in lines
    assert "N:;a\\;b\\,c\\\\d\\ne;;;" in lines


@pytest.mark.parametrize("version", VERSIONS)
def test_lines_are_folded_at_75_octets_and_no_character_is_cut(api, contact, version):
    contact.edit(address="äöü🍜" * 100)
    lines = answer(api, contact, version).content.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert all(line.decode() for line in lines[:-1])
    assert b"\n" not in b"".join(lines)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_number_of_unknown_country_is_as_typed(card, contact, version):
    contact.edit(phone="(5) 555-4729; x4")
    assert card(version).tel.value == "(5) 555-4729; x4"


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_empty_is_left_out(card, contact, lead, version):
    contact.edit(phone="", email="", role="")
    lead.edit(address="", city="", state="", pincode="")
    assert set(card(version).contents) == {"version", "prodid", "uid", "fn", "n", "org", "rev"}


@pytest.mark.parametrize("model", [Contact, Restaurant])
def test_a_card_says_when_person_or_restaurant_changed_last(card, model):
    model.objects.update(updated_at=NOW + timedelta(days=1))
    assert (card("4.0").rev.value, card("3.0").rev.value) == ("20260120T090000Z", "2026-01-20T09:00:00Z")


def test_a_card_that_a_program_has_is_not_sent_again(api, contact):
    first = answer(api, contact)
    path = f"/contact/contacts/{contact.pk}/card/"
    again = api.get(path, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    contact.edit(phone="+91 98765 43211")
    assert api.get(path, headers={"If-None-Match": first["ETag"]}).status_code == 200


@pytest.mark.parametrize("version", ["2.1", "5", "x"])
def test_an_unknown_version_is_a_400_that_names_it(api, contact, version):
    response = answer(api, contact, version)
    assert (response.status_code, list(response.json())) == (400, ["version"])


@pytest.mark.parametrize("accept", ["text/vcard", "text/x-vcard", "text/html", "*/*"])
def test_phones_may_accept_whatever_they_like(api, contact, accept):
    path = f"/contact/contacts/{contact.pk}/card/"
    assert api.get(path, headers={"Accept": accept}).status_code == 200
    assert api.get("/contact/contacts/999/card/", headers={"Accept": accept}).json() == {"detail": "Not found."}


@pytest.mark.parametrize(
    ("name", "file_name"),
    [
        ('../a/b\\c"d\r\nX: y', 'attachment; filename="abcdX y.vcf"'),
        ("...", 'attachment; filename="contact.vcf"'),
        ("Zoë", "attachment; filename*=utf-8''Zo%C3%AB.vcf"),
    ],
)
def test_the_name_of_the_file_is_safe(api, contact, name, file_name):
    contact.edit(name=name)
    assert answer(api, contact)["Content-Disposition"] == file_name


def test_a_contact_that_the_user_may_not_see_has_no_card(api, contact, monkeypatch):
    monkeypatch.setattr(type(Contact.objects.all()), "visible_to", lambda self, user: self.none())
    assert answer(api, contact).status_code == 404


# --- The address book ---------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_the_people_of_my_leads_are_one_file_without_a_token(address, user, contact, lead, version):
    Contact.objects.create(restaurant=lead, name="Ben Iyer")
    other = Restaurant.objects.create(name="Cafe Blau", assigned_to=get_user_model().objects.create_user("asha"))
    Contact.objects.create(restaurant=other, name="Not mine")
    response = Client().get(address, {"version": version})
    assert (response.status_code, response["Content-Type"]) == (200, "text/vcard; charset=utf-8")
    assert response["Content-Disposition"] == 'attachment; filename="contacts.vcf"'
    assert names(response.content) == ["Asha Rao", "Ben Iyer"]
    assert set(re.findall(r"VERSION:(\S+)", response.content.decode())) == {version}


def test_an_empty_address_book_is_an_empty_file(address):
    assert (Client().get(address).status_code, Client().get(address).content) == (200, b"")


def test_it_shows_only_what_its_user_may_see(address, contact, monkeypatch):
    monkeypatch.setattr(type(Contact.objects.all()), "visible_to", lambda self, user: self.none())
    assert Client().get(address).content == b""


def test_an_unchanged_address_book_is_not_sent_again(address, contact):
    first = Client().get(address)
    assert Client().get(address, headers={"If-None-Match": first["ETag"]}).status_code == 304
    contact.edit(role="Owner")
    assert Client().get(address, headers={"If-None-Match": first["ETag"]}).status_code == 200


@pytest.mark.parametrize("people", [3, 30])
def test_it_costs_the_same_queries_however_many_people_there_are(address, lead, people, django_assert_num_queries):
    for number in range(people):
        Contact.objects.create(restaurant=lead, name=f"Person {number}", phone="98765 43210")
    with django_assert_num_queries(3):
        assert len(names(Client().get(address).content)) == people


def test_a_new_address_replaces_the_former_and_can_be_revoked(api, address):
    new = api.post("/contact/cards/").json()["url"]
    assert (Client().get(address).status_code, Client().get(new).status_code) == (404, 200)
    assert api.delete("/contact/cards/").status_code == 204
    assert Client().get(new).json() == {"detail": "There is no address book at this address."}
    assert api.delete("/contact/cards/").status_code == 204


def test_an_address_book_of_a_user_who_has_left_is_closed(user, address):
    user.is_active = False
    user.save()
    assert Client().get(address).status_code == 404


def test_the_address_of_the_calendar_opens_no_address_book(api, address):
    feed = api.post("/call/feed/").json()["url"]
    secret = feed.rpartition("/")[2].removesuffix(".ics")
    assert Client().get(f"/contact/cards/{secret}.vcf").status_code == 404


def test_the_secret_is_stored_nowhere(address):
    secret = address.rpartition("/")[2].removesuffix(".vcf")
    assert len(secret) == 43  # 32 random bytes
    assert secret not in str(AddressBook.objects.values_list())


def test_an_unknown_version_of_the_address_book_is_a_400(address):
    assert list(Client().get(address, {"version": "2.1"}).json()) == ["version"]
