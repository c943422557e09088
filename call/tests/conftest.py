"""Call plans on a Monday morning, the clock standing still."""

import pytest
import time_machine
from hypothesis import settings

from call.tests.support import NOW, client_of

settings.register_profile("thorough", max_examples=1_000)  # pytest --hypothesis-profile=thorough


@pytest.fixture
def now():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def kam(now, user):
    """A client signed in as `user`."""
    return client_of(user)


@pytest.fixture
def plan(now, plan):
    return plan
