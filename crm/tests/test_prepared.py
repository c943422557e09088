"""SQL that is made once against what Django makes anew each time: the same rows are written, the same are read."""

from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import chain

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from django.db.models import F, Value
from django.db.models.functions import Lower, Upper
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe

from call.models import CallPlan, Frequency, WorkProfile
from call.profiles import OWNERS_PROFILE
from call.views import CallPlanViewSet
from contact.models import Contact
from contact.views import ContactViewSet
from crm.postgresql import PlannedOnce, SentLater
from crm.prepared import Columns, Prepared, PreparedWrites
from crm.search import SearchField
from crm.viewsets import SAMPLES
from lead.models import Restaurant
from lead.views import RestaurantViewSet
from track.models import LEADS, PEOPLE, Interaction
from track.views import InteractionViewSet

OURS = [model for model in apps.get_models() if issubclass(model, PreparedWrites)]
MAX_ID = 2**63 - 1
TEXTS = [
    "Plain",
    'it\'s 100 % of %s, %(x)s or $1; \\ and "quotes"',
    "अनपूर्णा 食堂 \N{SLICE OF PIZZA}\U0010ffff",
    "\x01\x7f\u2028\n\t ",
]
INSTANTS = [
    datetime(2024, 12, 24, 15, 30, tzinfo=UTC),
    datetime(2024, 12, 24, 15, 30, 0, 1, tzinfo=UTC),
    datetime(2100, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2000, 1, 1, 5, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
]
JSON = [[], [1, 2.5, None, True], {"from": TEXTS[2], "to": {"%s": TEXTS[1]}}, "", 2**40, [[TEXTS[3]]]]
VALUES = {
    models.BooleanField: [True, False],
    models.DateTimeField: INSTANTS,
    models.DecimalField: [Decimal("0.00"), Decimal("999999999999.99"), Decimal("0.10"), 5, "12.50", Decimal("1E+3")],
    models.JSONField: JSON,
    models.PositiveIntegerField: [1, 2**31 - 1, 2**16],
    models.TextField: TEXTS,
}
ROUNDS = 12


def values_of(field: models.Field) -> list:
    if field.remote_field:
        largest = 2**31 - 1 if field.related_model is get_user_model() else MAX_ID
        values = [largest, largest - 1]
    elif isinstance(field, models.CharField):
        values = list(dict(field.flatchoices)) or [text[: field.max_length] for text in TEXTS]
        values = [*values, ""] if field.blank else values
    else:
        values = next(VALUES[kind] for kind in type(field).__mro__ if kind in VALUES)
    return [None, *values] if field.null else values


def some_values(model: type[models.Model], number: int) -> dict:
    """Of all columns; two numbers that follow one another share none where there are two to choose from."""
    given = {}
    for place, field in enumerate(model._meta.concrete_fields):
        if not field.primary_key and not isinstance(field, SearchField):
            values = values_of(field)
            given[field.attname] = values[(number + place) % len(values)]
    return given


@pytest.fixture
def statements(db):
    """Those that went to the database, as they were handed over."""
    seen = []

    def note(execute, sql, *args):
        seen.append(sql)
        return execute(sql, *args)

    with connection.execute_wrapper(note):
        yield seen


@pytest.fixture
def djangos(monkeypatch):
    """From now on Django writes our rows itself."""

    def take_over() -> None:
        monkeypatch.delattr(PreparedWrites, "_do_insert")
        monkeypatch.delattr(PreparedWrites, "_do_update")

    return take_over


class Undone(Exception):
    pass


def stored_by(model, writes) -> list:
    """What stands in the table once `writes(new)` has written a new row, with its types, each time; and it is gone.

    Nobody checks foreign keys before the commit that never comes.
    """
    stored = []
    for number in range(ROUNDS):
        with pytest.raises(Undone), transaction.atomic():
            writes(model, number)
            with connection.cursor() as cursor:
                names = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields if not field.primary_key)
                cursor.execute(f'SELECT {names} FROM "{model._meta.db_table}"')
                stored += [[(type(value), value) for value in row] for row in cursor.fetchall()]
            raise Undone
    return stored


def insert(model, number: int) -> models.Model:
    new = model(**some_values(model, number))
    new.save_base(force_insert=True)
    assert new.pk
    return new


