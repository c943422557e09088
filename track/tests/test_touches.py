"""The hook by which tracking tells of touches, knowing nothing of who listens."""

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
from track import touches
from track.models import Interaction
from track.touches import Touch

MONDAY = datetime(2026, 1, 19, 9, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
def told(monkeypatch):
    """What a subscriber hears: the touch before, the touch after, and by whom; inside a transaction."""
    heard = []

    def listen(interaction, before, after, by):
        assert connection.in_atomic_block
        assert Interaction.objects.filter(pk=interaction.pk).exists()
        heard.append((before, after, by))

    monkeypatch.setattr(touches.changed, "subscribers", [listen])
    return heard


@pytest.fixture
def call(lead, told):
    call = Interaction.log(lead=lead, interaction_type="CALL", date=MONDAY)
    told.clear()
    return call


def test_a_new_touch_is_told_once(lead, user, told):
    Interaction.log(lead=lead, interaction_type="VISIT", date=MONDAY, created_by=user)
    assert told == [(None, Touch(lead.pk, MONDAY), user)]


def test_one_that_is_none_is_not_told(lead, told):
    email = Interaction.log(lead=lead, interaction_type="EMAIL")
    email.edit(details="Sent the catalog.", date=TUESDAY)
    email.delete()
    assert told == []


def test_whoever_sees_to_it_may_keep_it_quiet(lead, told):
    Interaction.log(lead=lead, interaction_type="CALL", is_touch=False)
    assert told == []


def test_a_touch_with_another_date_is_told_with_both(call, lead, user, told):
    call.edit(date=TUESDAY, by=user)
    assert told == [(Touch(lead.pk, MONDAY), Touch(lead.pk, TUESDAY), user)]


def test_a_touch_with_another_lead_is_told_with_both(call, lead, told):
    other = Restaurant.objects.create(name="Cafe Blau")
    call.edit(lead=other)
    assert told == [(Touch(lead.pk, MONDAY), Touch(other.pk, MONDAY), None)]


def test_a_touch_that_becomes_none_is_told_and_so_is_its_return(call, lead, told):
    call.edit(interaction_type="EMAIL")
    call.edit(interaction_type="MEETING")
    assert told == [(Touch(lead.pk, MONDAY), None, None), (None, Touch(lead.pk, MONDAY), None)]


def test_an_edit_that_leaves_the_touch_as_it_was_is_not_told(call, told):
    call.edit(details="ListQuery for the catalog.", interaction_type="VISIT", order_placed=True)
    call.write_order(product_details="50 units", quantity=50, total_price=500)
    assert told == []


def test_a_deleted_touch_is_told_while_it_is_still_there(call, lead, user, told):
    call.delete(by=user)
    assert told == [(Touch(lead.pk, MONDAY), None, user)]


def test_what_a_subscriber_raises_undoes_the_change(lead, monkeypatch):
    def refuse(*args):
        raise ZeroDivisionError

    monkeypatch.setattr(touches.changed, "subscribers", [refuse])
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
    asked = "from crm.settings import TOUCH_TYPES; print(TOUCH_TYPES)"
    answer = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == str(types)


def test_tracking_does_not_know_the_call_plans():
    modules = [path for path in Path(__file__).parents[1].rglob("*.py") if "tests" not in path.parts]
    assert [path for path in modules if re.search(r"^(from|import) call\b", path.read_text(), re.MULTILINE)] == []
