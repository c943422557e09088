"""`Prefer: duplicates=reject`: a POST that would make a duplicate is answered with what is there already."""

import pytest
from django.contrib.auth import get_user_model

from call.models import WorkProfile
from contact.models import Contact
from lead.models import Restaurant

LEADS = "/lead/restaurants/"
PEOPLE = "/contact/contacts/"
REJECT = {"Prefer": "duplicates=reject"}
PHONE = "+91 98765 43210"


def refused(answer) -> list[dict]:
    assert answer.status_code == 409, answer.json()
    body = answer.json()
    assert list(body) == ["detail", "candidates"]
    assert body["detail"].startswith("This may be a duplicate. Nothing was created")
    return body["candidates"]


def test_a_lead_like_one_that_is_there_is_not_created(api, lead):
    (candidate,) = refused(api.post(LEADS, {"name": "Bistro Ana", "city": "pune"}, headers=REJECT))
    assert (candidate["lead"]["id"], candidate["reasons"]) == (lead.pk, ["NAMES_ALIKE"])
    assert candidate == api.post(LEADS, {"name": "Bistro Ana", "city": "pune"}, headers=REJECT).json()["candidates"][0]
    assert Restaurant.objects.count() == 1


@pytest.mark.parametrize(
    "prefer",
    ["Duplicates = Reject", "handling=strict, duplicates=reject", 'respond-async; wait=10, duplicates="reject"'],
)
def test_the_preference_is_read_as_rfc_7240_has_it(prefer, api, lead):
    refused(api.post(LEADS, {"name": "Bistro Anna", "city": "Pune"}, headers={"Prefer": prefer}))


@pytest.mark.parametrize("prefer", ["", "duplicates=accept", "xduplicates=reject", "duplicates=rejected"])
def test_without_the_preference_it_is_created(prefer, api, lead):
    assert api.post(LEADS, {"name": "Bistro Anna", "city": "Pune"}, headers={"Prefer": prefer}).status_code == 201


def test_a_lead_unlike_all_others_is_created_with_the_documented_body(api, lead):
    answer = api.post(LEADS, {"name": "Cafe Blau", "city": "Pune"}, headers=REJECT)
    assert (answer.status_code, answer.json()) == (201, api.get(f"{LEADS}{answer.json()['id']}/").json())


def test_the_number_is_one_of_the_owners_country(api, lead, user):
    WorkProfile.objects.create(user=user, country="HU")
    lead.edit(phone="+36 1 234 5678")
    (candidate,) = refused(api.post(LEADS, {"name": "Cafe Blau", "phone": "06 1 234 5678"}, headers=REJECT))
    assert candidate["reasons"] == ["PHONE"]


def test_hidden_leads_are_neither_shown_nor_in_the_way(api, lead, settings):
    settings.ACCESS = "own"
    lead.edit(assigned_to=get_user_model().objects.create_user("asha").pk)
    assert api.post(LEADS, {"name": "Bistro Anna", "city": "Pune"}, headers=REJECT).status_code == 201


def test_an_invalid_body_is_a_400_all_the_same(api, lead):
    answer = api.post(LEADS, {"name": "", "city": "Pune"}, headers=REJECT)
    assert (answer.status_code, list(answer.json())) == (400, ["name"])


def test_a_refusal_leaves_its_idempotency_key_free(api, lead):
    body, key = {"name": "Bistro Anna", "city": "Pune"}, {"Idempotency-Key": "1"}
    refused(api.post(LEADS, body, headers={**REJECT, **key}))
    assert [api.post(LEADS, body, headers=key).status_code for _ in range(2)] == [201, 201]
    assert Restaurant.objects.count() == 2


def test_without_the_preference_no_query_is_added(api, lead, django_assert_num_queries):
    with django_assert_num_queries(5):  # the token's user, the owner, the lead, and the two of a savepoint
        api.post(LEADS, {"name": "Bistro Anna", "assigned_to": lead.assigned_to_id})


def test_a_person_who_is_there_already_is_not_added(api, contact):
    body = {"restaurant": contact.restaurant_id, "name": "A. Rao"}
    (candidate,) = refused(api.post(PEOPLE, body, headers=REJECT))
    assert (candidate["contact"]["id"], candidate["why"]) == (contact.pk, "Names alike.")
    assert Contact.objects.count() == 1
    assert api.post(PEOPLE, body).status_code == 201


def test_people_of_other_restaurants_are_not_in_the_way(api, contact):
    other = Restaurant.objects.create(name="Cafe Blau")
    body = {"restaurant": other.pk, "name": contact.name, "phone": contact.phone}
    assert api.post(PEOPLE, body, headers=REJECT).status_code == 201