def update(model, number: int) -> None:
    row = insert(model, number)
    vars(row).update(some_values(model, number + 1))
    row.save_base(force_update=True)


def update_one_by_one(model, number: int) -> None:
    row = insert(model, number)
    names = [name for name in some_values(model, 0) if not name.startswith(("old_", "new_"))]  # two that must differ
    vars(row).update({name: value for name, value in some_values(model, number + 1).items() if name in names})
    for name in names:
        row.save_base(force_update=True, update_fields=[name])


def test_every_table_of_ours_with_stamps_is_written_so():
    assert {model.__name__ for model in OURS} >= {
        *("Restaurant", "StatusChange", "Contact", "Interaction", "OrderDetails"),
        *("CallPlan", "CallEvent", "WorkProfile", "FeedAddress"),
    }
    fields = [field for model in OURS for field in model._meta.concrete_fields]
    assert not any(getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False) for field in fields)


@pytest.mark.parametrize("writes", [insert, update, update_one_by_one])
@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_rows_are_written_as_django_writes_them(statements, djangos, model, writes):
    ours = stored_by(model, writes)
    assert len(ours) == ROUNDS
    assert {type(sql) for sql in statements if sql.startswith(("INSERT", "UPDATE"))} == {PlannedOnce}
    statements.clear()

    djangos()

    assert ours == stored_by(model, writes)
    assert PlannedOnce not in map(type, statements)


class Text(str):
    pass


ODD = [
    *(None, True, 1, 0, -1, 2**70, 1.5, Decimal("1.50"), "", "1", "2024-12-24", b"1", [], ["1"], {}, Text("1")),
    *(Frequency.DAILY, mark_safe("<b>"), lazystr("later"), INSTANTS[0], INSTANTS[0].replace(tzinfo=None)),
    INSTANTS[0].date(),
]


def outcome(call) -> tuple:
    """What it gives, with its type, or what it raises."""
    try:
        value = call()
        return type(value), str(value), value if isinstance(value, datetime) else None
    except Exception as error:
        return type(error), str(error)


@pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive datetime:RuntimeWarning")
@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_whatever_a_column_is_given_the_driver_gets_what_django_gives_it(model):
    for field in model._meta.concrete_fields:
        for value in ODD:
            ours = outcome(lambda field=field, value=value: Columns([field]).adapted([value], connection)[0])
            assert ours == outcome(lambda field=field, value=value: field.get_db_prep_save(value, connection))


def test_what_was_written_is_read_as_it_was_given(lead, user):
    given = {"name": TEXTS[1], "notes": TEXTS[2], "potential_revenue": Decimal("0.10"), "created_at": INSTANTS[1]}
    written = Restaurant.objects.create(**given, assigned_to=None)

    read = Restaurant.objects.get(pk=written.pk)

    assert {name: getattr(read, name) for name in given} == given
    assert read.assigned_to is None
    assert written.search == read.search != ""


def test_a_fixture_is_loaded_as_it_stands(lead):
    """`raw`, as loaddata saves it: what else a save does is left out."""
    Restaurant(pk=lead.pk + 1, name="Loaded", search="as dumped").save_base(raw=True, force_insert=True)
    assert Restaurant.objects.get(pk=lead.pk + 1).search == "as dumped"


# --- Expressions ------------------------------------------------------------------------------------------------------


def test_a_column_can_be_reckoned_from_what_is_stored(lead, interaction):
    Restaurant.objects.update(potential_revenue=10, state="Goa", city="Pune")
    lead.refresh_from_db()
    lead.potential_revenue = F("potential_revenue") + Decimal("0.5")
    lead.notes = Upper("state")
    lead.state = F("city")
    lead.save(update_fields=["potential_revenue", "notes", "state"])
    lead.refresh_from_db()
    assert (lead.potential_revenue, lead.notes, lead.state) == (Decimal("10.50"), "GOA", "Pune")

    interaction.date = F("created_at")
    interaction.save()
    interaction.refresh_from_db()
    assert interaction.date == interaction.created_at


def test_a_foreign_key_can_be_copied_from_another_column(lead, reader):
    lead.assigned_to = reader
    lead.save()
    lead.created_by_id = F("assigned_to")
    lead.save()
    lead.refresh_from_db()
    assert lead.created_by == reader


