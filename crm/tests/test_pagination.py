"""Pages of a list: bare arrays, `Link` (RFC 8288) and `X-Total-Count`."""

import re
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from call.models import CallPlan
from contact.models import Contact
from crm.api.pagination import MAX_SIZE
from lead.models import Restaurant
from track.models import Interaction

DUE = datetime(2024, 12, 24, 15, tzinfo=UTC)
LEADS, CONTACTS, INTERACTIONS, ORDERS = (
    "/lead/restaurants/",
    "/contact/contacts/",
    "/track/interactions/",
    "/track/interactions/orders/",
)
PLANS, TODAY, USERS = "/call/", "/call/today/", "/api/users/"


@pytest.fixture
def book(time_machine, user):
    """Seven rows in every list; the seven of the history are those of the first lead. Answers the path of that."""
    time_machine.move_to("2024-12-24T12:00:00Z", tick=False)
    for number in range(7):
        lead = Restaurant.objects.create(name=f"Lead {number}", city="Pune" if number < 5 else "Köln & Bonn")
        Contact.objects.create(restaurant=lead, name=f"Contact {number}")
        Interaction.log(lead=lead, interaction_type="ORDER")
        CallPlan.objects.create(lead=lead, frequency="DAILY", next_call_date=DUE)
        type(user).objects.create_user(f"user {number}") if number else None
    first = Restaurant.objects.first()
    for status in ["CONTACTED", "NEW"] * 3 + ["LOST"]:
        first.change_status(status)
    return f"{LEADS}{first.pk}/status_history/"


def links(answer) -> dict[str, str]:
    """The header's targets by their relation."""
    return {rel: url for url, rel in re.findall(r'<([^>]*)>; rel="(\w+)"(?:, |$)', answer["Link"])}


def pages(answer) -> dict[str, int]:
    """The numbers of the pages that the header names."""
    return {rel: int(parse_qs(urlsplit(url).query)["page"][0]) for rel, url in links(answer).items()}


@pytest.mark.parametrize("path", [LEADS, CONTACTS, INTERACTIONS, ORDERS, PLANS, TODAY, USERS, "status_history"])
def test_the_pages_of_every_list_add_up_to_the_list(book, api, path):
    path = book if path == "status_history" else path
    whole = api.get(path)
    assert len(whole.json()) == 7
    assert not {"Link", "X-Total-Count"} & set(whole.headers)

    walked, url = [], f"http://testserver{path}?page_size=3"
    while url:
        answer = api.get(url)
        assert answer.status_code == 200
        assert answer["X-Total-Count"] == "7"
        walked.append(answer.json())
        url = links(answer).get("next")

    assert [len(page) for page in walked] == [3, 3, 1]
    assert sum(walked, []) == whole.json()


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (1, {"first": 1, "next": 2, "last": 3}),
        (2, {"first": 1, "prev": 1, "next": 3, "last": 3}),
        (3, {"first": 1, "prev": 2, "last": 3}),
    ],
)
def test_the_links_name_the_pages_around(book, api, page, expected):
    assert pages(api.get(f"{LEADS}?page_size=3&page={page}")) == expected


def test_the_link_header_follows_rfc_8288(book, api):
    answer = api.get(f"{LEADS}?page_size=3&page=2")

    cursor = parse_qs(urlsplit(links(answer)["next"]).query)["cursor"][0]
    assert re.fullmatch("[A-Za-z0-9_~-]+", cursor)
    assert answer["Link"] == ", ".join(
        f'<http://testserver/lead/restaurants/?page_size=3&page={page}>; rel="{rel}"'
        for rel, page in (("first", 1), ("prev", 1), ("next", f"3&cursor={cursor}"), ("last", 3))
    )


@pytest.mark.parametrize("size", [7, 8, 1_000])
def test_a_list_that_fits_one_page_has_no_next(book, api, size):
    answer = api.get(f"{LEADS}?page_size={size}")

    assert len(answer.json()) == 7
    assert pages(answer) == {"first": 1, "last": 1}


@pytest.mark.parametrize("page", [4, 5, 99, 10**18, 10**19 - 1])
def test_a_page_past_the_end_is_an_empty_array(book, api, page):
    answer = api.get(f"{LEADS}?page_size=3&page={page}")

    assert (answer.status_code, answer.json()) == (200, [])
    assert answer["X-Total-Count"] == "7"
    assert pages(answer) == {"first": 1, "prev": 3, "last": 3}


