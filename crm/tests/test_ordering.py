"""`?ordering=` over a fixed set of fields: total orders, the same on every database."""

from datetime import UTC, datetime

import pytest

from call.models import CallPlan
from contact.models import Contact
from crm.api.filters import terms
from lead.models import Restaurant
from track.models import Interaction

LEADS, CONTACTS, INTERACTIONS, ORDERS = (
    "/lead/restaurants/",
    "/contact/contacts/",
    "/track/interactions/",
    "/track/interactions/orders/",
)
PLANS, TODAY, USERS = "/call/", "/call/today/", "/api/users/"

FIELDS = {
    LEADS: "id name city lead_status potential_revenue created_at updated_at",
    CONTACTS: "id name role restaurant created_at updated_at",
    INTERACTIONS: "id date interaction_type lead contact created_at updated_at",
    ORDERS: "id date interaction_type lead contact created_at updated_at",
    PLANS: "id next_call_date last_called frequency lead created_at updated_at",
    TODAY: "id next_call_date last_called frequency lead created_at updated_at",
    USERS: "id username name",
}
EVERY_FIELD = [(path, name) for path, names in FIELDS.items() for name in names.split()]


@pytest.fixture
def book(time_machine, user, reader):
    """Six rows in every list, two of each value, and two without where there may be none."""
    time_machine.move_to("2024-12-24T12:00:00Z", tick=False)
    leads = []
    for number in (2, 1, 3, 2, 1, 3):
        first, last = datetime(2024, number, 1, tzinfo=UTC), datetime(2024, 4 - number, 1, tzinfo=UTC)
        stamps = {"created_at": first, "updated_at": last}
        lead = Restaurant.objects.create(
            name=f"Lead {number}",
            city=f"City {4 - number}",
            lead_status=("CONTACTED", "LOST", "NEW")[number - 1],
            potential_revenue=number if number < 3 else None,
            **stamps,
        )
        leads.append(lead)
        other = leads[len(leads) // 2]
        person = Contact.objects.create(restaurant=other, name=f"Person {number}", role=f"Role {number}", **stamps)
        Interaction.log(
            lead=other,
            contact=person if number < 3 else None,
            interaction_type=("CALL", "EMAIL", "ORDER")[number - 1],
            order_placed=True,
            date=first,
            **stamps,
        )
        CallPlan.objects.create(
            lead=other,
            frequency=("BIWEEKLY", "DAILY", "MONTHLY")[number - 1],
            last_called=first if number < 3 else None,
            next_call_date=datetime(2024, 12, 24, 4 - number, tzinfo=UTC),
            **stamps,
        )
    for first_name in ("Cy", "Ada"):
        type(user).objects.create_user(f"user {first_name}", first_name=first_name)


def stored(path: str, name: str) -> dict[int, object]:
    """The field's values by id, also of those fields that the answers do not show."""
    model = {LEADS: Restaurant, CONTACTS: Contact, INTERACTIONS: Interaction, ORDERS: Interaction}.get(path, CallPlan)
    return dict(model.objects.values_list("id", name))


def answered(api, path: str, ordering: str) -> list[dict]:
    answer = api.get(path, {"ordering": ordering})
    assert answer.status_code == 200, answer.json()
    return answer.json()


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, name in EVERY_FIELD if path != USERS])
def test_a_list_is_ordered_by_each_field_ties_by_id_empty_values_last(book, api, path, name):
    values = stored(path, name)
    full = sorted(pk for pk, value in values.items() if value is not None)
    empty = sorted(pk for pk, value in values.items() if value is None)

    for minus in ("", "-"):
        full.sort()
        full.sort(key=lambda pk: values[pk], reverse=bool(minus))  # a stable sort, in reverse too

        assert [row["id"] for row in answered(api, path, minus + name)] == full + empty


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [
        ("id", ["kam", "reader", "Cy", "Ada"]),
        ("username", ["kam", "reader", "Ada", "Cy"]),
        ("name", ["Ada", "Cy", "kam", "reader"]),
    ],
)
def test_users_are_ordered_by_id_username_and_name(book, api, ordering, expected):
    def names(ordering):
        return [row["name"].casefold() for row in answered(api, USERS, ordering)]

    assert names(ordering) == [name.casefold() for name in expected]
    assert names(f"-{ordering}") == [name.casefold() for name in expected[::-1]]


def test_several_fields_order_one_after_the_other(book, api):
    rows = answered(api, LEADS, "-lead_status, -id")

    assert [(row["lead_status"], row["id"]) for row in rows] == sorted(
        ((row["lead_status"], row["id"]) for row in rows), reverse=True
    )
    assert [row["lead_status"] for row in rows] == ["NEW", "NEW", "LOST", "LOST", "CONTACTED", "CONTACTED"]