def test_a_new_row_can_hold_what_the_database_works_out(lead):
    made = Restaurant(name="Bistro", notes=Lower(Value("ÅSA")), city="Pune")
    made.save()
    assert Restaurant.objects.get(pk=made.pk).notes in ("åsa", "Åsa")  # SQLite folds ASCII alone


# --- Rows that are gone -----------------------------------------------------------------------------------------------


@pytest.fixture(params=["as prepared", "as Django"])
def either_way(request, djangos):
    """What is said of this holds whoever writes."""
    if request.param == "as Django":
        djangos()


@pytest.mark.parametrize("how", [{"update_fields": ["name"]}, {"force_update": True}])
def test_a_row_that_is_gone_cannot_be_changed(either_way, contact, how):
    Contact.objects.filter(pk=contact.pk)._raw_delete("default")
    with pytest.raises(DatabaseError, match="did not affect any rows"), transaction.atomic():
        contact.save(**how)
    assert not Contact.objects.exists()


def test_a_row_that_is_gone_comes_back_when_it_is_saved_whole(either_way, contact):
    Contact.objects.filter(pk=contact.pk)._raw_delete("default")
    contact.save()
    assert Contact.objects.get() == contact


def test_a_row_with_an_id_of_its_own_keeps_it(either_way, lead):
    made = Contact(pk=2**62, restaurant=lead, name="John Doe")
    made.save()
    made.name = "Asha Rao"
    made.save()
    assert Contact.objects.values_list("pk", "name").get() == (2**62, "Asha Rao")


def test_only_the_row_itself_is_changed(either_way, lead):
    others = [Restaurant.objects.create(name=name) for name in ("Before", "After")]
    lead.name, others[0].name = "Changed", "Changed too"
    lead.save(update_fields=["name"])
    others[0].save()
    assert set(Restaurant.objects.values_list("name", flat=True)) == {"Changed", "Changed too", "After"}


def test_saving_nothing_asks_nothing(either_way, lead, django_assert_num_queries):
    with django_assert_num_queries(0):
        lead.save(update_fields=[])


# --- Rows with a condition, rows without an id, rows that are locked --------------------------------------------------


@pytest.fixture(params=["in a transaction", "outside"])
def block(request, transactional_db):
    """What is said of this holds in both."""
    return transaction.atomic if request.param == "in a transaction" else nullcontext


def insert_if(model, number: int) -> None:
    lead = Restaurant.objects.order_by("pk").values_list("pk", flat=True)[0]
    assert model(**some_values(model, number)).insert_if(LEADS, lead=lead)


def insert_later(model, number: int) -> None:
    model(**some_values(model, number)).insert_later()


def insert_plainly(model, number: int) -> None:
    model(**some_values(model, number)).save(force_insert=True)


@pytest.mark.parametrize(("writes", "kind"), [(insert_if, PlannedOnce), (insert_later, SentLater)])
@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_with_a_condition_or_without_an_id_rows_are_written_as_django_writes_them(
    lead, statements, djangos, monkeypatch, model, writes, kind
):
    monkeypatch.setattr(model, "save", models.Model.save)  # whatever else a save of it does
    ours = stored_by(model, writes)
    assert {type(sql) for sql in statements if sql.startswith("INSERT")} == {kind}

    djangos()

    assert sorted(map(repr, ours)) == sorted(map(repr, stored_by(model, insert_plainly)))


def test_a_row_is_inserted_where_the_query_gives_one(block, lead):
    contact = Contact(restaurant=lead, name=TEXTS[1])
    with block():
        assert contact.insert_if(PEOPLE, lead=lead.pk, contact=0) is False
        assert (contact.pk, Contact.objects.exists()) == (None, False)
        assert contact.insert_if(LEADS, lead=lead.pk + 1) is False
        assert (contact.pk, Contact.objects.exists()) == (None, False)
        assert contact.insert_if(LEADS, lead=lead.pk) is True
        assert Contact.objects.get() == contact
    assert Contact.objects.values_list("pk", "name").get() == (contact.pk, TEXTS[1])


