"""`?search=` finds a row by what a user types, in any spelling."""

from datetime import UTC, datetime

import pytest

from call.models import CallPlan
from contact.models import Contact
from crm.db.folding import fold
from lead.models import Restaurant
from track.models import Interaction

DUE = datetime(2024, 12, 24, 15, tzinfo=UTC)
LEADS, CONTACTS = "/lead/restaurants/", "/contact/contacts/"
LISTS_OF_LEADS = ["/track/interactions/", "/track/interactions/orders/", "/call/", "/call/today/"]


@pytest.fixture
def book(time_machine, user):
    """Two leads, each with a contact, an order and a plan that is due today."""
    time_machine.move_to("2024-12-24T12:00:00Z", tick=False)
    for number, (name, person, phone, email, city) in enumerate(
        [
            ("Berglunds snabbköp", "Christina Berglund", "(5) 555-4729", "order@berglunds.example", "Luleå"),
            ("Cactus Comidas para llevar", "Patricio Simpson", "+1234567890", "hola@cactus.example", "Buenos Aires"),
        ]
    ):
        lead = Restaurant.objects.create(name=name, contact_person=person, phone=phone, email=email, city=city)
        Contact.objects.create(
            restaurant=lead, name=person, role=("Owner", "Chef")[number], phone=phone, email=email.upper()
        )
        Interaction.log(lead=lead, interaction_type="ORDER", details=name)
        CallPlan.objects.create(lead=lead, frequency="DAILY", notes=name, next_call_date=DUE)


def found(api, path: str, text: str) -> list[str]:
    """The first words of the names, details or notes of the rows."""
    answer = api.get(path, {"search": text})
    assert answer.status_code == 200, answer.json()
    return [(row.get("name") or row.get("details") or row["notes"]).split()[0] for row in answer.json()]


@pytest.mark.parametrize(
    "text",
    [
        *["Berglunds snabbköp", "snabb", "BERGLUNDS", "snabbkop", "SNABBKÖP", "snabbko\u0308p", "\uff53\uff4e\uff41bb"],
        *["Christina", "christina berglund", "berglund christina", "lunds chris kop"],
        *["555-4729", "5554729", "(5)555 4729", "5555-4729", "5.555.4729", "555\u20114729", "\uff15\uff15\uff15 4729"],
        *["order@berglunds.example", "ORDER@", "Luleå", "lulea", "LULEA", "snabb 4729", "  snabb  "],
    ],
)
def test_a_lead_is_found_by_what_a_person_might_type(book, api, text):
    assert found(api, LEADS, text) == ["Berglunds"]


@pytest.mark.parametrize(
    "text", ["Patricio", "hola@", "1234567890", "+1 234 567-890", "(123) 456 7890", "buenos", "a v"]
)
def test_every_lead_is_found_by_its_own(book, api, text):
    assert found(api, LEADS, text) == ["Cactus"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *[("christina", "Christina"), ("SIMPSON", "Patricio"), ("5554729", "Christina"), ("+1 234", "Patricio")],
        *[("hola@cactus", "Patricio"), ("owner", "Christina"), ("chef 456", "Patricio")],
    ],
)
def test_a_contact_is_found_by_name_role_phone_and_email(book, api, text, name):
    assert found(api, CONTACTS, text) == [name]


@pytest.mark.parametrize("path", LISTS_OF_LEADS)
def test_interactions_and_plans_are_found_through_their_lead(book, api, path):
    assert found(api, path, "snabbkop") == ["Berglunds"]
    assert found(api, path, "1-234-567") == ["Cactus"]
    assert found(api, path, "e") == ["Berglunds", "Cactus"]
    assert found(api, path, "nobody") == []


@pytest.mark.parametrize("text", ["", " ", "\u0301"], ids=["empty", "blank", "an accent alone"])
@pytest.mark.parametrize("path", [LEADS, *LISTS_OF_LEADS])
def test_an_empty_search_finds_everything(book, api, path, text):
    assert found(api, path, text) == ["Berglunds", "Cactus"]


@pytest.mark.parametrize("text", ["%", "_", "snabb%", "555_4729", "\\", "'", '"', "snabb cactus", "4729555", "x" * 254])
def test_signs_are_literal_and_every_word_has_to_match(book, api, text):
    assert found(api, LEADS, text) == []


@pytest.mark.parametrize("path", [LEADS, CONTACTS, *LISTS_OF_LEADS])
def test_an_invalid_search_is_a_400_that_names_it(api, path):
    eleven_words, eleven_numbers = " ".join("abcdefghijk"), " ".join(["12"] * 11)
    signs_of_several_words = "\ufdfa" * 100
    for text in ("x" * 255, eleven_words, eleven_numbers, signs_of_several_words, "snabb\0", "\0"):
        answer = api.get(path, {"search": text})

        assert answer.status_code == 400, text
        assert list(answer.json()) == ["search"]


def test_ten_words_may_be_searched_for(book, api):
    assert found(api, LEADS, "b e r g l u n d s") == ["Berglunds"]
    assert found(api, LEADS, "b e r g l u n d s k") == ["Berglunds"]


def test_compatibility_forms_are_folded_before_their_case():
    assert fold("\U0001d400nna \u3392") == "anna mhz"


