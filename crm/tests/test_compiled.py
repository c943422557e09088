"""Compiled queries return what their querysets return; so does locking a row."""

from copy import deepcopy
from datetime import UTC, datetime
from functools import partial
from itertools import product

import pytest
from django.db import models, router, transaction
from django.db.models import Value
from django.utils.connection import ConnectionDoesNotExist

from call.models import CallPlan, WorkProfile
from call.models.work_profile import profile_of_owner
from call.views import CallPlanViewSet
from contact.models import Contact
from contact.views import ContactViewSet
from crm.api.authentication import users
from crm.fast import Planned
from crm.fast.compiled import ID, CompiledQuery, locked_row
from crm.models import RevokedToken
from lead.models import Restaurant
from lead.views import RestaurantViewSet
from track.models import Interaction, contact_of_lead, existing_lead
from track.views import InteractionViewSet

MAX_ID = 2**63 - 1
TEXTS = ["Plain", "100 % of %s or $1", "अनपूर्णा 食堂 \N{SLICE OF PIZZA}", "\x01\u2028\n"]
INSTANTS = [datetime(2024, 12, 24, 15, 30, tzinfo=UTC), datetime(2098, 1, 1, 0, 0, 0, 1, tzinfo=UTC)]
IDS = [1, 2**30, 2**31 - 1, 2**31, 2**32 + 1, 2**40, 2**61, 2**62, ID, MAX_ID]  # those of all placeholders among them
NO_USER = [0, 2, 2**31 + 1, 2**63 - 2, None]
DETAILS = [RestaurantViewSet, ContactViewSet, InteractionViewSet, CallPlanViewSet]


@pytest.fixture(autouse=True)
def fast(settings):
    settings.FAST, settings.FAST_WITHOUT = True, []


@pytest.fixture(params=[True, False], ids=["fast", "plain"])
def either_way(request, settings):
    """Runs a test with the accelerator and without."""
    settings.FAST = request.param


@pytest.fixture
def far(user):
    """Every table has rows with these ids, and each row of leads its own neighbours."""
    WorkProfile.objects.create(user=user, time_zone="Asia/Kolkata", working_days=[1, 2], leave=[])
    leads = Restaurant.objects.bulk_create(
        Restaurant(pk=pk, name=f"Lead {pk}", potential_revenue=None if pk % 2 else 12, assigned_to=user) for pk in IDS
    )
    Contact.objects.bulk_create(Contact(pk=lead.pk, restaurant=lead, name=TEXTS[lead.pk % 4]) for lead in leads)
    for pk, other in zip(IDS, reversed(IDS), strict=True):
        Interaction.objects.bulk_create([Interaction(pk=pk, lead_id=other, contact_id=other, interaction_type="CALL")])
        CallPlan.objects.bulk_create([CallPlan(pk=pk, lead_id=other, frequency="DAILY")])


def fields_of(found) -> list:
    """Rows as they are; of instances, all that they hold."""
    return [(type(row), state_of(row)) if isinstance(row, models.Model) else tuple(row) for row in found]


def state_of(instance) -> dict:
    state = instance._state
    state_fields = {"db": state.db, "adding": state.adding, "cached": dict(state.fields_cache)}
    return {**vars(instance), "_state": state_fields, "deferred": instance.get_deferred_fields()}


# --- Queries ----------------------------------------------------------------------------------------------------------


def everything_compiled() -> list[tuple[CompiledQuery, str]]:
    """With the name of the value that is an id."""
    locked = [locked_row(view.queryset) for view in DETAILS]
    locked += [locked_row(model.objects) for model in (Restaurant, Contact, Interaction, CallPlan)]
    return [(existing_lead, "lead"), (profile_of_owner, "lead"), *((each, "pk") for each in locked)]


def test_compiled_rows_are_those_of_the_queryset_for_every_id(far, statements):
    for query, name in everything_compiled():
        for pk in [*IDS, *NO_USER, *reversed(IDS)]:
            statements.clear()
            found = query(**{name: pk})
            assert [type(sql) for sql in statements] == [Planned]
            assert fields_of(found) == fields_of(query.build(**{name: pk}))
            assert bool(found) == (pk in IDS)


def test_a_contact_is_found_in_its_own_lead_alone(far):
    for contact, lead in product([*IDS, *NO_USER], repeat=2):
        assert bool(contact_of_lead(contact=contact, lead=lead)) == (contact == lead and contact in IDS)


def test_the_user_of_a_token_is_the_one_of_the_queryset(user, reader, django_user_model):
    WorkProfile.objects.create(user=reader, time_zone="Asia/Kolkata")
    django_user_model.objects.create(username="gone", is_active=False)
    for name in ("ended", "the token"):  # which is a sample
        RevokedToken.objects.create(name=name, expires_at=INSTANTS[1])
    ids = [*django_user_model.objects.values_list("pk", flat=True), 0, 2**31 - 1]
    for pk, session, token in product(ids, ["running", "ended", "the session"], ["fresh", "ended", "the token"]):
        claims = {"user": pk, "session": session, "token": token}
        found = users(**claims)
        assert fields_of(found) == fields_of(users.build(**claims))
        assert [each.is_revoked for each in found] == (
            [{session, token} & {"ended", "the token"} != set()] * len(found)
        )
    assert [each.read_only for each in users(user=reader.pk, session="a", token="b")] == [True]


def test_a_query_that_can_have_no_rows_is_not_sent(db, django_assert_num_queries):
    none = CompiledQuery(lambda lead: Restaurant.objects.none(), {"lead": MAX_ID})
    with django_assert_num_queries(0):
        assert none(lead=1) == []


