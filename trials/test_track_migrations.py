"""Orders that former versions wrote are upgraded, and go back."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from lead.models import Restaurant
from track.models import Interaction, OrderDetails

MONDAY = datetime(2026, 1, 19, 9, tzinfo=UTC)
BEFORE, AFTER = "0002_base_manager", "0003_order_follows_interaction_date"


def insert(table: str, row: dict) -> None:
    adapt = connection.ops.adapt_datetimefield_value
    row = {name: adapt(value) if isinstance(value, datetime) else value for name, value in row.items()}
    columns = ", ".join(f'"{name}"' for name in row)
    with connection.cursor() as cursor:
        cursor.execute(f'INSERT INTO "{table}" ({columns}) VALUES ({", ".join(["%s"] * len(row))})', [*row.values()])


def insert_interaction(pk: int, interaction_type: str, *, order_placed: bool) -> None:
    row = {"id": pk, "lead_id": Restaurant.objects.get().pk, "interaction_type": interaction_type, "details": ""}
    stamps = {"date": MONDAY, "created_at": MONDAY, "updated_at": MONDAY}
    insert("track_interaction", {**row, "order_placed": order_placed, **stamps})


def insert_order(pk: int, order_date: datetime, *, order_placed: bool = True) -> None:
    stamps = {"created_at": MONDAY, "updated_at": MONDAY}
    order = {"product_details": "Oil", "quantity": 1, "total_price": 5, "order_date": order_date}
    insert_interaction(pk, "ORDER", order_placed=order_placed)
    insert("track_orderdetails", {"id": pk, "interaction_id": pk, **order, **stamps})


@pytest.fixture
def db(django_db_setup, django_db_blocker):
    """The tables as they were before, with orders; in the end they are migrated again.

    In the place of pytest-django's, which is a transaction: in one SQLite cannot change tables.
    """
    with django_db_blocker.unblock():
        lead = Restaurant.objects.create(name="Bistro Anna")
        call_command("migrate", "track", BEFORE, verbosity=0)
        try:
            insert_order(1, MONDAY)
            insert_order(2, MONDAY + timedelta(days=1))
            insert_order(3, MONDAY, order_placed=False)
            insert_interaction(4, "CALL", order_placed=False)
            yield
        finally:
            call_command("migrate", verbosity=0)  # other apps were migrated back with it
            lead.delete()


def test_former_orders_of_the_interactions_date_follow_it(db):
    call_command("migrate", "track", AFTER, verbosity=0)
    follows = dict(OrderDetails.objects.values_list("pk", "follows_interaction_date"))
    assert follows == {1: True, 2: False, 3: True}


def test_a_flag_that_was_missing_beside_details_is_set_and_stamped(db):
    call_command("migrate", "track", AFTER, verbosity=0)
    assert dict(Interaction.objects.values_list("pk", "order_placed")) == {1: True, 2: True, 3: True, 4: False}
    assert [*Interaction.objects.filter(updated_at__gt=MONDAY).values_list("pk", flat=True)] == [3]


def test_the_upgrade_of_orders_can_be_reversed(db):
    call_command("migrate", "track", AFTER, verbosity=0)
    call_command("migrate", "track", BEFORE, verbosity=0)
    insert_order(5, MONDAY)
    call_command("migrate", "track", AFTER, verbosity=0)
    assert OrderDetails.objects.get(pk=5).follows_interaction_date
