"""Compiled reads return what the querysets return: the API with FAST and without.

`fast` sends requests with FAST on and fails where the view reads by itself; `plain` sends them with FAST off.
"""

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from django.contrib.auth import get_user_model

from backoffice.exchange.api import ImportViewSet
from call.models import CallPlan
from call.views import CallPlanViewSet
from contact.models import Contact
from contact.views import ContactViewSet
from crm.api.filters import IdFilter, UTCDateTimeFilter, declared_by
from crm.api.merging import MergeableViewSet
from crm.api.overrides import FIND, SHOW, definitions
from crm.api.views import MeView, UserViewSet
from crm.api.viewsets import ReadingViewSet, ResourceViewSet
from crm.fast import reads
from crm.fast.compiled import ID
from crm.tests.support import signed_in
from lead.duplicate_views import DuplicatesView
from lead.models import Restaurant, RestaurantQuerySet
from lead.views import RestaurantViewSet, TeamViewSet
from track.models import Interaction
from track.views import AccountViewSet, InteractionViewSet

LISTS = {
    RestaurantViewSet: "/lead/restaurants/",
    ContactViewSet: "/contact/contacts/",
    InteractionViewSet: "/track/interactions/",
    CallPlanViewSet: "/call/",
}
KNOWN = 2**29 + 5
SAMPLE = datetime(2198, 1, 1, tzinfo=UTC)
IDS = [ID, ID - 1, KNOWN, 2**30, 0, 2**63 - 1]  # first the placeholders of compiled queries
DAYS = ["2198-01-01", "2024-12-24", "2198-01-02", "2024-12-23T18:30:00.000001Z", "2024-12-24T00:00:00", "1901-01-01"]
INSTANTS = [
    datetime(2024, 12, 23, 18, 30, tzinfo=UTC),
    datetime(2024, 12, 24, tzinfo=UTC),
    SAMPLE,
    datetime(2024, 12, 23, 18, 30, 0, 1, tzinfo=UTC),
    SAMPLE + timedelta(days=1),
    datetime(2198, 1, 2, 0, 0, 0, 1, tzinfo=UTC),
]
HELD = [instant if instant.year < 2100 else instant.replace(year=2098) for instant in INSTANTS]  # what tables take

every_list = pytest.mark.parametrize("view", LISTS, ids=lambda view: view.__name__)


@pytest.fixture
def table(user):
    """Rows of every list whose ids and instants are among those that are filtered by."""
    users = get_user_model()
    users.objects.bulk_create(users(pk=pk, username=f"user {pk}") for pk in IDS[:4])
    stamps = [{"created_at": instant, "updated_at": instant} for instant in INSTANTS]
    leads = Restaurant.objects.bulk_create(
        Restaurant(pk=pk, name=f"Lead {pk}", assigned_to_id=owner, potential_revenue=owner and pk % 7, **stamp)
        for pk, owner, stamp in zip([*IDS[:4], IDS[5], 7], [*IDS[1:4], None, KNOWN, None], stamps, strict=True)
    )
    Contact.objects.bulk_create(
        Contact(pk=pk, restaurant=lead, name="Asha Rao", role=f"{number % 2}", **stamp)
        for number, (pk, lead, stamp) in enumerate(zip(IDS[:4], reversed(leads[:4]), stamps, strict=False))
    )
    Interaction.objects.bulk_create(
        Interaction(lead=leads[a], contact_id=[None, *IDS[:4]][b], interaction_type="CALL", date=HELD[a], **stamp)
        for a, stamp in enumerate(stamps)
        for b in range(5)
    )
    CallPlan.objects.bulk_create(
        CallPlan(
            lead=leads[a],
            frequency="DAILY",
            last_called=None if a % 2 else HELD[a],
            next_call_date=HELD[b],
            updated_at=INSTANTS[b],
        )
        for a in range(6)
        for b in range(6)
    )


@pytest.fixture(autouse=True)
def all_of_it(settings):
    settings.FAST, settings.FAST_WITHOUT = True, []