def test_values_replace_their_placeholders_in_any_number_and_order(far):
    late = Restaurant.objects.order_by().values_list("id", Value(7), "city", Value("%s"))

    @partial(CompiledQuery, placeholders={"a": MAX_ID - 1, "b": MAX_ID - 2, "at": INSTANTS[1]})
    def either(at, a, b):
        return (
            late.filter(pk__in=[b, 1, a, a], created_at__gt=at, name__contains="%")
            .union(late.filter(pk=a), late.filter(pk=b, city=""))
            .order_by("id")
        )

    for a, b in [(2**62, 1), (1, 2**62), (MAX_ID - 2, MAX_ID), (0, 0), (7, 2**31)]:
        for at in INSTANTS:
            expected = list(either.build(at=at, a=a, b=b))
            assert fields_of(either(at=at, a=a, b=b)) == expected
            assert [row[0] for row in expected] == sorted({a, b} & set(IDS))


def test_annotations_and_deferred_fields_are_those_of_the_queryset(far):
    @partial(CompiledQuery, placeholders={"pk": MAX_ID - 1})
    def rows(pk):
        return Restaurant.objects.annotate(text=Value("%s"), moment=models.F("created_at")).defer("notes").filter(pk=pk)

    for pk in IDS:
        assert fields_of(rows(pk=pk)) == fields_of(rows.build(pk=pk))
    assert rows(pk=1)[0].notes == ""


def test_a_query_for_many_rows_is_planned_for_its_values(far, statements):
    rows = CompiledQuery(
        lambda pk: Restaurant.objects.filter(pk__gte=pk).order_by("id"), {"pk": MAX_ID - 1}, is_long=True
    )
    for pk in IDS:
        statements.clear()
        found = rows(pk=pk)
        assert [type(sql) for sql in statements] == [str]
        assert fields_of(found) == fields_of(rows.build(pk=pk))


# --- Where Django does it ---------------------------------------------------------------------------------------------


def test_routers_are_consulted_where_they_are_in_use(far, monkeypatch, statements):
    claims = []

    class Router:
        def db_for_read(self, model, **hints):
            claims.append(model)
            return "default"

    existing_lead(lead=1)
    monkeypatch.setitem(vars(router), "routers", [Router()])
    statements.clear()
    assert existing_lead(lead=1) == [(1,)]
    assert (set(claims), [type(sql) for sql in statements]) == ({Restaurant}, [str])


def test_a_query_with_using_goes_to_that_database(far, settings):
    assert existing_lead(lead=1, using="default") == [(1,)]
    with pytest.raises(ConnectionDoesNotExist):
        existing_lead(lead=1, using="another")


@pytest.mark.parametrize("off", [{"FAST": False}, {"FAST_WITHOUT": ["reads"]}])
def test_with_fast_off_the_queryset_itself_runs(far, settings, statements, off):
    existing_lead(lead=1)
    for name, value in off.items():
        setattr(settings, name, value)
    statements.clear()
    assert existing_lead(lead=1) == [(1,)]
    assert [type(sql) for sql in statements] == [str]


# --- Locking ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def busy(contact, interaction):
    """A lead of which much is known, and an interaction with its order; then all of it changes."""
    interaction.write_order(product_details="Oil", quantity=1, total_price=5)
    lead = Restaurant.objects.prefetch_related("contacts").select_related("assigned_to").get()
    known = Interaction.objects.select_related("lead", "contact", "order").get()
    lead.own, known.own = "of the instance", "too"
    lead.name = known.details = "not saved"
    Restaurant.objects.update(name=TEXTS[2], potential_revenue=12, assigned_to=None, updated_at=INSTANTS[1])
    Interaction.objects.update(order_placed=False, contact=None)
    assert lead._prefetched_objects_cache and {*lead._state.fields_cache} == {"assigned_to"}
    assert {*known._state.fields_cache} == {"lead", "contact", "order"}
    return [lead, known]


def locked(instance) -> dict:
    with transaction.atomic():
        instance.lock()
    return state_of(instance)


def test_a_row_locked_by_compiled_sql_is_the_one_of_the_queryset(busy, settings, statements):
    ours = [locked(instance) for instance in deepcopy(busy)]
    assert [type(sql) for sql in statements if sql.startswith("SELECT")] == [Planned] * 2

    settings.FAST = False

    assert ours == [locked(instance) for instance in deepcopy(busy)]
    assert [(each["_state"]["cached"], each["_prefetched_objects_cache"]) for each in ours] == [({}, {})] * 2
    assert (ours[0]["name"], ours[0]["own"], ours[1]["contact_id"]) == (TEXTS[2], "of the instance", None)


def test_deferred_fields_are_read_as_they_are_now(either_way, busy):
    some = Restaurant.objects.only("name", "city").get()
    Restaurant.objects.update(name="At last", notes="Changed")
    locked(some)
    Restaurant.objects.update(city="Goa")
    assert (some.name, some.city, some.notes) == ("At last", "Pune", "Changed")


def test_a_deleted_row_cannot_be_locked(either_way, contact):
    Contact.objects.filter(pk=contact.pk)._raw_delete("default")
    with pytest.raises(Contact.DoesNotExist, match=r"^Contact matching query does not exist\.$"):
        locked(contact)
    with pytest.raises(Contact.DoesNotExist):
        locked(Contact(name="New"))
    assert contact.name == "Asha Rao"


def test_an_override_of_refresh_from_db_is_called(either_way, lead, monkeypatch):
    def refresh_from_db(self, *args, **kwargs):
        models.Model.refresh_from_db(self, *args, **kwargs)
        self.notes = "read in its own way"

    monkeypatch.setattr(Restaurant, "refresh_from_db", refresh_from_db, raising=False)
    locked(lead)
    assert lead.notes == "read in its own way"
