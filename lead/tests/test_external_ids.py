"""The ids that a lead has in other systems: one lead for each, found by it."""

import pytest
from django.db import IntegrityError, transaction

from lead.models import ExternalId, Restaurant


@pytest.fixture
def path(lead) -> str:
    return f"/lead/restaurants/{lead.pk}/external_ids/"


ERP = {"source": "erp", "value": "ALFKI"}


def test_a_lead_is_given_an_external_id_and_lists_it(api, path, user):
    answer = api.post(path, ERP)
    assert (answer.status_code, answer.json()) == (201, ERP)
    assert api.get(path).json() == [ERP]
    assert ExternalId.objects.get().created_by == user


def test_the_same_external_id_again_is_answered_200(api, path):
    assert [api.post(path, ERP).status_code for _ in range(2)] == [201, 200]
    assert ExternalId.objects.count() == 1


def test_an_external_id_belongs_to_one_lead(api, path):
    Restaurant.objects.create(name="Bistro Ben").add_external_id(**ERP)
    answer = api.post(path, ERP)
    assert (answer.status_code, answer.json()) == (400, {"value": ["Choose another value: this external id is taken."]})
    assert api.post(path, {**ERP, "source": "shop"}).status_code == 201


@pytest.mark.parametrize("where", ["query", "body"])
def test_an_external_id_is_taken_away(where, api, path):
    api.post(path, ERP)
    answer = api.delete(f"{path}?source=erp&value=ALFKI") if where == "query" else api.delete(path, ERP)
    assert answer.status_code == 204
    assert api.get(path).json() == []
    assert api.delete(path, ERP).json() == {"detail": "The lead has no such external id."}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"value": "1"}, "source"),
        ({"source": "a:b", "value": "1"}, "source"),
        ({"source": "x" * 51, "value": "1"}, "source"),
        ({"source": "erp", "value": " "}, "value"),
        ({"source": "erp", "value": "x" * 255}, "value"),
        ({"source": "erp", "value": "\0"}, "value"),
    ],
)
def test_an_invalid_external_id_is_a_400_that_names_the_key(body, field, api, path):
    answer = api.post(path, body)
    assert (answer.status_code, list(answer.json())) == (400, [field])


def test_a_list_is_filtered_by_an_external_id(api, lead):
    lead.add_external_id("erp", "AL:FKI")
    Restaurant.objects.create(name="Bistro Ben")
    assert [row["id"] for row in api.get("/lead/restaurants/?external_id=erp:AL:FKI").json()] == [lead.pk]
    assert api.get("/lead/restaurants/?external_id=erp:alfki").json() == []
    assert api.get("/lead/restaurants/?external_id=shop:AL:FKI").json() == []


@pytest.mark.parametrize("text", ["ALFKI", ":1", "erp:", "e rp:1", "erp:%00"])
def test_an_invalid_external_id_in_a_filter_is_a_400(text, api):
    answer = api.get(f"/lead/restaurants/?external_id={text}")
    assert (answer.status_code, answer.json()) == (400, {"external_id": ["Enter an external id: source:value."]})


@pytest.mark.parametrize("fields", [ERP, {"source": "", "value": "1"}, {"source": "a:b", "value": "1"}])
def test_the_database_refuses_an_id_of_two_leads_and_half_an_id(fields, lead):
    lead.add_external_id(**ERP)
    other = Restaurant.objects.create(name="Bistro Ben")
    with pytest.raises(IntegrityError), transaction.atomic():
        other.external_ids.create(**fields)


def test_the_external_ids_go_with_their_lead(lead):
    lead.add_external_id(**ERP)
    lead.delete()
    assert not ExternalId.objects.exists()


@pytest.mark.parametrize("count", [3, 30])
def test_the_list_of_external_ids_takes_three_queries(count, api, path, lead, django_assert_num_queries):
    for number in range(count):
        lead.add_external_id("erp", str(number))
    with django_assert_num_queries(3):  # the token's user, the lead, its ids
        assert len(api.get(path).json()) == count
