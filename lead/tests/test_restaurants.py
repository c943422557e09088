"""Leads: required fields, defaults, and what an update leaves unchanged."""

import pytest
import time_machine

from call.models import CallPlan
from contact.models import Contact
from crm.tests import PASSWORD
from crm.tests.support import signed_in
from lead.models import Restaurant, StatusChange
from track.models import Interaction, OrderDetails

LEADS = "/lead/restaurants/"
KEYS = [
    *("id", "name", "address", "city", "state", "pincode", "contact_person", "phone", "email", "lead_status"),
    *("potential_revenue", "notes", "restaurant_type", "cuisine_type", "assigned_to", "created_at", "updated_at"),
]
TEXTS = ["address", "city", "state", "pincode", "contact_person", "phone", "email"]
MORE_TEXTS = ["notes", "restaurant_type", "cuisine_type"]


@pytest.fixture
def full(user):
    """A value for every key that a body may hold."""
    return dict.fromkeys([*TEXTS, *MORE_TEXTS], "as before") | {
        "name": "Bistro Anna",
        "email": "anna@example.com",
        "lead_status": "NEGOTIATING",
        "potential_revenue": 1250.5,
        "assigned_to": user.pk,
    }


@pytest.fixture
def filled(api, full):
    return api.post(LEADS, full).json()


def test_a_lead_has_the_keys_of_the_contract_in_their_order(api, lead):
    assert list(api.get(f"{LEADS}{lead.pk}/").json()) == KEYS


def test_only_the_name_is_required(api):
    answer = api.post(LEADS, {})

    assert (answer.status_code, answer.json()) == (400, {"name": ["This field is required."]})


@time_machine.travel("2024-12-28T09:00:00.000250Z", tick=False)
def test_what_a_new_lead_leaves_out_gets_its_default(api, user):
    api.force_authenticate(user)  # the token is of another time

    answer = api.post(LEADS, {"name": "Bistro Anna"})

    assert answer.status_code == 201
    assert answer.json() == dict.fromkeys([*TEXTS, *MORE_TEXTS], "") | {
        "id": Restaurant.objects.get().pk,
        "name": "Bistro Anna",
        "lead_status": "NEW",
        "potential_revenue": None,
        "assigned_to": user.pk,
        "created_at": "2024-12-28T09:00:00.000250Z",
        "updated_at": "2024-12-28T09:00:00.000250Z",
    }


def test_a_lead_may_be_created_for_another_user_or_unowned(api, reader):
    assert api.post(LEADS, {"name": "A", "assigned_to": reader.pk}).json()["assigned_to"] == reader.pk
    assert api.post(LEADS, {"name": "A", "assigned_to": None}).json()["assigned_to"] is None


def test_a_lead_knows_who_made_it(api, user):
    api.post(LEADS, {"name": "A", "assigned_to": None})

    assert Restaurant.objects.get().created_by == user


@pytest.mark.parametrize("method", ["put", "patch"])
def test_keys_left_out_of_an_update_are_unchanged(api, filled, method):
    answer = getattr(api, method)(f"{LEADS}{filled['id']}/", {"name": "Anna's"})

    assert answer.status_code == 200
    assert answer.json() | {"updated_at": ""} == filled | {"name": "Anna's", "updated_at": ""}


def test_put_asks_for_the_name_and_patch_does_not(api, filled):
    assert api.put(f"{LEADS}{filled['id']}/", {"city": "Pune"}).json() == {"name": ["This field is required."]}
    assert api.patch(f"{LEADS}{filled['id']}/", {"city": "Pune"}).json()["city"] == "Pune"


@pytest.mark.parametrize("method", ["put", "patch"])
def test_an_update_saves_only_the_fields_in_its_body(api, filled, method, django_assert_num_queries, settings):
    """A neighbour's change between reading and writing is not undone: its column is not in the UPDATE."""
    settings.FAST = True  # without it, a lock and what it locks are two queries
    with django_assert_num_queries(4 + 2) as queries:  # user, row, lock, update; savepoint and release for BEGIN
        getattr(api, method)(f"{LEADS}{filled['id']}/", {"name": filled["name"], "notes": "Closed on Mondays."})

    update = next(query["sql"] for query in queries if query["sql"].startswith("UPDATE"))
    assert update.split(" SET ")[1].split(" WHERE ")[0].count(" = ") == 2  # notes, updated_at


def test_an_update_without_a_change_writes_nothing(api, filled):
    with time_machine.travel("2099-01-01T00:00:00Z", tick=False):
        Restaurant.objects.get().edit(name="Bistro Anna")

    assert api.get(f"{LEADS}{filled['id']}/").json() == filled


@pytest.mark.parametrize("method", ["post", "put", "patch"])
def test_read_only_and_unknown_keys_are_ignored(api, filled, method):
    path = LEADS if method == "post" else f"{LEADS}{filled['id']}/"
    given = {"id": 99_999, "created_at": "2001-01-01T00:00:00Z", "updated_at": "2001-01-01T00:00:00Z", "colour": "red"}

    answer = getattr(api, method)(path, {"name": "A", **given})

    assert answer.status_code in (200, 201)
    assert list(answer.json()) == KEYS
    assert [key for key in given if answer.json().get(key) == given[key]] == []