def asking(client, settings, monkeypatch, is_fast: bool):
    def ask(path: str) -> bytes:
        settings.FAST = is_fast
        with monkeypatch.context() as patches:
            if is_fast:
                for name in ("list_of", "get_object", "get_queryset"):
                    patches.setattr(ReadingViewSet, name, slow(getattr(ReadingViewSet, name)))
                    patches.setattr(ResourceViewSet, name, slow(getattr(ResourceViewSet, name)))
                for view in (ReadingViewSet, ResourceViewSet, MergeableViewSet):
                    patches.setattr(view, "stock_hooks", {names: definitions(view, names) for names in (SHOW, FIND)})
            answer = client.get(path)
        settings.FAST = True
        assert answer.status_code == 200, answer.content
        return answer.content

    return ask


def slow(method):
    return lambda *args: pytest.fail(f"{method.__name__} was called")


@pytest.fixture
def fast(api, settings, monkeypatch):
    return asking(api, settings, monkeypatch, is_fast=True)


@pytest.fixture
def plain(api, settings, monkeypatch):
    return asking(api, settings, monkeypatch, is_fast=False)


def compilable(view) -> dict[str, list[str]]:
    """The filters that ask for a value in SQL that does not depend on it, and what to ask them for."""
    return {
        name: list(map(str, IDS)) if isinstance(declared, IdFilter) else DAYS
        for name, declared in declared_by(view).items()
        if isinstance(declared, IdFilter | UTCDateTimeFilter)
    }


def queries(view, names: tuple[str, ...], rounds: int) -> list[str]:
    requested = compilable(view)
    values = [
        [requested[name][(number * (place + 1) + place) % 6] for place, name in enumerate(names)] for number in range(6)
    ]
    return ["&".join(f"{name}={value}" for name, value in zip(names, each, strict=True)) for each in values[:rounds]]


# --- Lists ------------------------------------------------------------------------------------------------------------


def views_below(kit: type) -> set[type]:
    """Those of a table; the classes of the kit between have none."""
    views = {view for each in kit.__subclasses__() for view in {each, *views_below(each)}}
    return {view for view in views if getattr(view, "queryset", None) is not None}


def test_every_list_is_tried_here():
    ours = {view for view in views_below(ReadingViewSet) if ".tests." not in view.__module__}
    further = {MeView, UserViewSet, AccountViewSet, TeamViewSet, ImportViewSet, DuplicatesView}
    assert ours - further == set(LISTS)


@every_list
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_one_or_two_filters_answer_as_a_plain_queryset(table, fast, plain, settings, view, zone):
    settings.TIME_ZONE = zone
    distinguished = 0
    for names in [(), *((name,) for name in compilable(view)), *combinations(compilable(view), 2)]:
        answers = set()
        for query in queries(view, names, rounds=4 if zone == "UTC" else 2):
            answers.add(answer := fast(f"{LISTS[view]}?{query}"))
            assert answer == plain(f"{LISTS[view]}?{query}"), query
        distinguished += len(answers) > 1
    assert distinguished >= len(compilable(view))


@every_list
def test_filters_with_an_order_answer_as_a_plain_queryset(table, fast, plain, view):
    orders = [sign + name for name in view.ordering_fields for sign in ("", "-")]
    for number, names in enumerate([(), *((name,) for name in compilable(view)), tuple(compilable(view))]):
        for order in orders if len(names) < 2 else {orders[number % len(orders)], ",".join(orders[-4:-1])}:
            [query] = queries(view, names, rounds=1)
            path = f"{LISTS[view]}?{query}&ordering={order}"
            assert fast(path) == plain(path), path


@every_list
def test_all_filters_at_once_answer_as_a_plain_queryset(table, fast, plain, view):
    for query in queries(view, tuple(compilable(view)), rounds=6):
        assert fast(f"{LISTS[view]}?{query}") == plain(f"{LISTS[view]}?{query}"), query


def test_a_filter_value_equal_to_a_placeholder_is_a_value_like_others(table, fast):
    """The first query of both together, with each the value of the other's placeholder."""
    reads.compiled_list.cache_clear()
    for lead, contact in [(ID - 1, ID), (ID, ID - 1), (2**30, 2**30)]:
        answer = fast(f"/track/interactions/?lead={lead}&contact={contact}")
        found = Interaction.objects.filter(lead=lead, contact=contact)
        assert answer.count(b'"id"') == found.count() == 1


def test_a_query_remembers_no_value_of_an_earlier_one(table, fast):
    seen = [fast(f"/track/interactions/?lead={lead}&date_after=1970-01-01") for lead in [KNOWN, 2**30, KNOWN, 0, KNOWN]]
    assert seen[0] == seen[2] == seen[4] != seen[1]
    assert seen[3] == b"[]"