def test_a_condition_holds_for_its_own_insert_alone(block, lead):
    contact = Contact(restaurant=lead, name="Asha Rao")
    with block():
        assert contact.insert_if(LEADS, lead=0) is False
        contact.save()
        contact.name = "Asha"
        contact.save()
        Contact(restaurant=lead, name="John Doe").save()
    assert list(Contact.objects.values_list("name", flat=True)) == ["Asha", "John Doe"]


def test_a_condition_sees_what_was_sent_later_before_it(block):
    named = Prepared(lambda name: Restaurant.objects.filter(name=name).values_list("pk"), name="sample")
    with block():
        Restaurant(name="First").insert_later()
        assert Restaurant(name="Second").insert_if(named, name="First")
        assert not Restaurant(name="Third").insert_if(named, name="Nobody")
    assert list(Restaurant.objects.values_list("name", flat=True)) == ["First", "Second"]


def test_a_row_that_nobody_asks_the_id_of_is_written_once_whatever_follows(block, lead, django_assert_num_queries):
    contact = Contact(restaurant=lead, name="Asha Rao")
    with block():
        with django_assert_num_queries(1):
            contact.insert_later()
        Contact(restaurant=lead, name="John Doe").insert_later()
        lead.edit(city="Goa")
        assert list(Contact.objects.values_list("name", flat=True)) == ["Asha Rao", "John Doe"]
        Contact(restaurant=lead, name="Last").insert_later()
    assert list(Contact.objects.order_by("pk").values_list("name", flat=True)) == ["Asha Rao", "John Doe", "Last"]
    assert contact.pk is None


def test_a_row_that_nobody_asks_the_id_of_goes_with_its_transaction(transactional_db, lead):
    with suppress(Undone), transaction.atomic():
        Contact(restaurant=lead, name="Asha Rao").insert_later()
        raise Undone
    assert not Contact.objects.exists()


def test_a_row_that_nobody_asks_the_id_of_may_be_refused(block, lead, user):
    with pytest.raises(IntegrityError), block():
        Contact(restaurant_id=lead.pk + 1, name="Asha Rao").insert_later()
    with pytest.raises(IntegrityError), block():
        for _ in range(2):
            WorkProfile(user=user).insert_later()
    assert not Contact.objects.exists()
    assert WorkProfile.objects.count() == (block is nullcontext)


def test_a_row_is_locked_until_the_transaction_ends_that_locked_it(transactional_db, lead):
    assert not lead.is_locked
    with transaction.atomic():
        assert not lead.is_locked
        lead.lock()
        assert lead.is_locked
        assert not Restaurant.objects.get().is_locked
        with transaction.atomic():
            assert lead.is_locked
        assert lead.is_locked
    assert not lead.is_locked
    with transaction.atomic():
        assert not lead.is_locked
        row = Restaurant.from_locked_row(Restaurant.objects.locked().for_writing().get())
        assert row.is_locked
        assert not lead.is_locked
    assert not row.is_locked


def test_a_transaction_that_is_undone_ends_the_lock_too(transactional_db, lead):
    with suppress(Undone), transaction.atomic():
        lead.lock()
        raise Undone
    assert not lead.is_locked


def test_a_locked_row_is_changed_without_waiting_and_another_is_not(transactional_db, lead, statements):
    other = Restaurant.objects.create(name="Other")
    with transaction.atomic():
        lead.lock()
        statements.clear()
        lead.notes = TEXTS[1]
        lead.save(update_fields=["notes"])
        lead.city = "Goa"
        lead.save()
        other.save(update_fields=["notes"])
        assert [type(sql) for sql in statements] == [SentLater, SentLater, PlannedOnce]
        assert Restaurant.objects.values_list("notes", "city").get(pk=lead.pk) == (TEXTS[1], "Goa")
        lead.name = "At last"
        lead.save(update_fields=["name"])
    statements.clear()
    lead.save(update_fields=["name"])
    assert [type(sql) for sql in statements] == [PlannedOnce]
    assert Restaurant.objects.values_list("notes", "city", "name").get(pk=lead.pk) == (TEXTS[1], "Goa", "At last")


@pytest.mark.parametrize("how", [{"update_fields": ["name"]}, {"force_update": True}])
def test_a_row_that_was_locked_before_and_is_gone_since_cannot_be_changed(block, contact, how):
    with transaction.atomic():
        contact.lock()
    Contact.objects.filter(pk=contact.pk)._raw_delete("default")
    with pytest.raises(DatabaseError, match="did not affect any rows"), block():
        contact.save(**how)
    with block():
        contact.save()
    assert Contact.objects.get() == contact


