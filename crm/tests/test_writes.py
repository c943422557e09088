"""Compiled INSERT and UPDATE of one row write what Django's own write."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import DatabaseError, IntegrityError, connection, models, transaction
from django.db.models import F, Value
from django.db.models.functions import Lower, Upper
from django.db.models.signals import post_save, pre_save
from django.utils.connection import ConnectionDoesNotExist
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe

from call.models import Frequency, WorkProfile
from contact.models import Contact
from crm.db.search import SearchField
from crm.fast import Planned
from crm.fast.writes import FastWrites
from lead.models import Restaurant

OURS = [model for model in apps.get_models() if issubclass(model, FastWrites)]
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


@pytest.fixture(autouse=True)
def fast(settings):
    settings.FAST, settings.FAST_WITHOUT = True, []


@pytest.fixture(params=[True, False], ids=["fast", "plain"])
def either_way(request, settings):
    """Runs a test with the accelerator and without."""
    settings.FAST = request.param


def kinds_of_writes(statements: list[str]) -> set[type]:
    return {type(sql) for sql in statements if sql.startswith(("INSERT", "UPDATE"))}


# --- Whole rows -------------------------------------------------------------------------------------------------------


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
    assert type(new.pk) is int
    assert not new._state.adding
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


def test_every_timestamped_table_is_written_by_compiled_sql():
    assert {model.__name__ for model in OURS} >= {
        *("Restaurant", "StatusChange", "OwnerChange", "Contact", "Interaction", "OrderDetails"),
        *("CallPlan", "CallEvent", "WorkProfile", "FeedAddress"),
    }


@pytest.mark.parametrize("writes", [insert, update, update_one_by_one])
@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_rows_are_written_as_by_django(settings, statements, model, writes):
    ours = stored_by(model, writes)
    assert len(ours) == ROUNDS
    assert kinds_of_writes(statements) == {Planned}
    statements.clear()

    settings.FAST = False

    assert ours == stored_by(model, writes)
    assert kinds_of_writes(statements) == {str}


def test_the_api_uses_compiled_writes_unless_they_are_off(api, lead, statements, settings):
    for settings.FAST_WITHOUT, kind in ([[], Planned], [["writes"], str], [["reads"], Planned]):
        statements.clear()
        assert api.post("/contact/contacts/", {"restaurant": lead.pk, "name": "Asha Rao"}).status_code == 201
        assert api.patch(f"/lead/restaurants/{lead.pk}/", {"notes": f"{settings.FAST_WITHOUT}"}).status_code == 200
        assert kinds_of_writes(statements) == {kind}


def test_values_are_read_as_they_were_written(either_way, lead):
    given = {"name": TEXTS[1], "notes": TEXTS[2], "potential_revenue": Decimal("0.10"), "created_at": INSTANTS[1]}
    written = Restaurant.objects.create(**given, assigned_to=None)

    read = Restaurant.objects.get(pk=written.pk)

    assert {name: getattr(read, name) for name in given} == given
    assert read.assigned_to is None
    assert written.search == read.search != ""


def test_signal_receivers_are_called_for_every_write(either_way, lead):
    heard = []

    def hear(signal, instance, created=None, update_fields=None, **kwargs):
        heard.append((signal is post_save, instance.name, created, update_fields))
        instance.city = "Goa"  # of a receiver before the write, it is written

    for signal in (pre_save, post_save):
        signal.connect(hear, sender=Contact if signal is post_save else Restaurant)
    try:
        contact = Contact.objects.create(restaurant=lead, name="Asha Rao")
        contact.save(update_fields=["name"])
        lead.save()
    finally:
        for signal in (pre_save, post_save):
            signal.disconnect(hear, sender=Contact if signal is post_save else Restaurant)
    assert heard == [
        (True, "Asha Rao", True, None),
        (True, "Asha Rao", False, frozenset({"name", "search"})),
        (False, "Bistro Anna", None, None),
    ]
    assert Restaurant.objects.get().city == "Goa"


def test_a_fixture_is_loaded_unchanged(either_way, lead, statements):
    """`raw`, as loaddata saves it: what else a save does is left out."""
    Restaurant(pk=lead.pk + 1, name="Loaded", search="as dumped").save_base(raw=True, force_insert=True)
    assert Restaurant.objects.get(pk=lead.pk + 1).search == "as dumped"
    assert kinds_of_writes(statements) == {str}


def test_another_database_is_written_by_django(either_way, lead):
    lead.pk = None
    with pytest.raises(ConnectionDoesNotExist):
        lead.save(using="another")


def test_a_table_with_a_manager_of_its_own_is_written_by_django(monkeypatch, lead, statements):
    class Own(models.QuerySet):
        def _update(self, values):
            return super()._update(
                [(field, None, "Own" if field.name == "name" else value) for field, _, value in values]
            )

    manager = Own.as_manager()
    manager.model = Restaurant
    monkeypatch.setitem(vars(Restaurant._meta), "base_manager", manager)
    lead.save()
    assert kinds_of_writes(statements) == {str}
    assert Restaurant.objects.get().name == "Own"


# --- Values -----------------------------------------------------------------------------------------------------------


class Text(str):
    pass


ODD = [
    *(None, True, 1, 0, -1, 2**70, 1.5, Decimal("1.50"), "", "1", "2024-12-24", b"1", [], ["1"], {}, Text("1")),
    *(Frequency.DAILY, mark_safe("<b>"), lazystr("later"), INSTANTS[0], INSTANTS[0].replace(tzinfo=None)),
    INSTANTS[0].date(),
]


def handed_over(model, name: str, value) -> tuple:
    """What the driver is given for the column, with its type, or what is raised before."""
    adapted: tuple = ()

    def stop(execute, sql, params, *args):
        nonlocal adapted
        value = params[0] if len(params) > 1 else None  # which Django writes into the statement
        adapted = type(value), str(value), value if isinstance(value, datetime) else None
        raise Undone

    row = model(pk=1)
    setattr(row, name, value)
    try:
        with connection.execute_wrapper(stop):
            row.save_base(force_update=True, update_fields=[name])
    except Undone:
        return adapted
    except Exception as error:
        return type(error), str(error)
    finally:
        transaction.set_rollback(False)


@pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive datetime:RuntimeWarning")
@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_the_driver_gets_the_values_that_django_gives_it(db, settings, model):
    for field in model._meta.concrete_fields[1:]:
        for value in ODD:
            answers = []
            for settings.FAST in (True, False):
                answers.append(handed_over(model, field.attname, value))
            assert answers[0] == answers[1], (field, value)


def test_a_column_can_be_computed_from_the_stored_value(either_way, lead, interaction):
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


def test_a_foreign_key_can_be_copied_from_another_column(either_way, lead, reader):
    lead.assigned_to = reader
    lead.save()
    lead.created_by_id = F("assigned_to")
    lead.save()
    lead.refresh_from_db()
    assert lead.created_by == reader


def test_a_new_row_can_have_an_expression(either_way, lead):
    made = Restaurant(name="Bistro", notes=Lower(Value("ÅSA")), city="Pune")
    made.save()
    assert Restaurant.objects.get(pk=made.pk).notes in ("åsa", "Åsa")  # SQLite folds ASCII alone


# --- Rows that are gone, rows that are refused ------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{"update_fields": ["name"]}, {"force_update": True}])
def test_a_deleted_row_cannot_be_updated(either_way, contact, how):
    Contact.objects.filter(pk=contact.pk)._raw_delete("default")
    with pytest.raises(DatabaseError, match="did not affect any rows"), transaction.atomic():
        contact.save(**how)
    assert not Contact.objects.exists()


def test_a_deleted_row_is_inserted_again_by_a_full_save(either_way, contact):
    Contact.objects.filter(pk=contact.pk)._raw_delete("default")
    contact.save()
    assert Contact.objects.get() == contact


def test_a_row_with_an_id_of_its_own_keeps_it(either_way, lead):
    made = Contact(pk=2**62, restaurant=lead, name="John Doe")
    made.save()
    made.name = "Asha Rao"
    made.save()
    assert Contact.objects.values_list("pk", "name").get() == (2**62, "Asha Rao")


def test_an_id_may_be_given_as_text(either_way, lead):
    lead.pk, lead.name = f"{lead.pk}", "Changed"
    lead.save(update_fields=["name"])
    Contact(pk="7", restaurant=lead, name="John Doe").save()
    assert (Restaurant.objects.get().name, Contact.objects.get().pk) == ("Changed", 7)


def test_only_the_row_itself_is_changed(either_way, lead):
    others = [Restaurant.objects.create(name=name) for name in ("Before", "After")]
    lead.name, others[0].name = "Changed", "Changed too"
    lead.save(update_fields=["name"])
    others[0].save()
    assert set(Restaurant.objects.values_list("name", flat=True)) == {"Changed", "Changed too", "After"}


def test_a_constraint_violation_is_raised(either_way, lead, user):
    WorkProfile.objects.create(user=user)
    with pytest.raises(IntegrityError), transaction.atomic():
        WorkProfile(user=user).save()
    lead.lead_status = "NOWHERE"
    with pytest.raises(IntegrityError), transaction.atomic():
        lead.save()
    with pytest.raises(transaction.TransactionManagementError), transaction.atomic():
        with pytest.raises(IntegrityError):
            lead.save()
        lead.save()


def test_saving_no_fields_sends_no_query(either_way, lead, django_assert_num_queries):
    with django_assert_num_queries(0):
        lead.save(update_fields=[])
