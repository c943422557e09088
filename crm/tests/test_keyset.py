"""`Link: next` leads on by key: rows that come and go meanwhile are neither shown twice nor left out."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import itemgetter
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.db.models import Count, F
from django.db.models.functions import Lower
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from call.models import CallPlan
from contact.models import Contact
from crm.api.keyset import SortedRows, keyset_of, sign
from crm.db.folding import fold_key
from crm.tests.support import signed_in
from crm.tests.test_ordering import FIELDS
from crm.tests.test_pagination import INTERACTIONS, LEADS, PLANS, USERS, book, links  # noqa: F401
from lead.models import Restaurant
from lead.views import RestaurantViewSet
from track.models import Interaction

EARLY = datetime(2024, 1, 1, tzinfo=UTC)
TEXTS = ["", "a", "A", "Á", "ä b", "b", "Ø", "o", "Łódź", "lodz", "'", "’", "食"]


@pytest.fixture(params=[True, False], ids=["fast", "plain"])
def either_way(request, settings):
    settings.FAST, settings.FAST_WITHOUT = request.param, []


def cursor_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["cursor"][0]


def walk(api, url: str, between=lambda seen: None) -> list[int]:
    """The ids of all pages, `between` which something may happen."""
    ids: list[int] = []
    while url:
        answer = api.get(url)
        assert answer.status_code == 200, answer.json()
        ids += [row["id"] for row in answer.json()]
        url = links(answer).get("next")
        between(ids) if url else None
    return ids


# --- Rows that come and go --------------------------------------------------------------------------------------------


def key_of(row: dict, ordering: str):
    """In pure Python: where a row stands."""
    value = row[ordering.removeprefix("-")]
    if value is None:
        return None
    return (
        (fold_key(value), value) if isinstance(value, str) and ordering.removeprefix("-") in ("name", "city") else value
    )


def in_order(rows: list[dict], ordering: str) -> list[int]:
    rows = sorted(rows, key=itemgetter("id"))
    present = [row for row in rows if key_of(row, ordering) is not None]
    present.sort(key=lambda row: key_of(row, ordering), reverse=ordering.startswith("-"))
    return [row["id"] for row in [*present, *(row for row in rows if key_of(row, ordering) is None)]]


leads = st.builds(
    dict,
    name=st.sampled_from(TEXTS[1:]),
    city=st.sampled_from(TEXTS),
    lead_status=st.sampled_from(["NEW", "LOST", "CONTACTED"]),
    potential_revenue=st.sampled_from([None, Decimal("1.50"), Decimal("2.00")]),
)
ORDERINGS = [
    sign + name
    for name in ("id", "name", "city", "lead_status", "potential_revenue", "created_at")
    for sign in ("", "-")
]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(leads, min_size=1, max_size=9),
    ordering=st.sampled_from(ORDERINGS),
    size=st.integers(1, 4),
    added=st.lists(leads, max_size=4),
    removed=st.lists(st.integers(0, 8), max_size=4),
)
def test_a_walk_shows_each_row_that_stays_once_and_in_order(user, rows, ordering, size, added, removed):
    Restaurant.objects.all().delete()
    for number, row in enumerate(rows):
        Restaurant.objects.create(created_at=EARLY + timedelta(hours=number % 3), **row)
    before = list(Restaurant.objects.values())
    pending, doomed = list(added), [before[place]["id"] for place in removed if place < len(before)]

    def between(seen):
        if pending:
            Restaurant.objects.create(created_at=EARLY + timedelta(hours=1), **pending.pop())
        if doomed:
            Restaurant.objects.filter(pk=doomed.pop()).delete()

    api = signed_in(user)
    seen = walk(api, f"{LEADS}?{urlencode({'ordering': ordering, 'page_size': size, 'count': 0})}", between)

    after = list(Restaurant.objects.values())
    stayed = {row["id"] for row in before} & {row["id"] for row in after}
    assert len(seen) == len(set(seen))
    assert [pk for pk in seen if pk in stayed] == [pk for pk in in_order(after, ordering) if pk in stayed]
    known = {row["id"]: row for row in [*before, *after]}
    assert seen == in_order([known[pk] for pk in seen], ordering)


@pytest.mark.parametrize("path", [LEADS, INTERACTIONS, f"{INTERACTIONS}orders/", PLANS, "/call/today/"])
def test_a_row_deleted_from_the_page_before_shifts_nothing(book, either_way, api, path):  # noqa: F811
    whole = [row["id"] for row in api.get(path).json()]
    model = {LEADS: Restaurant, PLANS: CallPlan, "/call/today/": CallPlan}.get(path, Interaction)
    assert walk(api, f"{path}?page_size=2", lambda seen: model.objects.get(pk=seen[-1]).delete()) == whole


def test_a_history_leads_on_by_key(book, either_way, api):  # noqa: F811
    for ordering in ("", "changed_at", "-changed_at", "-id"):
        whole = [row["id"] for row in api.get(book, {"ordering": ordering}).json()]
        assert walk(api, f"{book}?page_size=2&ordering={ordering}") == whole


@pytest.mark.parametrize("path", [LEADS, "/contact/contacts/", INTERACTIONS, PLANS, USERS])
def test_every_order_of_every_list_leads_on_to_its_end(book, either_way, api, path):  # noqa: F811
    Interaction.objects.filter(pk__in=Interaction.objects.values("pk")[:3]).update(contact=Contact.objects.first())
    CallPlan.objects.filter(pk__in=CallPlan.objects.values("pk")[:3]).update(last_called=EARLY)
    for name in FIELDS[path].split():
        for ordering in (name, f"-{name}"):
            whole = [row["id"] for row in api.get(path, {"ordering": ordering}).json()]
            assert walk(api, f"{path}?page_size=3&ordering={ordering}") == whole, ordering


@pytest.mark.parametrize("ordering", ["username", "-username", "name", "-name"])
def test_users_added_and_deleted_meanwhile_shift_nothing(api, user, ordering):
    users = type(user).objects
    for name in ("Łukasz", "Zoe", "Émile", "Asha"):
        users.create_user(name)
    whole = [row["id"] for row in api.get(USERS, {"ordering": ordering}).json()]

    def between(seen):
        if len(seen) < 6:
            users.create_user(f"{'!' if '-' in ordering else '食'} {len(seen)}")  # which comes last
        users.filter(pk=seen[-1]).exclude(pk=user.pk).delete()

    seen = walk(api, f"{USERS}?page_size=2&ordering={ordering}", between)
    assert [pk for pk in seen if pk in whole] == whole
    assert len(seen) == len({*seen})


# --- Cursors ----------------------------------------------------------------------------------------------------------


def test_an_invalid_cursor_is_a_400_that_names_it(book, api):  # noqa: F811
    by_name = cursor_of(links(api.get(f"{LEADS}?page_size=2&ordering=name"))["next"])
    forged = sign(["a"], [])
    for query in ("cursor=x", f"cursor={forged}", f"cursor={by_name}", f"ordering=-name&cursor={by_name}", "cursor=~"):
        for more in ("", "&page_size=2", "&page=2"):
            answer = api.get(f"{LEADS}?{query}{more}")
            assert (answer.status_code, list(answer.json())) == (400, ["cursor"]), query
    for other in ("/contact/contacts/", USERS):
        assert api.get(f"{other}?ordering=name&cursor={by_name}").status_code == 400
    tampered = by_name[:-1] + ("A" if by_name[-1] != "A" else "B")
    assert api.get(f"{LEADS}?ordering=name&cursor={tampered}").status_code == 400
    assert api.get(f"{LEADS}?ordering=name&cursor={by_name}").status_code == 200
    assert api.get(f"{LEADS}?cursor=%20").headers.get("Link") is None


def test_a_page_by_key_counts_on_and_leads_back_by_number(book, api):  # noqa: F811
    second = links(api.get(f"{LEADS}?page_size=3"))["next"]
    answer = api.get(second)
    assert answer["X-Total-Count"] == "7"
    pages = {rel: parse_qs(urlsplit(url).query)["page"][0] for rel, url in links(answer).items()}
    assert pages == {"first": "1", "prev": "1", "next": "3", "last": "3"}
    assert [rel for rel, url in links(answer).items() if "cursor" in url] == ["next"]
    assert "last" not in links(api.get(f"{second}&count=0"))


def test_strict_handling_knows_the_cursor(book, api):  # noqa: F811
    strict = {"Prefer": "handling=strict"}
    url = links(api.get(f"{LEADS}?page_size=3", headers=strict))["next"]
    assert api.get(url, headers=strict).status_code == 200


@pytest.mark.parametrize("ordering", ["", "name", "-potential_revenue"])
def test_a_page_by_key_costs_as_many_queries_as_a_page(book, either_way, api, ordering, django_assert_num_queries):  # noqa: F811
    url = links(api.get(f"{LEADS}?page_size=2&ordering={ordering}"))["next"]
    with django_assert_num_queries(3):  # the token's user; rows; count
        api.get(url)
    with django_assert_num_queries(2):
        api.get(f"{url}&count=0")


def test_the_longest_text_fits_a_link(api):
    for letter in ("\uac01", "\N{SLICE OF PIZZA}"):
        Restaurant.objects.create(name=letter * 254)
        Restaurant.objects.create(name=letter * 254)
    url = links(api.get(f"{LEADS}?page_size=1&ordering=name"))["next"]
    assert len(url) < 4_000
    assert len(walk(api, f"{LEADS}?page_size=1&ordering=name")) == 4


# --- Querysets of an app's own ----------------------------------------------------------------------------------------

OTHERS = Restaurant.objects.exclude(city="Pune").order_by()
OWN = {
    "by one value only": lambda: Restaurant.objects.order_by("lead_status"),
    "by an expression": lambda: Restaurant.objects.order_by(Lower("name").desc()),
    "with nulls first": lambda: Restaurant.objects.order_by(F("potential_revenue").asc(nulls_first=True), "id"),
    "with nulls where the database puts them": lambda: Restaurant.objects.order_by("-potential_revenue"),
    "by a path": lambda: Restaurant.objects.order_by("assigned_to__username", "-id"),
    "by a count": lambda: Restaurant.objects.annotate(calls=Count("interactions")).order_by("-calls", "name"),
    "reversed": lambda: Restaurant.objects.order_by("name").reverse(),
    "as a union": lambda: Restaurant.objects.filter(city="Pune").order_by().union(OTHERS).order_by("id"),
    "as a list": lambda: list(Restaurant.objects.all()),
}


@pytest.mark.parametrize("rows", OWN.values(), ids=OWN)
def test_the_pages_of_a_queryset_of_an_apps_own_add_up(book, api, user, monkeypatch, rows):  # noqa: F811
    Restaurant.objects.filter(pk__in=[lead.pk for lead in Restaurant.objects.all()[:3]]).update(
        potential_revenue=5, assigned_to=user
    )
    monkeypatch.setattr(RestaurantViewSet, "filter_queryset", lambda view, queryset: rows())
    ids = walk(api, f"{LEADS}?page_size=2")
    assert sorted(ids) == sorted(Restaurant.objects.values_list("pk", flat=True))


def test_rows_of_values_are_as_they_were_selected(book):  # noqa: F811
    rows = Restaurant.objects.order_by("name_fold", "-id").values_list("city", "id")
    found, more, cursor = keyset_of(rows).window("", 0, 3)
    assert (found, more) == (list(rows[:3]), True)
    assert keyset_of(rows).window(cursor, 0, 9)[0] == list(rows[3:])
    dicts = Restaurant.objects.order_by("name").values("city")
    assert keyset_of(dicts).window("", 0, 2)[0] == [{"city": "Pune"}] * 2
    flat = Restaurant.objects.order_by("name").values_list("name", flat=True)
    assert keyset_of(flat).window("", 0, 2)[1:] == (True, "")


def test_what_has_no_order_to_find_again_has_no_key(book):  # noqa: F811
    rows = Restaurant.objects.all()
    for queryset in (rows.order_by("?"), rows[:5], rows.union(rows), rows.values("city").annotate(n=Count("id")), [1]):
        assert keyset_of(queryset) is None
    assert isinstance(keyset_of(SortedRows(rows, ("name", "id"))), SortedRows)
