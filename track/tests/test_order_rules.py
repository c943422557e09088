"""What holds for an order however it is written: flag and details agree, a date that was left out follows."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from crm.tests.support import signed_in
from track.models import Interaction, OrderDetails

INTERACTIONS = "/track/interactions/"
RICE = {"product_details": "Rice", "quantity": 50, "total_price": 500}
DETAILS_EXIST = {"order_placed": ["This interaction has order details. Delete them first: DELETE …/order_details/."]}
JANUARY, FEBRUARY, MARCH = "2025-01-10T10:00:00Z", "2025-02-10T10:00:00Z", "2025-03-10T10:00:00Z"


@pytest.fixture
def path(api, lead):
    """Of an interaction in January, an order with details."""
    body = {"lead": lead.pk, "interaction_type": "ORDER", "date": JANUARY, "order": RICE}
    return f"{INTERACTIONS}{api.post(INTERACTIONS, body).json()['id']}/"


def order_date(api, path) -> str:
    return api.get(f"{path}order_details/").json()["order_date"]


# --- Flag and details agree -----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["put", "patch"])
@pytest.mark.parametrize("kind", ["ORDER", "CALL"])
def test_taking_the_flag_back_beside_details_is_a_400(api, path, lead, method, kind):
    before = api.get(path).content
    body = {"lead": lead.pk, "interaction_type": kind, "details": "Changed.", "order_placed": False}
    answer = getattr(api, method)(path, body)

    assert (answer.status_code, answer.json()) == (400, DETAILS_EXIST)
    assert api.get(path).content == before
    assert api.get(f"{path}order_details/").status_code == 200


@pytest.mark.parametrize("changes", [{"interaction_type": "CALL"}, {"order_placed": True}])
def test_another_change_of_an_interaction_with_details_is_made(api, path, changes):
    answer = api.patch(path, changes)
    assert (answer.status_code, answer.json()["order_placed"]) == (200, True)


def test_the_flag_can_be_taken_back_once_the_details_are_deleted(api, path):
    api.delete(f"{path}order_details/")
    assert api.patch(path, {"order_placed": False}).json()["order_placed"] is False
    assert api.get(f"{INTERACTIONS}orders/").json() == []


def test_details_in_the_same_body_set_the_flag_whatever_it_says(api, path):
    assert api.patch(path, {"order_placed": False, "order": RICE}).json()["order_placed"] is True


@pytest.mark.usefixtures("path")
def test_the_verb_refuses_to_take_the_flag_back_beside_details():
    interaction = Interaction.objects.get()
    with pytest.raises(ValidationError, match="order_placed"), transaction.atomic():
        interaction.edit(order_placed=False)
    assert Interaction.objects.get().order_placed


# --- Deleting the details -------------------------------------------------------------------------


def test_deleting_the_details_leaves_the_interaction_an_order(api, path):
    before = api.get(path).content
    answer = api.delete(f"{path}order_details/")

    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get(f"{path}order_details/").status_code == 404
    assert api.get(path).content == before
    assert [row["order_placed"] for row in api.get(f"{INTERACTIONS}orders/").json()] == [True]


def test_deleting_details_that_are_not_there_is_a_404(api, path):
    api.delete(f"{path}order_details/")
    answer = api.delete(f"{path}order_details/")
    assert (answer.status_code, answer.json()) == (404, {"detail": "This interaction has no order details."})
    assert api.delete(f"{INTERACTIONS}0/order_details/").status_code == 404


def test_details_are_deleted_only_with_their_own_tag(api, path):
    details = f"{path}order_details/"
    for stale in (api.get(path)["ETag"], '"stale"'):
        assert api.delete(details, headers={"If-Match": stale}).status_code == 412
    assert api.delete(details, headers={"If-Match": api.get(details)["ETag"]}).status_code == 204
    assert api.delete(details, headers={"If-Match": "*"}).status_code == 412


def test_a_reader_may_not_delete_details(reader, path):
    assert signed_in(reader).delete(f"{path}order_details/").status_code == 403
    assert OrderDetails.objects.exists()


# --- A date that was left out follows ---------------------------------------------------------------


def test_an_order_date_left_out_follows_the_corrected_date(api, path):
    order = OrderDetails.objects.get()
    api.patch(path, {"date": FEBRUARY})

    assert order_date(api, path) == FEBRUARY
    assert OrderDetails.objects.get().updated_at > order.updated_at


@pytest.mark.parametrize("given", [MARCH, JANUARY])
def test_an_order_date_that_was_given_stays(api, path, given):
    api.put(f"{path}order_details/", RICE | {"order_date": given})
    api.patch(path, {"date": FEBRUARY})
    assert order_date(api, path) == given


def test_an_order_date_given_in_a_post_stays(api, lead):
    body = {"lead": lead.pk, "interaction_type": "CALL", "date": JANUARY, "order": RICE | {"order_date": JANUARY}}
    path = f"{INTERACTIONS}{api.post(INTERACTIONS, body).json()['id']}/"
    api.patch(path, {"date": FEBRUARY})
    assert order_date(api, path) == JANUARY


def test_an_order_date_follows_until_a_patch_gives_one(api, path):
    api.patch(f"{path}order_details/", {"quantity": 60})
    api.patch(path, {"date": FEBRUARY})
    assert order_date(api, path) == FEBRUARY
    api.patch(f"{path}order_details/", {"order_date": FEBRUARY})
    api.patch(path, {"date": MARCH})
    assert order_date(api, path) == FEBRUARY


@pytest.mark.parametrize("is_with_interaction", [True, False])
def test_details_replaced_without_a_date_follow_again(api, path, is_with_interaction):
    api.put(f"{path}order_details/", RICE | {"order_date": MARCH})
    if is_with_interaction:
        api.patch(path, {"order": RICE})
    else:
        api.put(f"{path}order_details/", RICE)
    assert order_date(api, path) == JANUARY
    api.patch(path, {"date": FEBRUARY})
    assert order_date(api, path) == FEBRUARY


def test_a_change_of_date_and_order_dates_the_order_by_the_new_date(api, path):
    api.patch(path, {"date": FEBRUARY, "order": RICE})
    assert order_date(api, path) == FEBRUARY


@pytest.mark.usefixtures("path")
def test_an_order_date_of_none_in_the_verb_is_the_interactions(api, path):
    OrderDetails.objects.get().edit(order_date=datetime(2025, 3, 10, tzinfo=UTC))
    OrderDetails.objects.get().edit(order_date=None)
    api.patch(path, {"date": FEBRUARY})
    assert order_date(api, path) == FEBRUARY


def test_a_change_of_date_queries_the_order_only_of_an_order(lead, django_assert_num_queries):
    interaction = Interaction.log(lead=lead, interaction_type="EMAIL")
    with django_assert_num_queries(2):  # the row, its update
        interaction.edit(date=datetime(2025, 2, 10, tzinfo=UTC))
    interaction.write_order(product_details="Rice", quantity=1, total_price=Decimal(5))
    with django_assert_num_queries(4):  # and those of the order
        interaction.edit(date=datetime(2025, 3, 10, tzinfo=UTC))


# --- Quantity ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("quantity", ["12.4", 12.4, "12 kg", " 12.4 "])
def test_a_quantity_that_is_not_whole_says_where_the_unit_goes(api, path, lead, quantity):
    error = {"quantity": [f"{str(quantity).strip()} is not a whole number; put the unit into product_details."]}
    body = RICE | {"quantity": quantity}

    assert api.put(f"{path}order_details/", body).json() == error
    assert api.patch(f"{path}order_details/", {"quantity": quantity}).json() == error
    answer = api.post(INTERACTIONS, {"lead": lead.pk, "interaction_type": "ORDER", "order": body})
    assert (answer.status_code, answer.json()) == (400, {"order": error})


@pytest.mark.parametrize("quantity", ["12", 12.0, "12.0"])
def test_a_whole_quantity_is_taken_in_any_form(api, path, quantity):
    assert api.patch(f"{path}order_details/", {"quantity": quantity}).json()["quantity"] == 12


@pytest.mark.parametrize("quantity", ["", True, [1], {}, "x" * 41])
def test_a_quantity_that_is_no_number_at_all_is_named_as_such(api, path, quantity):
    answer = api.patch(f"{path}order_details/", {"quantity": quantity})
    assert answer.json() == {"quantity": ["A valid integer is required."]}