# --- Reading ----------------------------------------------------------------------------------------------------------

IDS = [1, 2**30, 2**31 - 1, 2**31, 2**32 + 1, 2**40, 2**62, MAX_ID, *SAMPLES.values()]
NOBODY = [0, 2, 2**31 + 1, 2**63 - 2, None]
DETAILS = [RestaurantViewSet, ContactViewSet, InteractionViewSet, CallPlanViewSet]


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


def everything_prepared(user) -> list[tuple[Prepared, dict[str, str]]]:
    """With the name of the value that is an id, and the others."""
    return [
        (LEADS, "lead", {}),
        (OWNERS_PROFILE, "lead", {}),
        *((view.one_row(view.serializer_class), "pk", {"user": user.pk}) for view in DETAILS),
        *((view.locked_row(), "pk", {"user": user.pk}) for view in DETAILS),
        (CallPlanViewSet.locked_row().locked_by, "pk", {"user": user.pk}),
    ]


def test_prepared_rows_are_those_of_the_queryset_for_every_id(far, user):
    for prepared, name, others in everything_prepared(user):
        for pk in [*IDS, *NOBODY, *reversed(IDS)]:
            found = prepared.rows(**{name: pk}, **others)
            assert list(map(tuple, found)) == list(prepared.build(**{name: pk}, **others))
            assert bool(found) == (pk in IDS)
            assert found == list(chain(*prepared.chunks(**{name: pk}, **others)))


def test_people_are_known_by_their_own_lead_alone(far):
    for contact in [*IDS, *NOBODY]:
        for lead in [*IDS, *NOBODY]:
            assert bool(PEOPLE.rows(contact=contact, lead=lead)) == (contact == lead and contact in IDS)


def test_what_can_have_no_rows_is_not_asked(db, django_assert_num_queries):
    none = Prepared(lambda lead: Restaurant.objects.none().values_list("pk"), lead=MAX_ID)
    with django_assert_num_queries(0):
        none.lock(lead=1)
        assert none.rows(lead=1) == list(none.chunks(lead=1)) == []


def test_a_plan_is_locked_and_read_in_one_message(far, user, statements):
    with transaction.atomic():
        statements.clear()
        assert CallPlanViewSet.locked_row().rows(pk=1, user=user.pk)
        kinds = [type(sql) for sql in statements]
    assert kinds == [SentLater, PlannedOnce] if connection.vendor == "postgresql" else [PlannedOnce]


def test_values_go_where_their_samples_stood_however_often_and_in_whatever_order(far):
    shown = ("id", Value(7), "city", Value("%s"))
    late = Restaurant.objects.order_by().values_list(*shown)
    prepared = Prepared(
        lambda at, a, b: (
            late.filter(pk__in=[b, 1, a, a], created_at__gt=at, name__contains="%")
            .union(late.filter(pk=a), late.filter(pk=b, city=""))
            .order_by("id")
        ),
        a=MAX_ID - 1,
        b=MAX_ID - 2,
        at=INSTANTS[2],
    )
    for a, b in [(2**62, 1), (1, 2**62), (MAX_ID - 2, MAX_ID), (0, 0), (7, 2**31)]:
        for at in INSTANTS:
            expected = list(prepared.build(at=at, a=a, b=b))
            assert list(map(tuple, prepared.rows(at=at, a=a, b=b))) == expected
            assert [row[0] for row in expected] == sorted({a, b} & set(IDS))


def test_a_condition_that_never_holds_inserts_nothing(lead):
    never = Prepared(lambda lead: Restaurant.objects.none().values_list("pk"), lead=MAX_ID)
    assert Contact(restaurant=lead, name="Nobody").insert_if(never, lead=lead.pk) is False
    assert not Contact.objects.exists()


def test_a_lock_is_given_back_with_its_savepoint(transactional_db, lead):
    with transaction.atomic():
        with suppress(Undone), transaction.atomic():
            lead.lock()
            assert lead.is_locked
            raise Undone
        assert lead.is_locked == (connection.vendor == "sqlite")  # whose lock is the transaction's
        lead.lock()
        assert lead.is_locked
