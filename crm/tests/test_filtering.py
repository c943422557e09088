"""The filters of every list, and the errors of invalid values."""

from datetime import UTC, datetime

import pytest

from call.models import CallPlan
from contact.models import Contact
from lead.models import Restaurant
from track.models import Interaction

LEADS, CONTACTS, INTERACTIONS, ORDERS = (
    "/lead/restaurants/",
    "/contact/contacts/",
    "/track/interactions/",
    "/track/interactions/orders/",
)
PLANS, TODAY = "/call/", "/call/today/"

# Midnight at the start of 24 December 2024 in UTC, and in Kolkata five and a half hours before it.
MIDNIGHT = datetime(2024, 12, 24, tzinfo=UTC)
KOLKATA_MIDNIGHT = datetime(2024, 12, 23, 18, 30, tzinfo=UTC)
BEFORE_IT = datetime(2024, 12, 23, 18, 29, 59, 999999, tzinfo=UTC)


@pytest.fixture
def book(time_machine, user, reader):
    """Leads with contacts, interactions and plans, known by their names, details and notes; and some ids."""
    time_machine.move_to(MIDNIGHT, tick=False)

    def stamps(moment):
        return {"created_at": moment, "updated_at": moment}

    anna = Restaurant.objects.create(
        name="Anna",
        city="Pune",
        state="MH",
        cuisine_type="Thai",
        restaurant_type="Cafe",
        email="Anna@example.com",
        potential_revenue="100.00",
        assigned_to=user,
        **stamps(BEFORE_IT),
    )
    bert = Restaurant.objects.create(
        name="Bert",
        city="Pune",
        state="GA",
        cuisine_type="Thai",
        restaurant_type="Bar",
        lead_status="CONTACTED",
        potential_revenue="100.01",
        assigned_to=reader,
        **stamps(KOLKATA_MIDNIGHT),
    )
    Restaurant.objects.create(name="Cora", city="Köln", lead_status="LOST", **stamps(MIDNIGHT))
    boss = Contact.objects.create(
        restaurant=anna, name="Boss", role="Owner", email="boss@example.com", **stamps(KOLKATA_MIDNIGHT)
    )
    Contact.objects.create(restaurant=bert, name="Chef", role="Chef", **stamps(MIDNIGHT))
    for lead, contact, kind, details, moment in (
        (anna, boss, "CALL", "first", BEFORE_IT),
        (anna, boss, "ORDER", "second", KOLKATA_MIDNIGHT),
        (anna, None, "EMAIL", "third", MIDNIGHT),
        (bert, None, "ORDER", "fourth", MIDNIGHT),
    ):
        Interaction.log(
            lead=lead, contact=contact, interaction_type=kind, details=details, date=moment, **stamps(moment)
        )
    for lead, frequency, notes, moment in (
        (anna, "DAILY", "early", BEFORE_IT),
        (anna, "WEEKLY", "morning", KOLKATA_MIDNIGHT),
        (bert, "MONTHLY", "noon", MIDNIGHT),
    ):
        CallPlan.objects.create(lead=lead, frequency=frequency, notes=notes, next_call_date=moment, **stamps(moment))
    return {"anna": anna.pk, "bert": bert.pk, "boss": boss.pk, "user": user.pk, "reader": reader.pk}


