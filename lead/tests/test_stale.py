"""Stale leads: long in their status, without a touch in these days, and without a call planned for today or later."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from call.models import CallPlan
from crm.tests.support import client_of
from lead.models import LeadStatus, Restaurant
from track.models import Interaction

NOW = datetime(2024, 12, 28, 9, 30, tzinfo=UTC)
LEADS = "/lead/restaurants/"
DAYS = {"NEW": 14, "CONTACTED": 21, "MEETING_SCHEDULED": 21, "NEGOTIATING": 30}


@pytest.fixture(autouse=True)
def frozen(settings):
    settings.STALE_DAYS = DAYS
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def api(user):
    return client_of(user)


def ago(**time) -> datetime:
    return NOW - timedelta(**time)


def lead_of(days: float = 60, status: str = "NEW") -> Restaurant:
    return Restaurant.objects.create(name="Bistro", lead_status=status, created_at=ago(days=days))


def is_stale(api, lead) -> bool:
    found, others = (
        {row["id"] for row in api.get(LEADS, {"stale": flag, "assigned_to": ""}).json()} for flag in ("1", "0")
    )
    assert found | others == set(Restaurant.objects.values_list("pk", flat=True))
    assert not found & others
    return lead.pk in found


def plan_for(lead, due: datetime) -> CallPlan:
    with time_machine.travel(ago(days=59), tick=False):
        return CallPlan.objects.create(lead=lead, frequency="WEEKLY", next_call_date=due)


@pytest.mark.parametrize("status", LeadStatus.values)
def test_an_open_lead_is_stale_beyond_the_days_of_its_status(api, status):
    limit = DAYS.get(status)
    assert is_stale(api, lead_of((limit or 900) + 0.01, status)) is (limit is not None)
    assert not is_stale(api, lead_of((limit or 900) - 0.01, status))


def test_the_days_count_from_the_last_move(api):
    lead = lead_of()
    with time_machine.travel(ago(days=20), tick=False):
        lead.change_status("CONTACTED")
    assert not is_stale(api, lead)
    with time_machine.travel(NOW + timedelta(days=1, seconds=1), tick=False):
        assert is_stale(api, lead)


@pytest.mark.parametrize(
    ("kind", "days", "expected"),
    [("CALL", 13, False), ("VISIT", 13, False), ("MEETING", -3, False), ("CALL", 15, True), ("EMAIL", 1, True)],
)
def test_only_a_touch_in_these_days_keeps_a_lead_from_it(api, kind, days, expected):
    lead = lead_of()
    Interaction.log(lead=lead, interaction_type=kind, date=ago(days=days))
    assert is_stale(api, lead) is expected


def test_an_attempt_that_reached_no_one_is_no_touch(api):
    lead = lead_of()
    plan = plan_for(lead, ago(days=50))
    plan.record_call(ago(days=1), outcome="NO_ANSWER")
    assert is_stale(api, lead)
    Interaction.log(lead=lead, interaction_type="CALL", date=ago(days=1))
    assert not is_stale(api, lead)


def test_a_call_recorded_without_details_is_contact(api):
    lead = lead_of()
    plan = plan_for(lead, ago(days=50))
    plan.record_call(ago(days=1))
    plan.pause()
    assert not is_stale(api, lead)


def test_an_edit_is_no_contact(api):
    lead = lead_of()
    lead.edit(notes="Moved.", assigned_to=None)
    assert is_stale(api, lead)


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        (NOW + timedelta(days=90), False),
        (NOW.replace(hour=0, minute=0), False),  # due today
        (NOW.replace(hour=0, minute=0) - timedelta(seconds=1), True),  # overdue
    ],
)
def test_a_call_planned_for_today_or_later_keeps_a_lead_from_it(api, due, expected):
    lead = lead_of()
    plan_for(lead, due)
    assert is_stale(api, lead) is expected


def test_a_paused_plan_is_none(api):
    lead = lead_of()
    plan_for(lead, NOW + timedelta(days=9)).pause()
    assert is_stale(api, lead)


def test_a_status_set_to_zero_does_not_go_stale(api, settings):
    lead = lead_of()
    settings.STALE_DAYS = {**DAYS, "NEW": 0}
    assert not is_stale(api, lead)
    settings.STALE_DAYS = {}
    assert not is_stale(api, lead)


@pytest.mark.parametrize("status", ["WON", "LOST"])
def test_days_of_a_status_that_does_not_go_stale_are_refused_at_the_start(settings, status):
    settings.STALE_DAYS = {**DAYS, status: 9}
    with pytest.raises(ImproperlyConfigured, match=status):
        apps.get_app_config("lead").ready()


def test_an_invalid_flag_is_named(api):
    answer = api.get(LEADS, {"stale": "maybe"})
    assert (answer.status_code, list(answer.json())) == (400, ["stale"])


def test_pages_of_stale_leads_are_counted(api):
    for days in (10, 20, 30, 40):
        lead_of(days)
    answer = api.get(LEADS, {"stale": "true", "page_size": 2, "ordering": "-created_at"})
    assert (len(answer.json()), answer["X-Total-Count"]) == (2, "3")


def test_the_start_page_counts_what_its_link_lists(admin_client):
    for days in (10, 20, 30):
        lead_of(days)
    lead_of(90, "CONVERTED")
    page = admin_client.get("/admin/")
    assert '<a href="/admin/lead/restaurant/?stale=1"><strong>2 leads</strong></a> stale, of 3 open' in page.text
    assert admin_client.get("/admin/lead/restaurant/?stale=1").context["cl"].result_count == 2
