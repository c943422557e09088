"""Who is calling: whom the lookup finds by a phone number, in which order, with what, and by which index."""

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from call.lookup import alike, exact
from call.models import CallPlan, WorkProfile
from contact.models import Contact
from crm.db.phones import read
from lead.models import Restaurant
from track.models import Interaction

PATH = "/api/lookup/"
NOTATIONS = [
    "+91 98765 43210",
    "098765 43210",
    "9876543210",
    "tel:+91-98765-43210;ext=4",
    "(0)98765 43210",
    "+91 (0)98765-43210",
    "0091 98765 43210",
    "०९८७६५ ४३२१०",
    "\uff0b\uff19\uff11 98765 43210",
    "98765 43210 x4",
    "98765 43210 ext. 12",
]


@pytest.fixture
def profile(user):
    """The owner of the leads works in India."""
    return WorkProfile.objects.create(user=user, country="IN")


@pytest.fixture
def found(kam):
    def found(phone: str) -> list[tuple[str, str]]:
        answer = kam.get(PATH, {"phone": phone})
        assert answer.status_code == 200, answer.json()
        return [(row["name"], row["match"]) for row in answer.json()]

    return found


def person(lead, name: str, phone: str) -> Contact:
    return Contact.objects.create(restaurant=lead, name=name, phone=phone)


# --- Found --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sought", NOTATIONS)
def test_a_number_is_found_in_every_notation_however_stored(now, profile, lead, found, sought):
    for stored in NOTATIONS:
        person(lead, stored, stored)
    lead.edit(phone=NOTATIONS[0])
    assert found(sought) == [(name, "EXACT") for name in [*NOTATIONS, "Bistro Anna"]]


@pytest.mark.parametrize("sought", NOTATIONS)
def test_without_any_region_it_is_found_by_its_national_number(now, lead, found, sought):
    for stored in NOTATIONS:
        person(lead, stored, stored)
    both_have_countries = {each: read(each).has_country and read(sought).has_country for each in NOTATIONS}
    assert dict(found(sought)) == {each: "EXACT" if both_have_countries[each] else "NATIONAL" for each in NOTATIONS}


def test_the_default_region_is_the_setting(now, settings, lead, found):
    settings.PHONE_REGION = "DE"
    person(lead, "Asha Rao", "+49 30 1234567")
    assert found("030 1234567") == [("Asha Rao", "EXACT")]


def test_the_country_of_the_user_comes_before_the_setting(now, settings, profile, lead, found):
    settings.PHONE_REGION = "DE"
    person(lead, "Asha Rao", "+91 98765 43210")
    assert found("98765 43210") == [("Asha Rao", "EXACT")]


def test_the_best_match_is_first_then_contacts_then_leads(now, profile, lead, found):
    person(lead, "Last digits", "5876 543 210 x1")
    person(lead, "Another country", "+1 987 654 3210")
    lead.edit(phone="+91 98765 43210")
    person(lead, "Same", "098765 43210")
    assert found("9876543210") == [
        ("Same", "EXACT"),
        ("Bistro Anna", "EXACT"),
        ("Another country", "NATIONAL"),
        ("Last digits", "SUFFIX"),
    ]


@pytest.mark.parametrize("phone", ["123456", "12 34", "x", "ext. 4", "12345 x678"])
def test_fewer_than_seven_digits_match_nothing(now, profile, lead, found, phone):
    person(lead, "Asha Rao", phone)
    assert found(phone) == []


def test_a_plus_that_was_not_encoded_is_one_again(now, lead, kam):
    person(lead, "Asha Rao", "+91 98765 43210")
    assert [row["match"] for row in kam.get(f"{PATH}?phone=+919876543210").json()] == ["EXACT"]


def test_at_most_fifty_are_listed_and_the_best_of_more(now, lead, found):
    Contact.objects.bulk_create(
        Contact(restaurant=lead, name=f"Person {number}", phone="76543210") for number in range(60)
    )
    Contact.objects.bulk_create(
        Contact(restaurant=lead, name="Head office", phone="+47 76 54 32 10") for number in range(2)
    )
    assert found("+4776543210")[:3] == [("Head office", "EXACT")] * 2 + [("Person 0", "NATIONAL")]
    assert len(found("+4776543210")) == 50


# --- The answer ---------------------------------------------------------------------------------------