def shown(api, path: str) -> list[str]:
    """The names, details or notes of the rows."""
    answer = api.get(path)
    assert answer.status_code == 200, answer.json()
    return [row.get("name") or row.get("details") or row["notes"] for row in answer.json()]


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        (LEADS, "", "Anna Bert Cora"),
        (LEADS, "lead_status=NEW", "Anna"),
        (LEADS, "lead_status=NEW,LOST", "Anna Cora"),
        (LEADS, "lead_status=NEW&lead_status=LOST", "Anna Cora"),
        (LEADS, "lead_status=NEW, CONTACTED&lead_status=LOST", "Anna Bert Cora"),
        (LEADS, "assigned_to={user}", "Anna"),
        (LEADS, "city=Pune", "Anna Bert"),
        (LEADS, "city=K%C3%B6ln", "Cora"),
        (LEADS, "state=GA", "Bert"),
        (LEADS, "cuisine_type=Thai", "Anna Bert"),
        (LEADS, "restaurant_type=Bar", "Bert"),
        (LEADS, "email=ANNA@example.com", "Anna"),
        (LEADS, "potential_revenue_min=100.01", "Bert"),
        (LEADS, "potential_revenue_max=100", "Anna"),
        (LEADS, "potential_revenue_min=100&potential_revenue_max=100.01", "Anna Bert"),
        (LEADS, "created_after=2024-12-23T18:30:00Z", "Bert Cora"),
        (LEADS, "created_before=2024-12-23T18:30:00Z", "Anna"),
        (LEADS, "updated_after=2024-12-24T00:00:00Z", "Cora"),
        (LEADS, "city=Pune&lead_status=CONTACTED&assigned_to={reader}", "Bert"),
        (CONTACTS, "", "Boss Chef"),
        (CONTACTS, "restaurant={bert}", "Chef"),
        (CONTACTS, "role=Owner", "Boss"),
        (CONTACTS, "email=boss@example.com", "Boss"),
        (CONTACTS, "updated_after=2024-12-24T00:00:00Z", "Chef"),
        (INTERACTIONS, "", "first second third fourth"),
        (INTERACTIONS, "lead={anna}", "first second third"),
        (INTERACTIONS, "contact={boss}", "first second"),
        (INTERACTIONS, "interaction_type=CALL", "first"),
        (INTERACTIONS, "interaction_type=CALL,EMAIL", "first third"),
        (INTERACTIONS, "interaction_type=CALL&interaction_type=EMAIL", "first third"),
        (INTERACTIONS, "order_placed=true", "second fourth"),
        (INTERACTIONS, "order_placed=False", "first third"),
        (INTERACTIONS, "order_placed=1", "second fourth"),
        (INTERACTIONS, "order_placed=0", "first third"),
        (INTERACTIONS, "date_after=2024-12-23T18:30:00Z", "second third fourth"),
        (INTERACTIONS, "date_before=2024-12-23T18:30:00Z", "first"),
        (INTERACTIONS, "date_after=2024-12-23T18:30:00Z&date_before=2024-12-24T00:00:00Z", "second"),
        (INTERACTIONS, "updated_after=2024-12-24T00:00:00Z", "third fourth"),
        (ORDERS, "", "second fourth"),
        (ORDERS, "lead={anna}", "second"),
        (ORDERS, "contact={boss}", "second"),
        (ORDERS, "interaction_type=ORDER,CALL", "second fourth"),
        (ORDERS, "order_placed=false", ""),
        (ORDERS, "date_after=2024-12-24", "fourth"),
        (ORDERS, "date_before=2024-12-24", "second"),
        (ORDERS, "updated_after=2024-12-24", "fourth"),
        (PLANS, "", "early morning noon"),
        (PLANS, "lead={anna}", "early morning"),
        (PLANS, "frequency=WEEKLY", "morning"),
        (PLANS, "frequency=DAILY,MONTHLY", "early noon"),
        (PLANS, "next_call_after=2024-12-23T18:30:00Z", "morning noon"),
        (PLANS, "next_call_before=2024-12-23T18:30:00Z", "early"),
        (PLANS, "updated_after=2024-12-24T00:00:00Z", "noon"),
        (TODAY, "", "noon"),
        (TODAY, "lead={bert}", "noon"),
        (TODAY, "lead={anna}", ""),
        (TODAY, "frequency=DAILY", ""),
    ],
)
def test_a_filter_selects_the_matching_rows(book, api, path, query, expected):
    assert shown(api, f"{path}?{query.format(**book)}") == expected.split()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("date_after=2024-12-24", "third fourth"),
        ("date_before=2024-12-24", "first second"),
        ("date_after=2024-12-23T18:30:00", "second third fourth"),
        ("date_after=2024-12-24T00:00", "third fourth"),
    ],
)
def test_a_plain_date_and_a_naive_time_are_utc_unless_configured(book, api, query, expected):
    assert shown(api, f"{INTERACTIONS}?{query}") == expected.split()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("date_after=2024-12-24", "second third fourth"),
        ("date_before=2024-12-24", "first"),
        ("date_after=2024-12-24T05:30:00", "third fourth"),
        ("date_after=2024-12-24T00:00:00Z", "third fourth"),
    ],
)
def test_a_plain_date_is_that_days_midnight_in_the_servers_zone(book, api, settings, query, expected):
    settings.TIME_ZONE = "Asia/Kolkata"

    assert shown(api, f"{INTERACTIONS}?{query}") == expected.split()


