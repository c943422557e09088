"""Leads handed over: their plans follow the calendar of the new owner."""

import pytest
from django.contrib.auth import get_user_model

from call.models import CallPlan, WorkProfile
from call.tests.support import dates_of
from lead.models import Restaurant


@pytest.fixture
def asha(db):
    """Works in Kolkata, and not on Tuesdays."""
    asha = get_user_model().objects.create_user("asha")
    WorkProfile.objects.create(user=asha, time_zone="Asia/Kolkata", working_days=[1, 3, 4, 5])
    return asha


def test_a_plan_is_recomputed_on_the_new_owners_calendar(kam, user, asha, plan):
    assert dates_of(kam.get(f"/call/{plan.pk}/").json()) == (None, "2026-01-20T00:00:00Z")
    body = {"from": user.pk, "to": asha.pk, "leads": [plan.lead_id]}
    assert kam.post("/lead/restaurants/hand_over/", body, format="json").status_code == 200
    assert dates_of(kam.get(f"/call/{plan.pk}/").json()) == (None, "2026-01-20T18:30:00Z")  # Wednesday in Kolkata


def test_an_overridden_date_survives_a_hand_over(kam, user, asha, plan):
    kam.patch(f"/call/{plan.pk}/", {"next_call_date": "2026-02-02T10:00:00Z"})
    Restaurant.objects.hand_over(user.pk, asha.pk)
    assert dates_of(kam.get(f"/call/{plan.pk}/").json()) == (None, "2026-02-02T10:00:00Z")


@pytest.mark.parametrize("leads", [30, 300])
def test_the_plans_of_many_leads_cost_no_query_each(now, user, asha, leads, django_assert_max_num_queries):
    """Where their dates stay; else one update each."""
    made = Restaurant.objects.bulk_create(Restaurant(name="A", assigned_to=user) for _ in range(leads))
    CallPlan.objects.bulk_create(CallPlan(lead=lead, frequency="DAILY") for lead in made)
    WorkProfile.objects.filter(user=asha).delete()  # the same calendar
    with django_assert_max_num_queries(20):
        Restaurant.objects.hand_over(user.pk, asha.pk)
