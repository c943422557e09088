from datetime import UTC, datetime

import pytest
import time_machine
from django.urls import reverse

from call.models import CallPlan
from crm.tests.forms import send_form

ADD = reverse("admin:call_callplan_add")


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(datetime(2024, 12, 28, 9, 30, tzinfo=UTC), tick=False):
        yield


def send(client, path, **changes):
    return send_form(client, path, "callplan_form", **changes)


def test_a_new_plan_left_without_a_date_is_due_one_interval_from_today(admin_client, admin_user, lead):
    send(admin_client, ADD, lead=str(lead.pk), frequency="DAILY")
    plan = CallPlan.objects.get()
    assert plan.next_call_date == datetime(2024, 12, 29, tzinfo=UTC)
    assert (plan.last_called, plan.created_by) == (None, admin_user)


def test_a_new_plan_keeps_the_date_that_it_is_given(admin_client, lead):
    given = {"next_call_date_0": "2025-01-02", "next_call_date_1": "10:00:00"}
    send(admin_client, ADD, lead=str(lead.pk), frequency="DAILY", **given)
    assert CallPlan.objects.get().next_call_date == datetime(2025, 1, 2, 10, tzinfo=UTC)


def test_an_edited_frequency_moves_no_date(admin_client, lead):
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    send(admin_client, reverse("admin:call_callplan_change", args=[plan.pk]), frequency="WEEKLY")
    plan.refresh_from_db()
    assert (plan.frequency, plan.next_call_date) == ("WEEKLY", datetime(2024, 12, 29, tzinfo=UTC))


def test_a_plan_is_never_left_without_a_date(admin_client, lead):
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    none = {"next_call_date_0": "", "next_call_date_1": ""}
    answer = send(admin_client, reverse("admin:call_callplan_change", args=[plan.pk]), **none)
    assert "next_call_date" in answer.context["adminform"].form.errors
