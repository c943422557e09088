"""Order details: written with their interaction or by themselves, read by themselves alone."""

import pytest
from django.db import IntegrityError, transaction

from track.models import Interaction, OrderDetails

INTERACTIONS = "/track/interactions/"
RICE = {"product_details": "Rice", "quantity": 50, "total_price": 500}
BEANS = {"product_details": "Beans", "quantity": 1, "total_price": "12.30", "order_date": "2024-12-25T12:00:00Z"}


@pytest.fixture
def path(interaction):
    Interaction.objects.filter(pk=interaction.pk).update(date="2024-12-24T15:30:00Z")
    return f"{INTERACTIONS}{interaction.pk}/"


@pytest.fixture
def ordered(api, path):
    """An interaction with an order."""
    api.put(f"{path}order_details/", RICE)
    return path


def order_of(api, path):
    return api.get(f"{path}order_details/").content.decode()


ORDERED_RICE = '{"product_details":"Rice","quantity":50,"total_price":500.00,"order_date":"2024-12-24T15:30:00Z"}'
ORDERED_BEANS = '{"product_details":"Beans","quantity":1,"total_price":12.30,"order_date":"2024-12-25T12:00:00Z"}'


def test_an_interaction_without_an_order_says_so(api, path):
    answer = api.get(f"{path}order_details/")

    assert (answer.status_code, answer.json()) == (404, {"detail": "This interaction has no order details."})


def test_an_order_is_written_with_its_interaction(api, lead):
    answer = api.post(
        INTERACTIONS,
        {"lead": lead.pk, "interaction_type": "VISIT", "date": "2024-12-24T15:30:00Z", "order": RICE},
    )

    assert answer.status_code == 201
    assert "order" not in answer.json()
    assert answer.json()["order_placed"] is True
    assert order_of(api, f"{INTERACTIONS}{answer.json()['id']}/") == ORDERED_RICE


@pytest.mark.parametrize("method", ["put", "patch"])
def test_an_order_is_written_and_replaced_by_an_update(api, path, interaction, method):
    required = {"lead": interaction.lead_id, "interaction_type": "CALL"} if method == "put" else {}

    for order, answered in ((RICE, ORDERED_RICE), (BEANS, ORDERED_BEANS)):
        answer = getattr(api, method)(path, required | {"order": order, "order_placed": False})
        assert list(answer.json()) == ["id", "lead", "contact", "interaction_type", "details", "order_placed", "date"]
        assert answer.json()["order_placed"] is True
        assert order_of(api, path) == answered


def test_an_order_is_created_and_replaced_by_itself(api, path):
    created = api.put(f"{path}order_details/", RICE)
    replaced = api.put(f"{path}order_details/", BEANS)

    assert (created.status_code, created.content.decode()) == (201, ORDERED_RICE)
    assert (replaced.status_code, replaced.content.decode()) == (200, ORDERED_BEANS)
    assert order_of(api, path) == ORDERED_BEANS
    assert api.get(path).json()["order_placed"] is True


def test_an_order_may_come_as_a_form(api, path):
    assert api.put(f"{path}order_details/", BEANS, format="multipart").content.decode() == ORDERED_BEANS


def test_an_order_put_without_a_date_has_the_interactions_date(api, ordered):
    api.put(f"{ordered}order_details/", BEANS)
    api.put(f"{ordered}order_details/", RICE)

    assert order_of(api, ordered) == ORDERED_RICE


def test_an_update_of_the_interaction_leaves_its_order_alone(api, ordered):
    api.patch(ordered, {"details": "Delivered.", "interaction_type": "ORDER"})

    assert order_of(api, ordered) == ORDERED_RICE


@pytest.mark.parametrize("missing", ["product_details", "quantity", "total_price"])
@pytest.mark.parametrize("method", ["put", "patch"])
def test_an_order_is_written_whole_or_not_at_all(api, path, interaction, method, missing):
    required = {"lead": interaction.lead_id, "interaction_type": "CALL"} if method == "put" else {}
    order = {key: value for key, value in RICE.items() if key != missing}

    answer = getattr(api, method)(path, required | {"details": "New.", "order": order})

    assert answer.status_code == 400
    assert answer.json() == {"order": {missing: ["This field is required."]}}
    assert api.get(path).json()["details"] == "Asked for the catalog."
    assert api.put(f"{path}order_details/", order).json() == {missing: ["This field is required."]}
    assert not OrderDetails.objects.exists()


def test_a_bad_order_leaves_no_interaction_behind(api, lead):
    order = RICE | {"quantity": 0}
    answer = api.post(INTERACTIONS, {"lead": lead.pk, "interaction_type": "ORDER", "order": order})

    assert answer.json() == {"order": {"quantity": ["Ensure this value is greater than or equal to 1."]}}
    assert not Interaction.objects.exists()


def test_orders_are_the_interactions_in_which_one_was_placed(api, ordered, lead):
    Interaction.log(lead=lead, interaction_type="CALL")
    without_details = Interaction.log(lead=lead, interaction_type="ORDER")

    assert [row["id"] for row in api.get(f"{INTERACTIONS}orders/").json()] == [
        api.get(ordered).json()["id"],
        without_details.pk,
    ]
    assert api.get(f"{INTERACTIONS}orders/?lead={lead.pk + 1}").json() == []


def test_order_details_cost_two_queries_besides_the_users(api, ordered, django_assert_num_queries):
    with django_assert_num_queries(3):  # the user, the interaction, the order
        api.get(f"{ordered}order_details/")


@pytest.mark.parametrize(
    "bad",
    [
        {"quantity": 0},
        {"total_price": -1},
        {"order_date": "1969-12-31T23:59:59Z"},
        {"order_date": "2101-01-01T00:00:00Z"},
        {"quantity": None},
    ],
)
@pytest.mark.usefixtures("ordered")
def test_an_order_that_cannot_be_is_refused_by_the_database(bad):
    with pytest.raises(IntegrityError), transaction.atomic():
        OrderDetails.objects.update(**bad)


@pytest.mark.usefixtures("ordered")
def test_a_second_order_of_one_interaction_is_refused_by_the_database(interaction):
    with pytest.raises(IntegrityError), transaction.atomic():
        OrderDetails.objects.create(interaction=interaction, order_date=interaction.date, **RICE)
