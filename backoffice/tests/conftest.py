"""Fixtures of the tests of signing in with a second factor (the superuser's name is asha), of imports and My day."""

import pytest
import time_machine
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.template.response import TemplateResponse
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from backoffice.accounts import second_factor
from backoffice.accounts.roles import grant
from backoffice.tests.support import SECRET, sign_in_with_code
from call.models import CallPlan
from crm.tests import PASSWORD


@pytest.fixture
def noon():
    with time_machine.travel("2024-12-24T12:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture
def limits(settings):
    """With the limits of signing in."""
    settings.THROTTLE = True


@pytest.fixture
def superuser(db):
    return get_user_model().objects.create_superuser("asha", password=PASSWORD)


@pytest.fixture
def importer(db):
    return get_user_model().objects.create_superuser("importer")


@pytest.fixture
def device(superuser):
    return TOTPDevice.objects.create(user=superuser, name="Authenticator app", key=SECRET)


@pytest.fixture
def recovery(superuser, device) -> list[str]:
    """The recovery codes."""
    return second_factor.make_recovery_codes(superuser)


@pytest.fixture
def unrendered(monkeypatch):
    """Responses of the admin have their `context_data`, and no page: of most lists the page is what takes long."""
    monkeypatch.setattr(TemplateResponse, "rendered_content", "")


@pytest.fixture
def browser():
    return Client()


@pytest.fixture
def signed_in(superuser, browser):
    """A browser that has signed in, by the password alone."""
    browser.force_login(superuser)
    return browser


@pytest.fixture
def verified(device, recovery, browser):
    """A browser that has signed in with password and code."""
    sign_in_with_code(browser)
    return browser


# --- My day -------------------------------------------------------------------------------------------


@pytest.fixture
def roles(db):
    """As the migrations made them; tests that empty all tables delete them."""
    grant(apps, "default")


@pytest.fixture
def monday():
    """19 January 2026, 09:00 UTC."""
    with time_machine.travel("2026-01-19T09:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture
def kam_user(user, roles):
    """The user of the fixtures, as one of the group KAM signs in to the back office."""
    user.is_staff = True
    user.save()
    user.groups.add(Group.objects.get(name="KAM"))
    return user


@pytest.fixture
def kam_browser(kam_user, client):
    client.force_login(kam_user)
    return client


@pytest.fixture
def due(lead, contact):
    """A plan that was due the day before."""
    return CallPlan.objects.create(lead=lead, frequency="WEEKLY", next_call_date="2026-01-18T00:00:00Z")
