"""Every address of the admin, as every user of backoffice/tests/test_access.py, with each ACCESS: a minute of CPU."""

import pytest
from django.core.cache import cache
from django.db import transaction

from backoffice.tests.test_access import PEOPLE, SEES, World, answers, expected_answers

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("access", SEES)
def test_every_address_answers_as_the_table_says(access, person, world, settings):
    settings.ACCESS = access
    cache.clear()
    assert answers(world, person) == expected_answers(access, person)
