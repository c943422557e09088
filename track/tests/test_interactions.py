"""Interactions: what happened with an account, and with whom."""

import pytest
import time_machine
from django.db import IntegrityError, transaction

from contact.models import Contact
from lead.models import Restaurant
from track.models import Interaction, InteractionType

INTERACTIONS = "/track/interactions/"
KEYS = ["id", "lead", "contact", "interaction_type", "details", "order_placed", "date"]


@pytest.fixture
def path(interaction):
    return f"{INTERACTIONS}{interaction.pk}/"


@pytest.fixture
def body(lead):
    return {"lead": lead.pk, "interaction_type": "CALL"}


@pytest.fixture
def elsewhere(user):
    """A contact of another lead."""
    return Contact.objects.create(restaurant=Restaurant.objects.create(name="Curry Leaf"), name="Ravi Iyer")


def test_an_interaction_has_the_keys_of_the_document_in_their_order(api, path):
    assert list(api.get(path).json()) == KEYS


def test_lead_and_type_are_required(api):
    answer = api.post(INTERACTIONS, {})

    assert answer.status_code == 400
    assert answer.json() == dict.fromkeys(["lead", "interaction_type"], ["This field is required."])


@time_machine.travel("2024-12-28T09:00:00Z", tick=False)
def test_what_a_new_interaction_leaves_out_gets_its_default(api, user, body):
    api.force_authenticate(user)  # the token is of another time

    answer = api.post(INTERACTIONS, body)

    interaction = Interaction.objects.get()
    assert answer.status_code == 201
    assert answer.json() == body | {
        "id": interaction.pk,
        "contact": None,
        "details": "",
        "order_placed": False,
        "date": "2024-12-28T09:00:00Z",
    }
    assert interaction.created_by == user


@pytest.mark.parametrize("kind", InteractionType.values)
def test_an_order_is_placed_by_an_order_and_by_nothing_else(api, body, kind):
    assert api.post(INTERACTIONS, body | {"interaction_type": kind}).json()["order_placed"] is (kind == "ORDER")


@pytest.mark.parametrize(("kind", "said"), [("CALL", True), ("ORDER", False)])
def test_order_placed_in_the_body_decides_over_the_default(api, body, kind, said):
    answer = api.post(INTERACTIONS, body | {"interaction_type": kind, "order_placed": said})

    assert answer.json()["order_placed"] is said


@pytest.mark.parametrize("method", ["put", "patch"])
@pytest.mark.parametrize("form", ["json", "multipart"])
def test_keys_left_out_of_an_update_are_unchanged(api, path, interaction, method, form):
    api.patch(path, {"order_placed": True, "date": "2024-12-24T15:30:00Z"})
    before = api.get(path).json()

    given = {"lead": interaction.lead_id, "interaction_type": "ORDER", "id": 7, "colour": "red"}
    answer = getattr(api, method)(path, given, format=form)

    assert answer.json() == before | {"interaction_type": "ORDER"}


def test_put_asks_for_the_required_keys_and_patch_does_not(api, path):
    assert list(api.put(path, {"details": "A"}).json()) == ["lead", "interaction_type"]
    assert api.patch(path, {"details": "A"}).json()["details"] == "A"


