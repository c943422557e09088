"""Contacts of one restaurant that may be one person, and what is said about them."""

import pytest
from django.db import IntegrityError, transaction

from contact import duplicates
from contact.models import Contact, NotDuplicateContact
from lead.models import Restaurant

PEOPLE = "/contact/contacts/"
PHONE = "+91 98765 43210"


@pytest.fixture
def twin(lead, contact):
    return Contact.objects.create(restaurant=lead, name="A. Rao", email="asha@example.com")


def pairs(api, lead, **query):
    return api.get(f"{PEOPLE}duplicates/", {"restaurant": lead.pk, **query})


def path_of(contact, name="duplicates") -> str:
    return f"{PEOPLE}{contact.pk}/{name}/"


def ids_of(answer) -> list[list[int]]:
    assert answer.status_code == 200, answer.json()
    return [[person["id"] for person in pair["contacts"]] for pair in answer.json()]


def test_pairs_have_score_reasons_and_both_people(api, lead, contact, twin):
    Contact.objects.create(restaurant=lead, name="Ben Das")
    (pair,) = pairs(api, lead).json()
    assert list(pair) == ["score", "reasons", "why", "contacts"]
    assert (pair["score"], pair["reasons"], pair["why"]) == (0.6, ["NAMES_ALIKE"], "Names alike.")
    assert pair["contacts"] == [
        {"id": contact.pk, "name": "Asha Rao", "role": "Manager", "phone": "123-456-7890", "email": ""},
        {"id": twin.pk, "name": "A. Rao", "role": "", "phone": "", "email": "asha@example.com"},
    ]


@pytest.mark.parametrize(
    ("ours", "others", "reason"),
    [
        ({"phone": PHONE}, {"phone": "098765 43210"}, "PHONE"),
        ({"email": "Asha@example.com"}, {"email": "asha@example.com"}, "EMAIL"),
        ({"name": "Ásha Rao"}, {"name": "ASHA RAO"}, "NAME"),
    ],
)
def test_each_kind_of_duplicate_is_found(ours, others, reason, api, lead):
    fields = [{"name": "Asha Rao", **ours}, {"name": "Ben Das", **others}]
    one, other = (Contact.objects.create(restaurant=lead, **each) for each in fields)
    (pair,) = pairs(api, lead).json()
    assert (pair["reasons"], ids_of(pairs(api, lead))) == ([reason], [[one.pk, other.pk]])
    (candidate,) = api.get(path_of(other)).json()
    assert list(candidate) == ["score", "reasons", "why", "contact"]
    assert (candidate["contact"]["id"], candidate["reasons"]) == (one.pk, [reason])


@pytest.mark.parametrize("few", [2, 100])
def test_many_people_are_compared_within_blocks(few, api, lead, monkeypatch):
    monkeypatch.setattr(duplicates, "FEW", few)
    rows = [Contact.objects.create(restaurant=lead, name=name) for name in ("Asha Rao", "Ben Das", "Ásha Rao")]
    assert ids_of(pairs(api, lead)) == [[rows[0].pk, rows[2].pk]]


def test_people_of_two_restaurants_are_two(api, lead, contact):
    other = Contact.objects.create(restaurant=Restaurant.objects.create(name="Cafe Blau"), name="Asha Rao")
    assert pairs(api, lead).json() == api.get(path_of(contact)).json() == api.get(path_of(other)).json() == []


def test_the_pairs_of_a_restaurant_come_in_pages(api, lead, contact, twin):
    Contact.objects.create(restaurant=lead, name="Asha Rao")
    answer = pairs(api, lead, page_size=1)
    assert (len(answer.json()), answer["X-Total-Count"]) == (1, "3")


@pytest.mark.parametrize(("query", "name"), [({}, "restaurant"), ({"restaurant": "x"}, "restaurant")])
def test_a_restaurant_has_to_be_named(query, name, api):
    answer = api.get(f"{PEOPLE}duplicates/", query)
    assert (answer.status_code, list(answer.json())) == (400, [name])


def test_hidden_and_missing_restaurants_have_no_pairs(api, lead, contact, twin, settings):
    settings.ACCESS = "own"
    Restaurant.objects.filter(pk=lead.pk).update(assigned_to=None)
    assert pairs(api, lead).json() == []
    assert api.get(f"{PEOPLE}duplicates/?restaurant=900009").json() == []
    assert api.get(path_of(contact)).status_code == 404


def test_what_is_said_to_be_different_is_remembered_and_taken_back(api, user, lead, contact, twin):
    answer = api.post(path_of(twin, "not_duplicates"), {"other": contact.pk})
    said = {"other": contact.pk, "said_by": user.pk, "said_at": answer.json()["said_at"]}
    assert (answer.status_code, answer.json()) == (201, said)
    assert pairs(api, lead).json() == api.get(path_of(contact)).json() == []
    assert api.get(path_of(contact, "not_duplicates")).json() == [{**said, "other": twin.pk}]
    assert api.post(path_of(contact, "not_duplicates"), {"other": twin.pk}).status_code == 200
    assert api.delete(f"{path_of(contact, 'not_duplicates')}?other={twin.pk}").status_code == 204
    assert ids_of(pairs(api, lead)) == [[contact.pk, twin.pk]]


def test_only_people_of_one_restaurant_are_said_to_be_different(api, contact):
    other = Contact.objects.create(restaurant=Restaurant.objects.create(name="Cafe Blau"), name="Asha Rao")
    for wrong in (other, contact):
        answer = api.post(path_of(contact, "not_duplicates"), {"other": wrong.pk})
        assert answer.json() == {"other": ["Choose another contact of the same restaurant."]}
        assert answer.status_code == 400


def test_the_database_holds_a_pair_once_and_in_order(contact, twin):
    contact.say_not_duplicate(twin.pk)
    for first, second in [(contact, twin), (twin, contact), (contact, contact)]:
        with pytest.raises(IntegrityError), transaction.atomic():
            NotDuplicateContact.objects.create(first=first, second=second)


@pytest.mark.parametrize("count", [3, 30])
def test_the_lists_take_a_fixed_number_of_queries(count, api, lead, contact, django_assert_num_queries):
    Contact.objects.bulk_create(Contact(restaurant=lead, name=f"Asha {chr(97 + n % 26) * 3}{n}") for n in range(count))
    Contact.objects.create(restaurant=lead, name="Asha Rao")
    with django_assert_num_queries(4):  # the token's user, the contacts, what was said, those of the pairs
        assert len(pairs(api, lead).json()) == 1
    with django_assert_num_queries(4):  # the token's user, the contact, the contacts, what was said
        assert len(api.get(path_of(contact)).json()) == 1
