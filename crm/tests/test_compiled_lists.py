"""A list whose SQL was made for other values answers what a queryset that is made for these values gives."""

from datetime import UTC, datetime
from itertools import combinations, permutations
from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from django.http import QueryDict

from call.models import CallPlan
from call.views import CallPlanViewSet
from contact.models import Contact
from contact.views import ContactViewSet
from crm import rows
from crm.filtering import SAMPLE_INSTANT, Asked, IdFilter, InstantFilter, declared_by
from crm.views import MeView, UserViewSet
from crm.viewsets import ReadingViewSet, ResourceViewSet
from lead.models import Restaurant
from lead.views import RestaurantViewSet
from track.models import Interaction
from track.views import InteractionViewSet

LISTS = {
    RestaurantViewSet: "/lead/restaurants/",
    ContactViewSet: "/contact/contacts/",
    InteractionViewSet: "/track/interactions/",
    CallPlanViewSet: "/call/",
    UserViewSet: "/api/users/",
}
KNOWN = 2**29 + 5
IDS = [2**30, 2**30 - 1, KNOWN, 2**31 - 3, 0, 2**63 - 1]  # first those that stand for the values while SQL is made
DAYS = ["2198-01-01", "2024-12-24", "2198-01-02", "2024-12-23T18:30:00.000001Z", "2024-12-24T00:00:00", "1901-01-01"]
INSTANTS = [
    datetime(2024, 12, 23, 18, 30, tzinfo=UTC),
    datetime(2024, 12, 24, tzinfo=UTC),
    SAMPLE_INSTANT,
    datetime(2024, 12, 23, 18, 30, 0, 1, tzinfo=UTC),
    SAMPLE_INSTANT.replace(day=2),
    datetime(2198, 1, 2, 0, 0, 0, 1, tzinfo=UTC),
]
HELD = [instant if instant.year < 2100 else instant.replace(year=2098) for instant in INSTANTS]  # what tables take


@pytest.fixture
def table(user):
    """Rows of every list whose ids and instants are among those that are asked for."""
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
        Interaction(lead=leads[a % 6], contact_id=[None, *IDS[:4]][b], interaction_type="CALL", date=HELD[a], **stamp)
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


def compilable(view) -> dict[str, list[str]]:
    """The filters that ask for a value in SQL that does not depend on it, and what to ask them for."""
    return {
        name: list(map(str, IDS)) if isinstance(declared, IdFilter) else DAYS
        for name, declared in declared_by(view).items()
        if isinstance(declared, IdFilter | InstantFilter)
    }


def queries(view, names: tuple[str, ...], rounds: int) -> list[str]:
    asked = compilable(view)
    values = [
        [asked[name][(number * (place + 1) + place) % 6] for place, name in enumerate(names)] for number in range(6)
    ]
    return ["&".join(f"{name}={value}" for name, value in zip(names, each, strict=True)) for each in values[:rounds]]


def plainly(view, user, query: str) -> bytes:
    """What a queryset answers that is made for this request alone."""
    asked = Asked.read(SimpleNamespace(query_params=QueryDict(query), headers={}), view)
    found = asked.of(view.visible(user.pk), view)
    return rows.rows_to_json(list(rows.tuples(found, view.serializer_class)), view.serializer_class)


@pytest.fixture
def compiled(api, monkeypatch):
    """Asks a list, which must not be made for this request."""
    monkeypatch.setattr(ReadingViewSet, "list_of", lambda *args: pytest.fail("the SQL was made anew"))

    def ask(view, query: str) -> bytes:
        answer = api.get(f"{LISTS[view]}?{query}")
        assert answer.status_code == 200
        return answer.content

    return ask


def test_every_list_is_tried_here():
    views = {*ReadingViewSet.__subclasses__(), *ResourceViewSet.__subclasses__()}
    assert views - {ResourceViewSet, MeView} == set(LISTS)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
@pytest.mark.parametrize("view", LISTS, ids=lambda view: view.__name__)
def test_one_or_two_filters_in_any_order_answer_as_a_plain_queryset(table, compiled, user, settings, view, zone):
    settings.TIME_ZONE = zone
    told_apart = 0
    for names in [(), *((name,) for name in compilable(view)), *permutations(compilable(view), 2)]:
        answers = set()
        for query in queries(view, names, rounds=6 if zone == "UTC" else 3):
            answers.add(answer := compiled(view, query))
            assert answer == plainly(view, user, query), query
        told_apart += len(answers) > 1
    assert told_apart >= len(compilable(view))


@pytest.mark.parametrize("view", LISTS, ids=lambda view: view.__name__)
def test_filters_with_an_order_answer_as_a_plain_queryset(table, compiled, user, view):
    combined = [(), *((name,) for name in compilable(view)), *combinations(compilable(view), 2)]
    orders = [sign + name for name in view.ordering_fields for sign in ("", "-")]
    for number, names in enumerate(combined):
        for order in orders if len(names) < 2 else {orders[number % len(orders)], ",".join(orders[-4:-1])}:
            for query in queries(view, names, rounds=2):
                query = f"{query}&ordering={order}"
                assert compiled(view, query) == plainly(view, user, query), query


@pytest.mark.parametrize("view", LISTS, ids=lambda view: view.__name__)
def test_all_filters_at_once_answer_as_a_plain_queryset(table, compiled, user, view):
    for query in queries(view, tuple(compilable(view)), rounds=6):
        assert compiled(view, query) == plainly(view, user, query), query


def test_a_value_that_stands_for_another_while_sql_is_made_is_a_value_like_others(table, compiled):
    """The first time these are asked together, and each is the other's sample."""
    ReadingViewSet.list_asked.cache_clear()
    for lead, contact in [(2**30 - 1, 2**30), (2**30, 2**30 - 1), (2**31 - 3, 2**31 - 3)]:
        answer = compiled(InteractionViewSet, f"lead={lead}&contact={contact}")
        found = Interaction.objects.filter(lead=lead, contact=contact)
        assert answer.count(b'"id"') == found.count() == 1


def test_nothing_that_was_asked_before_stays(table, compiled):
    seen = [
        compiled(InteractionViewSet, f"lead={lead}&date_after=1970-01-01") for lead in [KNOWN, 2**30, KNOWN, 0, KNOWN]
    ]
    assert seen[0] == seen[2] == seen[4] != seen[1]
    assert seen[3] == b"[]"


def test_the_same_filters_in_another_order_are_the_same_list(table, compiled):
    one = compiled(CallPlanViewSet, "next_call_after=2024-12-24&next_call_before=2098-01-02")
    assert one == compiled(CallPlanViewSet, "next_call_before=2098-01-02&next_call_after=2024-12-24") != b"[]"


def test_one_user_does_not_get_anothers_rows_where_views_show_each_their_own(table, user, reader, monkeypatch):
    """Everybody sees everything now; what a view shows may depend on who asks."""

    class Mine(RestaurantViewSet):
        @classmethod
        def visible(cls, user: int):
            return Restaurant.objects.filter(assigned_to=user)

    Restaurant.objects.filter(pk=7).update(assigned_to=user)
    Restaurant.objects.filter(pk=KNOWN).update(assigned_to=reader)
    mine = Mine.list_asked(Mine.serializer_class, (), ())
    one = Mine.one_row(Mine.serializer_class)
    for person, pk in [(user, 7), (reader, KNOWN), (user, 7)]:
        assert [row[0] for chunk in mine.chunks(user=person.pk) for row in chunk] == [pk]
        assert [len(one.rows(pk=each, user=person.pk)) for each in (7, KNOWN)] == [pk == 7, pk == KNOWN]