@pytest.mark.parametrize("path", FIELDS)
def test_an_empty_ordering_is_the_default_ordering(book, api, path):
    own = api.get(path).json()

    assert answered(api, path, "") == answered(api, path, " ") == own
    if path != TODAY:
        assert [row["id"] for row in own] == sorted(row["id"] for row in own)


def test_plans_due_today_are_ordered_by_hour_and_then_id(book, api):
    rows = [(row["next_call_date"], row["id"]) for row in api.get(TODAY).json()]

    assert rows == sorted(rows)
    assert len({moment for moment, _ in rows}) == 3


OUTSIDE = [
    "colour",
    "search",
    "--id",
    "-",
    "lead__name",
    "password",
    "created_by__password",
    "?",
    "id;",
    "id,x",
    "\0",
]


@pytest.mark.parametrize("path", FIELDS)
def test_an_unknown_ordering_is_a_400_that_names_it(api, path):
    for value in OUTSIDE:
        answer = api.get(path, {"ordering": value})

        assert answer.status_code == 400, value
        assert list(answer.json()) == ["ordering"]
        assert FIELDS[path].split()[-1] in answer.json()["ordering"][0]  # it says what may be asked


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [
        (None, ["CONTACTED", "NEW", "LOST"]),
        ("id", ["CONTACTED", "NEW", "LOST"]),
        ("-id", ["LOST", "NEW", "CONTACTED"]),
        ("changed_at", ["CONTACTED", "NEW", "LOST"]),
        ("-changed_at", ["LOST", "NEW", "CONTACTED"]),
    ],
)
def test_a_status_history_is_ordered_from_the_oldest_or_as_requested(time_machine, user, api, lead, ordering, expected):
    for day, status in enumerate(["CONTACTED", "NEW", "LOST"]):
        time_machine.move_to(f"2100-12-{24 + day}T12:00:00Z", tick=False)
        lead.change_status(status)
    time_machine.move_to("2026-01-01T12:00:00Z")
    api.force_authenticate(user)

    answer = api.get(f"{LEADS}{lead.pk}/status_history/", {"ordering": ordering} if ordering else {})

    assert [row["new_status"] for row in answer.json()] == expected
    assert api.get(f"{LEADS}{lead.pk}/status_history/", {"ordering": "created_at"}).status_code == 400


# --- Texts, in people's order -----------------------------------------------------------------------------------------

PEOPLE = [
    "anna",
    "Anna",
    "Ànna",
    "Äpfel",
    "Audio",
    "Émile",
    "emile 2",
    "Łódź",
    "lodz 2",
    "O'Brien",
    "O’Brien 2",
    "photo",
]
PEOPLE += ["Ø", "Video", "Zorba", "Đà Nẵng", "ресторан", "食堂"]
ORDERED = ["Anna", "anna", "Ànna", "Äpfel", "Audio", "Đà Nẵng", "Émile", "emile 2", "Łódź", "lodz 2", "Ø", "O'Brien"]
ORDERED += ["O’Brien 2", "photo", "Video", "Zorba", "ресторан", "食堂"]


@pytest.mark.parametrize(("path", "field"), [(LEADS, "name"), (LEADS, "city"), (CONTACTS, "name"), (CONTACTS, "role")])
def test_texts_are_ordered_by_their_fold_and_then_as_written(api, lead, path, field):
    Restaurant.objects.filter(pk=lead.pk).update(name="~", city="~")
    for text in PEOPLE:
        if path == LEADS:
            Restaurant.objects.create(**{"name": "Lead", field: text})
        else:
            Contact.objects.create(restaurant=lead, **{"name": "Person", field: text})

    assert [row[field] for row in answered(api, path, field) if row[field] != "~"] == ORDERED
    assert [row[field] for row in answered(api, path, f"-{field}") if row[field] != "~"] == ORDERED[::-1]


def test_users_are_ordered_as_people_order_their_names(api, user):
    for number, text in enumerate(PEOPLE):
        type(user).objects.create_user(f"user {number}", first_name=text)
    type(user).objects.create_user("Łukasz")

    names = [row["name"] for row in answered(api, USERS, "name")]
    assert [name for name in names if name in ORDERED] == ORDERED
    assert names[names.index("Łukasz") - 1 :][:2] == ["lodz 2", "Łukasz"]
    assert [row["name"] for row in answered(api, USERS, "-name")] == names[::-1]
    assert [row["username"] for row in answered(api, USERS, "username")][:3] == ["kam", "Łukasz", "user 0"]


def test_an_order_by_text_reads_its_index(api, lead):
    for order, name in ((["name_fold", "name", "id"], "name"), (["city_fold", "city", "id"], "city")):
        indexes = {tuple(index.fields) for index in Restaurant._meta.indexes}
        assert tuple(order) in indexes
        assert [*Restaurant.objects.order_by(*terms((name, "id"), Restaurant)).query.order_by] == order