@pytest.mark.parametrize("form", ["multipart", "urlencoded"])
@pytest.mark.parametrize("method", ["post", "put", "patch"])
def test_forms_are_taken_like_json(api, filled, method, form):
    path = LEADS if method == "post" else f"{LEADS}{filled['id']}/"
    body = "name=Anna%27s&city=Pune" if form == "urlencoded" else {"name": "Anna's", "city": "Pune"}
    kind = {"content_type": "application/x-www-form-urlencoded"} if form == "urlencoded" else {"format": "multipart"}

    answer = getattr(api, method)(path, body, **kind).json()

    assert (answer["name"], answer["city"]) == ("Anna's", "Pune")
    assert answer["notes"] == ("" if method == "post" else "as before")
    assert answer["lead_status"] == ("NEW" if method == "post" else "NEGOTIATING")


@pytest.mark.parametrize("phone", ["123-456-7890", "(5) 555-4729", "+1234567890", "0621-08460"])
def test_a_phone_is_stored_as_typed(api, phone):
    assert api.post(LEADS, {"name": "A", "phone": phone}).json()["phone"] == phone


@pytest.mark.parametrize(
    "name", ["Cactus Comidas para llevar", "Berglunds snabbköp", "寿司 🍣", 'O\'Neil & "Sons" </b>']
)
def test_names_come_back_unharmed(api, name):
    answer = api.post(LEADS, {"name": name})

    assert answer.json()["name"] == name
    assert api.get(f"{LEADS}{answer.json()['id']}/").json()["name"] == name


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("5000", "5000.00"),
        ('"5000.5"', "5000.50"),
        ("0", "0.00"),
        ("-0.0", "0.00"),
        ("999999999999.99",) * 2,
        ("0.1", "0.10"),
    ],
)
def test_money_is_a_number_with_two_decimals(api, given, written):
    created = api.generic("POST", LEADS, f'{{"name": "A", "potential_revenue": {given}}}', "application/json")
    read = api.get(f"{LEADS}{created.json()['id']}/")

    for answer in (created, read):
        assert f'"potential_revenue":{written},'.encode() in answer.content


@pytest.mark.parametrize(
    ("field", "longest"),
    [
        ("name", 254),
        ("city", 254),
        ("state", 254),
        ("contact_person", 254),
        ("restaurant_type", 254),
        ("cuisine_type", 254),
    ]
    + [("phone", 50), ("pincode", 50), ("address", 20_000), ("notes", 20_000)],
)
def test_a_text_may_be_as_long_as_the_contract_says(api, field, longest):
    assert api.post(LEADS, {"name": "A", field: "ü" * longest}).json()[field] == "ü" * longest
    assert list(api.post(LEADS, {"name": "A", field: "ü" * (longest + 1)}).json()) == [field]


def test_a_path_without_its_slash_answers_the_same(api):
    created = api.post(LEADS.rstrip("/"), {"name": "Bistro Anna"})

    assert created.status_code == 201
    assert api.get(f"{LEADS}{created.json()['id']}").content == created.content


def test_a_lead_takes_everything_along(api, lead, contact, interaction, plan, user):
    lead.change_status("LOST", by=user)
    interaction.write_order(product_details="Rice", quantity=1, total_price=1)

    answer = api.delete(f"{LEADS}{lead.pk}/")

    assert (answer.status_code, answer.content) == (204, b"")
    for table in (Restaurant, Contact, Interaction, OrderDetails, CallPlan, StatusChange):
        assert not table.objects.exists()


def test_deleting_a_user_deletes_nothing_else(api, lead, contact, interaction, plan, django_user_model):
    leaver = django_user_model.objects.create_user("leaver", password=PASSWORD)
    theirs = signed_in(leaver).post(LEADS, {"name": "Theirs"}).json()["id"]
    signed_in(leaver).post(f"{LEADS}{theirs}/change_status/", {"status": "LOST"})
    signed_in(leaver).post("/call/", {"lead": theirs, "frequency": "DAILY"})

    leaver.delete()

    assert api.get(f"{LEADS}{theirs}/").json()["assigned_to"] is None
    assert api.get(f"{LEADS}{theirs}/status_history/").json()[0]["changed_by"] is None
    assert Restaurant.objects.count() == 2
    assert CallPlan.objects.count() == 2


def test_leads_are_listed_by_id(api, user):
    for name in ("C", "A", "B"):
        api.post(LEADS, {"name": name})

    assert [row["name"] for row in api.get(LEADS).json()] == ["C", "A", "B"]


@pytest.mark.parametrize("rows", [3, 30])
def test_a_list_costs_one_query_besides_the_users(api, rows, django_assert_num_queries):
    Restaurant.objects.bulk_create(Restaurant(name=f"Lead {number}") for number in range(rows))

    with django_assert_num_queries(2):
        assert len(api.get(LEADS).json()) == rows


def test_a_lead_costs_one_query_besides_the_users(api, lead, django_assert_num_queries):
    with django_assert_num_queries(2):
        api.get(f"{LEADS}{lead.pk}/")