def test_a_hit_says_what_one_wants_to_know_before_picking_up(now, kam, user, lead):
    contact = Contact.objects.create(restaurant=lead, name="Asha Rao", role="Manager", phone="+91 98765 43210 x4")
    CallPlan.objects.create(lead=lead, frequency="MONTHLY")
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    Interaction.log(lead=lead, contact=contact, interaction_type="CALL", details="Asked for the catalog.")
    answer = kam.get(PATH, {"phone": "+919876543210"})
    shown = kam.get(f"/call/{plan.pk}/").json()
    assert answer.json() == [
        {
            "kind": "contact",
            "id": contact.pk,
            "name": "Asha Rao",
            "role": "Manager",
            "phone": "+91 98765 43210 x4",
            "match": "EXACT",
            "lead": {
                "id": lead.pk,
                "name": "Bistro Anna",
                "city": "Pune",
                "lead_status": "NEW",
                "assigned_to": user.pk,
            },
            "plan": shown,
            "last_touch": {
                "date": "2026-01-19T09:00:00Z",
                "interaction_type": "CALL",
                "details": "Asked for the catalog.",
            },
            "account": None,
        }
    ]
    keys = "kind id name role phone match lead plan last_touch account"
    assert list(answer.json()[0]) == keys.split()


def test_a_lead_without_plan_and_touch_has_null_for_both(now, kam, lead):
    lead.edit(phone="+91 98765 43210")
    CallPlan.objects.create(lead=lead, frequency="DAILY", paused=True)
    [hit] = kam.get(PATH, {"phone": "+919876543210"}).json()
    assert (hit["kind"], hit["id"], hit["name"], hit["role"]) == ("lead", lead.pk, "Bistro Anna", "")
    assert (hit["plan"], hit["last_touch"], hit["account"]) == (None, None, None)


@pytest.mark.parametrize("query", [{}, {"phone": ""}, {"phone": "  "}, {"phone": "1" * 101}, {"phone": "12345678\0"}])
def test_no_phone_is_a_400_that_names_it(now, kam, query):
    answer = kam.get(PATH, query)
    assert (answer.status_code, list(answer.json())) == (400, ["phone"])


def test_an_unknown_parameter_is_a_400_where_it_is_strict(now, kam):
    answer = kam.get(PATH, {"phone": "9876543210", "x": "1"}, headers={"Prefer": "handling=strict"})
    assert (answer.status_code, list(answer.json())) == (400, ["x"])


def test_only_what_the_user_may_see_is_found(now, found, lead, monkeypatch):
    person(lead, "Asha Rao", "+91 98765 43210")
    lead.edit(phone="+91 98765 43210")
    monkeypatch.setattr(type(Contact.objects.all()), "visible_to", lambda self, user: self.none())
    monkeypatch.setattr(type(Restaurant.objects.all()), "visible_to", lambda self, user: self.filter(assigned_to=user))
    assert found("+919876543210") == [("Bistro Anna", "EXACT")]
    lead.edit(assigned_to=get_user_model().objects.create_user("asha"))
    assert found("+919876543210") == []


@pytest.mark.parametrize("rows", [3, 30])
def test_it_costs_the_same_queries_however_many_are_found(now, kam, user, rows, django_assert_num_queries):
    for number in range(rows):
        lead = Restaurant.objects.create(name=f"Lead {number}", assigned_to=user, phone="98765 43210")
        person(lead, "Asha Rao", "98765 43210")
        CallPlan.objects.create(lead=lead, frequency="DAILY")
    Interaction.log(lead=lead, interaction_type="CALL")
    with django_assert_num_queries(11):  # user, country, contacts, leads, plans; three for the touches
        assert len(kam.get(PATH, {"phone": "098765 43210"}).json()) == min(2 * rows, 50)
    with django_assert_num_queries(4):
        assert kam.get(PATH, {"phone": "098765 43211"}).json() == []


@pytest.mark.parametrize("model", [Contact, Restaurant])
def test_the_numbers_are_found_by_their_indexes(db, model):
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")  # which an empty table would be read by
    sought, rows = read("+919876543210"), model.objects.all()
    assert "_by_e164" in exact(rows, sought).explain()
    assert "_by_phone_tail" in alike(rows, sought, "098765 43210").explain()
