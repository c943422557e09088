"""All migrations of the last versions, backwards and forwards again."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection


@pytest.mark.django_db(transaction=True)
def test_the_migrations_go_back_and_forth():
    try:
        call_command("migrate", "contact", "0004_base_manager", verbosity=0, stdout=StringIO())
        with connection.cursor() as cursor:
            columns = [
                column.name for column in connection.introspection.get_table_description(cursor, "contact_contact")
            ]
        assert "name_fold" not in columns
    finally:
        call_command("migrate", verbosity=0, stdout=StringIO())
    with connection.cursor() as cursor:
        indexes = connection.introspection.get_constraints(cursor, "contact_contact")
    assert indexes["contact_in_order_of_name"]["columns"] == ["name_fold", "name", "id"]