@pytest.mark.parametrize("method", ["patch", "put"])
def test_after_an_edit_the_new_name_is_found_and_the_old_is_not(book, api, method):
    lead = Restaurant.objects.get(city="Luleå")

    getattr(api, method)(f"{LEADS}{lead.pk}/", {"name": "Nordic Deli"})

    assert found(api, LEADS, "nordic") == ["Nordic"]
    assert found(api, LEADS, "snabbkop") == []
    assert found(api, "/call/", "nordic") == ["Berglunds"]  # the plan's notes tell which one it is


def test_after_an_edit_the_new_phone_is_found_and_the_old_is_not(book, api):
    lead = Restaurant.objects.get(city="Luleå")
    contact = Contact.objects.get(restaurant=lead)

    for path in (f"{LEADS}{lead.pk}/", f"{CONTACTS}{contact.pk}/"):
        assert api.patch(path, {"phone": "030-0074321"}).status_code == 200

    for path, name in ((LEADS, "Berglunds"), (CONTACTS, "Christina")):
        assert found(api, path, "0300 074321") == [name]
        assert found(api, path, "5554729") == []


def test_a_row_created_through_the_api_is_found_at_once(api):
    lead = api.post(LEADS, {"name": "Café Größenwahn"}).json()
    api.post(CONTACTS, {"restaurant": lead["id"], "name": "Zoë", "phone": "040/12 34-56"})

    assert found(api, LEADS, "CAFE GROSSENWAHN") == ["Café"]
    assert found(api, CONTACTS, "zoe 123456") == ["Zoë"]


NOTATIONS = ["+91 98765 43210", "098765 43210", "9876543210", "tel:+91-98765-43210;ext=4", "(0)98765 43210 x4"]
NOTATIONS += ["+91 (0)98765 43210", "०९८७६५ ४३२१०", "\uff10\uff19\uff18765 43210", "0091 98765-43210 ext. 4"]


@pytest.mark.parametrize("sought", NOTATIONS)
def test_a_number_is_found_in_every_notation_however_stored(book, api, lead, sought):
    for number, stored in enumerate(NOTATIONS):
        Contact.objects.create(restaurant=lead, name=f"Person{number} Rao", phone=stored)
    assert found(api, CONTACTS, sought) == [f"Person{number}" for number in range(len(NOTATIONS))]


def test_a_number_in_words_is_found_with_them(book, api):
    assert found(api, CONTACTS, "+1(234)567-890") == ["Patricio"]
    assert found(api, CONTACTS, "patricio +1(234)567-890") == ["Patricio"]
    assert found(api, CONTACTS, "christina +1(234)567-890") == []


def test_a_search_and_a_filter_narrow_each_other(book, api):
    Restaurant.objects.create(name="Berglunds Bar", city="Umeå")

    assert len(api.get(LEADS, {"search": "berglunds"}).json()) == 2
    assert [row["city"] for row in api.get(LEADS, {"search": "berglunds", "city": "Umeå"}).json()] == ["Umeå"]


# --- People's alphabets -----------------------------------------------------------------------------------------------

SPELLINGS = {
    "Smørrebrød": "smorrebrod",
    "Łódź": "lodz",
    "Balıkçısı": "balikcisi",
    "Đà Nẵng": "da nang",
    "O’Brien’s": "o'brien",
    "Chick‑fil‑A": "chick-fil-a",
    "Grand-Hôtel\u00ad l’Étoile": "grand\u2010hotel l\u02bcetoile",
    "食堂 अनपूर्णा": "अनपूर्णा",
}


@pytest.mark.parametrize(("written", "typed"), SPELLINGS.items())
def test_a_name_is_found_in_either_spelling(api, written, typed):
    names = {written, typed}
    for name in names:
        Restaurant.objects.create(name=name)

    for text in names:
        assert {row["name"] for row in api.get(LEADS, {"search": text}).json()} >= {written}
    assert {row["name"] for row in api.get(LEADS, {"search": typed}).json()} == names


@pytest.mark.parametrize("path", LISTS_OF_LEADS[:2])
def test_interactions_are_found_by_details_and_by_their_contact(book, api, path):
    lead, other = Restaurant.objects.order_by("id")
    zoe = Contact.objects.create(restaurant=other, name="Zoë Łukaszewicz")
    Interaction.log(lead=other, contact=zoe, interaction_type="ORDER", details="Wants the crème brûlée mould.")

    assert found(api, path, "creme BRULEE") == ["Wants"]
    assert found(api, path, "zoe lukaszewicz") == ["Wants"]
    assert found(api, path, "brulee cactus lukas") == ["Wants"]  # each word in its own table
    assert found(api, path, "brulee berglunds") == []
    assert found(api, path, "cactus") == ["Cactus", "Wants"]


def test_details_are_found_as_they_are_after_an_edit(book, api):
    row = api.get("/track/interactions/", {"search": "berglunds"}).json()[0]
    api.patch(f"/track/interactions/{row['id']}/", {"details": "Ærø"})
    assert found(api, "/track/interactions/", "aero") == ["Ærø"]


def test_a_search_in_three_tables_costs_one_query(book, api, django_assert_num_queries):
    with django_assert_num_queries(2):  # the token's user; the rows
        assert found(api, "/track/interactions/", "snabbkop order@") == ["Berglunds"]
