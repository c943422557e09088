"""Contacts: the people at a restaurant."""

import pytest
from django.db import IntegrityError

from contact.models import Contact
from lead.models import Restaurant

CONTACTS = "/contact/contacts/"
KEYS = ["id", "restaurant", "name", "role", "email", "phone", "address"]


@pytest.fixture
def path(contact):
    return f"{CONTACTS}{contact.pk}/"


def test_a_contact_has_the_keys_of_the_document_in_their_order(api, path):
    assert list(api.get(path).json()) == KEYS


def test_restaurant_and_name_are_required(api):
    answer = api.post(CONTACTS, {})

    assert answer.status_code == 400
    assert answer.json() == dict.fromkeys(["restaurant", "name"], ["This field is required."])


def test_what_a_new_contact_leaves_out_is_empty(api, lead, user):
    answer = api.post(CONTACTS, {"restaurant": lead.pk, "name": "Asha Rao"})

    contact = Contact.objects.get()
    assert answer.status_code == 201
    assert answer.json() == dict.fromkeys(KEYS, "") | {"id": contact.pk, "restaurant": lead.pk, "name": "Asha Rao"}
    assert contact.created_by == user


@pytest.mark.parametrize("method", ["put", "patch"])
def test_keys_left_out_of_an_update_are_unchanged(api, path, lead, method):
    before = api.get(path).json()

    answer = getattr(api, method)(path, {"restaurant": lead.pk, "name": "Asha Rao-Iyer", "id": 7, "colour": "red"})

    assert answer.json() == before | {"name": "Asha Rao-Iyer"}


def test_put_asks_for_the_required_keys_and_patch_does_not(api, path):
    assert list(api.put(path, {"role": "Chef"}).json()) == ["restaurant", "name"]
    assert api.patch(path, {"role": "Chef"}).json()["role"] == "Chef"


@pytest.mark.parametrize("form", ["multipart", "json"])
def test_a_form_is_taken_like_json(api, path, form):
    assert api.patch(path, {"role": "Chef"}, format=form).json() | {"role": ""} == api.get(path).json() | {"role": ""}


def test_a_contact_of_a_restaurant_that_is_not_there_is_refused(api):
    answer = api.post(CONTACTS, {"restaurant": 2**40, "name": "Asha Rao"})

    assert (answer.status_code, list(answer.json())) == (400, ["restaurant"])


@pytest.mark.parametrize(("field", "longest"), [("name", 254), ("role", 254), ("phone", 50), ("address", 20_000)])
def test_a_text_may_be_as_long_as_the_contract_says(api, path, field, longest):
    assert api.patch(path, {field: "ü" * longest}).json()[field] == "ü" * longest
    assert list(api.patch(path, {field: "ü" * (longest + 1)}).json()) == [field]


def test_contacts_are_listed_by_id_and_filtered_by_restaurant(api, lead):
    other = Restaurant.objects.create(name="Curry Leaf")
    for restaurant, name in ((lead, "C"), (other, "A"), (lead, "B")):
        Contact.objects.create(restaurant=restaurant, name=name)

    assert [row["name"] for row in api.get(CONTACTS).json()] == ["C", "A", "B"]
    assert [row["name"] for row in api.get(f"{CONTACTS}?restaurant={lead.pk}").json()] == ["C", "B"]
    assert api.get(f"{CONTACTS}?restaurant={2**40}").json() == []
    assert len(api.get(f"{CONTACTS}?restaurant=").json()) == 3


def test_an_interaction_outlives_its_contact(api, path, interaction):
    assert api.delete(path).status_code == 204

    assert api.get(path).status_code == 404
    assert api.get(f"/track/interactions/{interaction.pk}/").json()["contact"] is None


@pytest.mark.parametrize("rows", [3, 30])
def test_a_list_costs_one_query_besides_the_users(api, lead, rows, django_assert_num_queries):
    Contact.objects.bulk_create(Contact(restaurant=lead, name=f"Contact {number}") for number in range(rows))

    with django_assert_num_queries(2):
        assert len(api.get(CONTACTS).json()) == rows


def test_a_contact_costs_one_query_besides_the_users(api, path, django_assert_num_queries):
    with django_assert_num_queries(2):
        api.get(path)


def test_a_contact_without_a_name_is_refused_by_the_database(contact):
    with pytest.raises(IntegrityError):
        Contact.objects.filter(pk=contact.pk).update(name="")