@pytest.mark.parametrize("plus", ["%2B", "+"], ids=["encoded", "raw"])
@pytest.mark.parametrize("offset", ["05:30", "0530"])
def test_an_offset_counts_whether_its_plus_is_encoded_or_not(book, api, plus, offset):
    assert shown(api, f"{INTERACTIONS}?date_before=2024-12-24T00:00:00{plus}{offset}") == ["first"]
    assert shown(api, f"{INTERACTIONS}?date_after=2024-12-23T13:00:00-{offset}") == ["second", "third", "fourth"]


FILTERS = {
    LEADS: "lead_status assigned_to city state cuisine_type restaurant_type potential_revenue_min "
    "potential_revenue_max created_after created_before updated_after",
    CONTACTS: "restaurant role email updated_after",
    INTERACTIONS: "lead contact interaction_type order_placed date_after date_before updated_after",
    ORDERS: "lead contact interaction_type order_placed date_after date_before updated_after",
    PLANS: "lead frequency next_call_after next_call_before updated_after",
    TODAY: "lead frequency next_call_after next_call_before updated_after",
}
EVERY_FILTER = [(path, name) for path, names in FILTERS.items() for name in names.split()]
IDS = ["abc", "-1", "1.5", "1e3", "1,2", "null", "%00", "1%00", "%C2%B2", "9223372036854775808", "9" * 30]
INSTANTS = [
    *["yesterday", "2024-13-01", "2024-02-30", "20", "%00", "2024-12-24T25:00:00Z", "0000-01-01", "-5", "10000"],
    *["0001-01-01", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "1899-12-31", "2200-01-01"],
    *["2024-12-24T15:30:00%2B99:00", "1735000000", "9" * 300],
]
MONEY = ["abc", "NaN", "sNaN", "Infinity", "-Infinity", "1e400", "1e1000000", "1.001", "1234567890123", "%00", "1,5"]
CHOICES = ["new", "NOPE", "NEW;LOST", "DAILY,NOPE", "%00", "%EF%BF%BD", "9" * 300]
TEXTS = ["%00", "Pune%00", "x" * 255]


def nonsense(name: str) -> list[str]:
    if name.endswith(("_after", "_before")):
        return INSTANTS
    if name.startswith("potential_revenue"):
        return MONEY
    if name in ("lead_status", "interaction_type", "frequency"):
        return CHOICES
    if name == "order_placed":
        return ["maybe", "2", "%00", "truetrue"]
    return TEXTS if name in ("city", "state", "cuisine_type", "restaurant_type", "role", "email") else IDS


@pytest.mark.parametrize(("path", "name"), EVERY_FILTER)
def test_an_invalid_value_is_a_400_that_names_the_parameter(api, path, name):
    for value in nonsense(name):
        answer = api.get(f"{path}?{name}={value}")

        assert answer.status_code == 400, value
        assert list(answer.json()) == [name], value


@pytest.mark.parametrize(("path", "name"), EVERY_FILTER)
def test_an_empty_value_filters_nothing(book, api, path, name):
    assert shown(api, f"{path}?{name}=") == shown(api, path)
    assert shown(api, f"{path}?{name}=%20&{name}") == shown(api, path)


