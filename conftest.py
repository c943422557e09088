"""The small cast that the tests know by name."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from rest_framework.test import APIClient

from call.models import CallPlan
from contact.models import Contact
from crm.api.permissions import READ_ONLY_GROUP
from lead.models import Restaurant
from track.models import Interaction

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def fast_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def no_limits(settings):
    """Limits are for the tests that are about them."""
    settings.THROTTLE = False


@pytest.fixture
def user(db):
    return get_user_model().objects.create_user("kam", password=PASSWORD)


@pytest.fixture
def reader(db):
    """A member of the group `Read only`."""
    reader = get_user_model().objects.create_user("reader", password=PASSWORD)
    reader.groups.add(Group.objects.get_or_create(name=READ_ONLY_GROUP)[0])
    return reader


@pytest.fixture
def stranger(db):
    """A client that has not signed in."""
    return APIClient()


@pytest.fixture
def api(user):
    """A client that has signed in with a token, as `user`."""
    return signed_in(user)


def signed_in(user) -> APIClient:
    client = APIClient()
    answer = client.post("/api/token/", {"username": user.username, "password": PASSWORD})
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
    return client


@pytest.fixture
def lead(user):
    return Restaurant.objects.create(name="Bistro Anna", city="Pune", assigned_to=user, created_by=user)


@pytest.fixture
def contact(lead):
    return Contact.objects.create(restaurant=lead, name="Asha Rao", role="Manager", phone="123-456-7890")


@pytest.fixture
def interaction(lead, contact):
    return Interaction.log(lead=lead, contact=contact, interaction_type="CALL", details="ListQuery for the catalog.")


@pytest.fixture
def plan(lead):
    return CallPlan.objects.create(lead=lead, frequency="DAILY")