def test_the_same_filters_in_another_order_are_the_same_list(table, fast):
    one = fast("/call/?next_call_after=2024-12-24&next_call_before=2098-01-02")
    assert one == fast("/call/?next_call_before=2098-01-02&next_call_after=2024-12-24") != b"[]"


@pytest.mark.parametrize(
    "path",
    [
        f"/lead/restaurants/?search=lead&assigned_to={ID - 1}",
        "/lead/restaurants/?lead_status=NEW,LOST&created_after=2024-12-24",
        "/lead/restaurants/?potential_revenue_min=1&city=",
        f"/track/interactions/?order_placed=false&lead={ID}",
        "/call/overdue/?ordering=-id",
        "/api/users/?ordering=name",
        "/api/me/",
        *(f"{path}?page=2&page_size=2&ordering=-id" for path in [*LISTS.values(), "/api/users/"]),
    ],
)
def test_a_list_that_is_not_compiled_is_the_same_too(table, api, plain, path):
    assert api.get(path).content == plain(path) != b"[]"


# --- Rows -------------------------------------------------------------------------------------------------------------


@every_list
def test_a_row_is_what_a_plain_queryset_gives(table, fast, plain, view):
    for pk in view.queryset.filter(pk__lt=10**18).values_list("pk", flat=True):
        assert fast(f"{LISTS[view]}{pk}/") == plain(f"{LISTS[view]}{pk}/")


@every_list
def test_a_missing_row_is_the_same_404(api, settings, view):
    for pk in [0, 1, 2**31 + 1, ID, 10**18 - 1, 10**18, 2**63, "none", -1]:
        for method in ("get", "head", "patch", "put", "delete"):
            answers = []
            for settings.FAST in (True, False):
                answer = getattr(api, method)(f"{LISTS[view]}{pk}/")
                answers.append((answer.status_code, answer.content, answer["Content-Type"]))
            assert answers[0] == answers[1]
            assert answers[0][0] == 404


def test_a_row_whose_id_is_the_placeholder_is_a_row_like_others(table, fast, api):
    path = f"/lead/restaurants/{ID}/"
    assert api.patch(path, {"notes": "Changed"}).json()["notes"] == "Changed"
    assert b'"notes":"Changed"' in fast(path)
    assert b'"notes":""' in fast(f"/lead/restaurants/{KNOWN}/")
    assert api.delete(path).status_code == 204
    assert set(Restaurant.objects.values_list("pk", flat=True)) == {*IDS[1:4], IDS[5], 7}


def test_a_written_row_is_the_same_whichever_query_locks_it(table, api, settings):
    written = []
    for settings.FAST in (True, False):
        answer = api.patch(f"/lead/restaurants/{KNOWN}/", {"notes": f"{settings.FAST}"}).json()
        written.append({**answer, "notes": "", "updated_at": ""})
    assert written[0] == written[1]


# --- Users ----------------------------------------------------------------------------------------------------------


def test_no_result_is_remembered_between_users(table, user, reader, monkeypatch):
    """Everybody sees everything now; a policy may let each see their own."""

    class Own(RestaurantQuerySet):
        def visible_to(self, user):
            return self.filter(assigned_to=user)

    Restaurant.objects.filter(pk=7).update(assigned_to=user)
    Restaurant.objects.filter(pk=KNOWN).update(assigned_to=reader)
    clients = {7: signed_in(user), KNOWN: signed_in(reader)}
    path = "/lead/restaurants/"
    for pk in (7, KNOWN, 7):
        assert len(clients[pk].get(path).json()) == 6
    monkeypatch.setattr(RestaurantViewSet, "queryset", Own(Restaurant))
    for pk in (7, KNOWN, 7):
        assert [row["id"] for row in clients[pk].get(path).json()] == [pk]
        assert [row["id"] for row in clients[pk].get(f"{path}?page=1").json()] == [pk]
        assert [clients[pk].get(f"{path}{each}/").status_code == 200 for each in (7, KNOWN)] == [pk == 7, pk == KNOWN]
        assert clients[pk].patch(f"{path}{7 + KNOWN - pk}/", {}).status_code in (403, 404)
    assert [clients[pk].get("/api/me/").json()["username"] for pk in (7, KNOWN, 7)] == ["kam", "reader", "kam"]