def test_every_invalid_parameter_is_named(api):
    answer = api.get(f"{LEADS}?city=Pune&assigned_to=abc&lead_status=NOPE&created_after=never")

    assert answer.status_code == 400
    assert list(answer.json()) == ["assigned_to", "lead_status", "created_after"]


@pytest.mark.parametrize(
    ("path", "name"),
    [(LEADS, "assigned_to"), (CONTACTS, "restaurant"), (INTERACTIONS, "lead"), (ORDERS, "contact"), (PLANS, "lead")],
)
def test_an_id_without_rows_gives_an_empty_list(book, api, path, name):
    for pk in (0, 999_999, 2**63 - 1):
        assert shown(api, f"{path}?{name}={pk}") == []


def test_zero_in_any_spelling_is_an_amount(book, api):
    assert shown(api, f"{LEADS}?potential_revenue_min=0e999999999") == ["Anna", "Bert"]
    assert shown(api, f"{LEADS}?potential_revenue_max=-0") == []


ALL_LISTS = [*FILTERS, "/api/users/"]


@pytest.mark.parametrize("path", ALL_LISTS)
def test_an_unknown_parameter_is_ignored(book, api, path):
    assert api.get(f"{path}?colour=red&format=csv").json() == api.get(path).json() != []


@pytest.mark.parametrize("path", ALL_LISTS)
@pytest.mark.parametrize("preference", ["handling=strict", "respond-async, Handling = strict"])
def test_an_unknown_parameter_of_a_strict_request_is_a_400(api, path, preference):
    answer = api.get(f"{path}?colour=red&page=1", headers={"Prefer": preference})

    assert answer.status_code == 400
    assert answer.json() == {"colour": ["Unknown parameter."]}


@pytest.mark.parametrize("path", FILTERS)
def test_a_strict_request_may_use_every_known_parameter(api, path):
    query = "&".join([*(f"{name}=" for name in FILTERS[path].split()), "search=a", "ordering=id", "page=1", "count=0"])

    assert api.get(f"{path}?{query}&page_size=5", headers={"Prefer": "handling=strict"}).status_code == 200


def test_a_strict_request_may_use_a_lists_own_parameters(api):
    assert api.get("/call/upcoming/?days=3", headers={"Prefer": "handling=strict"}).status_code == 200


def test_a_parameter_of_one_list_is_unknown_to_another(api):
    strict = {"Prefer": "handling=strict"}

    assert list(api.get(f"{PLANS}?lead_status=NEW", headers=strict).json()) == ["lead_status"]
    assert list(api.get("/api/users/?search=kam", headers=strict).json()) == ["search"]


def test_a_status_history_has_no_filters(api, lead):
    path = f"/lead/restaurants/{lead.pk}/status_history/"
    lead.change_status("CONTACTED")

    assert len(api.get(f"{path}?lead_status=LOST&search=nothing").json()) == 1
    assert list(api.get(f"{path}?lead_status=LOST", headers={"Prefer": "handling=strict"}).json()) == ["lead_status"]


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        (LEADS, {"city": "KOLN"}, "Cora"),
        (LEADS, {"city": " köln "}, "Cora"),
        (LEADS, {"city": "Kol"}, ""),
        (LEADS, {"state": "mh", "cuisine_type": "ＴＨＡＩ", "restaurant_type": "café"}, "Anna"),
        (CONTACTS, {"role": "öwner"}, "Boss"),
        (CONTACTS, {"email": "BOSS@Example.com"}, "Boss"),
        (CONTACTS, {"email": "boss@example"}, ""),
    ],
)
def test_text_filters_fold_and_then_match_whole_texts(book, api, path, query, expected):
    assert [row["name"] for row in api.get(path, query).json()] == expected.split()


def test_the_filter_by_city_has_an_index():
    assert ["city_fold", "id"] in [index.fields for index in Restaurant._meta.indexes]