def test_a_list_without_rows_has_one_empty_page(api):
    answer = api.get(f"{LEADS}?page=1")

    assert answer.json() == []
    assert answer["X-Total-Count"] == "0"
    assert pages(answer) == {"first": 1, "last": 1}


@pytest.mark.parametrize(
    ("page", "expected"),
    [(1, {"first": 1, "next": 2}), (2, {"first": 1, "prev": 1, "next": 3}), (3, {"first": 1, "prev": 2})],
)
def test_without_a_count_there_is_neither_a_total_nor_a_last_page(
    book, api, django_assert_max_num_queries, page, expected
):
    with django_assert_max_num_queries(2):  # the session's user and the rows
        answer = api.get(f"{LEADS}?page_size=3&page={page}&count=0")

    assert pages(answer) == expected
    assert "X-Total-Count" not in answer.headers
    assert all("count=0" in url for url in links(answer).values())


def test_a_count_is_given_where_it_is_requested(book, api):
    assert api.get(f"{LEADS}?page=1&count=1")["X-Total-Count"] == "7"
    assert api.get(f"{LEADS}?page=1&count=")["X-Total-Count"] == "7"


def test_a_page_alone_has_a_hundred_rows_and_a_size_alone_is_page_one(api):
    Restaurant.objects.bulk_create(Restaurant(name=f"Lead {number}") for number in range(MAX_SIZE + 1))

    def names(query):
        return [row["name"] for row in api.get(f"{LEADS}?{query}").json()]

    assert names("page=1") == [f"Lead {number}" for number in range(100)]
    assert names("page=11") == [f"Lead {number}" for number in range(1000, 1001)]
    assert names("page_size=1") == ["Lead 0"]
    assert names("page_size=1000") == [f"Lead {number}" for number in range(1000)]
    assert names("page_size=1000&page=2") == ["Lead 1000"]
    assert len(names("page=&page_size=%20&count=0")) == MAX_SIZE + 1


NONSENSE = [
    "0",
    "-1",
    "1.0",
    "1e2",
    "abc",
    "%2B1",
    "1_0",
    "0x1",
    "%C2%B2",
    "%D9%A1",
    "%00",
    "1%00",
    "9" * 20,
    "9" * 5000,
]


@pytest.mark.parametrize(
    ("name", "values"),
    [("page", NONSENSE), ("page_size", [*NONSENSE, "1001", "999999999"]), ("count", ["2", "no", "-1", "%00"])],
)
@pytest.mark.parametrize("path", [LEADS, ORDERS, TODAY, USERS])
def test_an_invalid_page_number_or_size_is_a_400_that_names_it(api, path, name, values):
    for value in values:
        answer = api.get(f"{path}?page=1&{name}={value}")

        assert answer.status_code == 400, value
        assert list(answer.json()) == [name], value


def test_links_preserve_the_other_parameters(book, api):
    query = (
        "city=Pune&lead_status=NEW,LOST&lead_status=CONTACTED&search=lead&ordering=-name&colour=a%26b%3D%3E&page_size=2"
    )

    answer = api.get(f"{LEADS}?{query}")

    assert answer["X-Total-Count"] == "5"
    for rel, page in {"first": "1", "next": "2", "last": "3"}.items():
        requested = parse_qs(urlsplit(links(answer)[rel]).query)
        assert bool(requested.pop("cursor", None)) == (rel == "next")
        assert requested == {**parse_qs(query), "page": [page]}
    assert [row["name"] for row in api.get(links(answer)["last"]).json()] == ["Lead 0"]


def test_links_encode_their_parameters(book, api):
    answer = api.get(LEADS, {"city": "Köln & Bonn", "page_size": 1})

    assert answer["Link"].isascii()
    assert [row["name"] for row in api.get(links(answer)["next"]).json()] == ["Lead 6"]


@pytest.mark.parametrize("path", [LEADS, ORDERS, TODAY, USERS])
def test_links_of_a_path_without_its_slash_lead_on(book, api, path):
    answer = api.get(f"{path[:-1]}?page_size=3")

    assert [urlsplit(url).path.rstrip("/") for url in links(answer).values()] == [path.rstrip("/")] * 3
    assert api.get(links(answer)["next"]).json() == api.get(path).json()[3:6]


def test_pages_are_of_the_filtered_and_ordered_list(book, api):
    answer = api.get(f"{LEADS}?city=Pune&ordering=-id&page_size=2&page=2")

    assert [row["name"] for row in answer.json()] == ["Lead 2", "Lead 1"]
    assert answer["X-Total-Count"] == "5"
