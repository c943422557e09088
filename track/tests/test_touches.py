"""The signal `touch_changed`, which tracking sends without knowing its receivers."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction

from lead.models import Restaurant
from track.models import Interaction
from track.signals import touch_changed
from track.touches import Touch

MONDAY = datetime(2026, 1, 19, 9, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
def sent(monkeypatch):
    """What a receiver gets inside the transaction: the touch before, the touch after, and the user."""
    sent = []

    def receive(sender, interaction, before, after, by, **kwargs):
        assert connection.in_atomic_block
        assert Interaction.objects.filter(pk=interaction.pk).exists()
        sent.append((before, after, by))

    monkeypatch.setattr(touch_changed, "receivers", [])
    touch_changed.connect(receive, Interaction, weak=False)
    return sent


@pytest.fixture
def call(lead, sent):
    call = Interaction.log(lead=lead, interaction_type="CALL", date=MONDAY)
    sent.clear()
    return call


def test_a_new_touch_is_sent_once(lead, user, sent):
    Interaction.log(lead=lead, interaction_type="VISIT", date=MONDAY, created_by=user)
    assert sent == [(None, Touch(lead.pk, MONDAY), user)]


def test_an_interaction_that_is_no_touch_is_not_sent(lead, sent):
    email = Interaction.log(lead=lead, interaction_type="EMAIL")
    email.edit(details="Sent the catalog.", date=TUESDAY)
    email.delete()
    assert sent == []


def test_is_touch_false_sends_nothing(lead, sent):
    Interaction.log(lead=lead, interaction_type="CALL", is_touch=False)
    assert sent == []


def test_a_touch_with_another_date_is_sent_with_both_dates(call, lead, user, sent):
    call.edit(date=TUESDAY, by=user)
    assert sent == [(Touch(lead.pk, MONDAY), Touch(lead.pk, TUESDAY), user)]


def test_a_touch_with_another_lead_is_sent_with_both_leads(call, lead, sent):
    other = Restaurant.objects.create(name="Cafe Blau")
    call.edit(lead=other)
    assert sent == [(Touch(lead.pk, MONDAY), Touch(other.pk, MONDAY), None)]


def test_a_touch_retyped_as_an_email_is_sent_and_so_is_its_return(call, lead, sent):
    call.edit(interaction_type="EMAIL")
    call.edit(interaction_type="MEETING")
    assert sent == [(Touch(lead.pk, MONDAY), None, None), (None, Touch(lead.pk, MONDAY), None)]


def test_an_edit_that_leaves_the_touch_as_it_was_is_not_sent(call, sent):
    call.edit(details="Asked for the catalog.", interaction_type="VISIT", order_placed=True)
    call.write_order(product_details="50 units", quantity=50, total_price=500)
    assert sent == []


def test_a_deleted_touch_is_sent_while_its_row_exists(call, lead, user, sent):
    call.delete(by=user)
    assert sent == [(Touch(lead.pk, MONDAY), None, user)]


def test_an_exception_of_a_receiver_undoes_the_change(lead, monkeypatch):
    def refuse(sender, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(touch_changed, "receivers", [])
    touch_changed.connect(refuse)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Interaction.log(lead=lead, interaction_type="CALL")
    assert not Interaction.objects.exists()


def test_a_type_that_does_not_exist_is_refused_at_the_start(settings):
    settings.TOUCH_TYPES = ["CALL", "TELEGRAM"]
    with pytest.raises(ImproperlyConfigured, match="TELEGRAM"):
        apps.get_app_config("track").ready()


@pytest.mark.parametrize(("given", "types"), [(None, ["CALL", "VISIT", "MEETING"]), ("VISIT", ["VISIT"]), ("", [])])
def test_the_environment_names_the_types(given, types, monkeypatch):
    if given is None:
        monkeypatch.delenv("TOUCH_TYPES", raising=False)
    else:
        monkeypatch.setenv("TOUCH_TYPES", given)
    program = "from crm.settings import TOUCH_TYPES; print(TOUCH_TYPES)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == str(types)


def test_tracking_does_not_know_the_call_plans():
    modules = [path for path in Path(__file__).parents[1].rglob("*.py") if "tests" not in path.parts]
    assert [path for path in modules if re.search(r"^(from|import) call\b", path.read_text(), re.MULTILINE)] == []