@pytest.mark.parametrize(
    ("given", "answered"),
    [
        ("2024-12-24T15:30:00Z", "2024-12-24T15:30:00Z"),
        ("2024-12-24T15:30:00+05:30", "2024-12-24T10:00:00Z"),
        ("2024-12-24T15:30:00.000001-08:00", "2024-12-24T23:30:00.000001Z"),
        ("2024-12-24T15:30:00", "2024-12-24T15:30:00Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("2100-12-31T23:59:59.999999Z", "2100-12-31T23:59:59.999999Z"),
    ],
)
def test_a_date_is_taken_with_any_offset_and_answered_in_utc(api, path, given, answered):
    assert api.patch(path, {"date": given}).json()["date"] == answered
    assert api.get(path).json()["date"] == answered


def test_a_naive_date_is_read_in_the_servers_zone(api, path, settings):
    settings.TIME_ZONE = "Asia/Kolkata"

    assert api.patch(path, {"date": "2024-12-24T15:30:00"}).json()["date"] == "2024-12-24T10:00:00Z"


@pytest.mark.parametrize("date", ["1969-12-31T23:59:59Z", "2101-01-01T00:00:00Z"])
def test_a_date_out_of_bounds_is_refused(api, path, date):
    assert list(api.patch(path, {"date": date}).json()) == ["date"]


def test_a_contact_of_another_lead_is_refused(api, body, elsewhere):
    answer = api.post(INTERACTIONS, body | {"contact": elsewhere.pk})

    assert answer.status_code == 400
    assert answer.json() == {"contact": [f"Contact {elsewhere.pk} does not belong to lead {body['lead']}."]}
    assert not Interaction.objects.exists()


@pytest.mark.parametrize("method", ["put", "patch"])
def test_an_update_cannot_part_a_contact_from_its_lead(api, path, interaction, elsewhere, method):
    required = {"lead": interaction.lead_id, "interaction_type": "CALL"} if method == "put" else {}
    update = getattr(api, method)

    assert list(update(path, required | {"contact": elsewhere.pk}).json()) == ["contact"]
    assert list(update(path, required | {"lead": elsewhere.restaurant_id}).json()) == ["contact"]
    moved = update(path, required | {"lead": elsewhere.restaurant_id, "contact": elsewhere.pk}).json()
    assert (moved["lead"], moved["contact"]) == (elsewhere.restaurant_id, elsewhere.pk)


def test_a_contact_may_be_taken_away(api, path):
    assert api.patch(path, {"contact": None}).json()["contact"] is None


@pytest.mark.parametrize("name", ["lead", "contact"])
def test_a_lead_or_contact_that_is_not_there_is_refused(api, body, name):
    answer = api.post(INTERACTIONS, body | {name: 2**40})

    assert answer.json() == {name: [f'Invalid pk "{2**40}" - object does not exist.']}


def test_a_deleted_interaction_says_so_and_is_gone(api, path, interaction):
    interaction.write_order(product_details="Rice", quantity=1, total_price=1)

    answer = api.delete(path)

    assert (answer.status_code, answer.json()) == (200, {"message": "Interaction deleted successfully."})
    assert api.get(path).status_code == 404
    assert api.get(f"{path}order_details/").status_code == 404


def test_interactions_are_listed_by_id_and_filtered_by_lead_and_contact(api, interaction, elsewhere):
    other = Interaction.log(lead=elsewhere.restaurant, contact=elsewhere, interaction_type="EMAIL")

    def listed(query):
        return [row["id"] for row in api.get(f"{INTERACTIONS}{query}").json()]

    assert listed("") == [interaction.pk, other.pk]
    assert listed(f"?lead={other.lead_id}") == [other.pk]
    assert listed(f"?contact={interaction.contact_id}") == [interaction.pk]
    assert listed(f"?lead={other.lead_id}&contact={interaction.contact_id}") == []
    assert listed("?lead=&contact=") == [interaction.pk, other.pk]


@pytest.mark.parametrize("rows", [3, 30])
@pytest.mark.parametrize("listing", [INTERACTIONS, f"{INTERACTIONS}orders/"])
def test_a_list_costs_one_query_besides_the_users(api, lead, contact, listing, rows, django_assert_num_queries):
    Interaction.objects.bulk_create(
        Interaction(lead=lead, contact=contact, interaction_type="ORDER", order_placed=True) for _ in range(rows)
    )

    with django_assert_num_queries(2):
        assert len(api.get(listing).json()) == rows


def test_an_interaction_costs_one_query_besides_the_users(api, path, django_assert_num_queries):
    with django_assert_num_queries(2):
        api.get(path)


@pytest.mark.parametrize(
    "bad", [{"interaction_type": "NOPE"}, {"date": "1969-12-31T23:59:59Z"}, {"date": "2101-01-01T00:00:00Z"}]
)
def test_an_interaction_that_cannot_be_is_refused_by_the_database(interaction, bad):
    with pytest.raises(IntegrityError), transaction.atomic():
        Interaction.objects.filter(pk=interaction.pk).update(**bad)
