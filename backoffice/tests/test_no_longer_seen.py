"""Pages of the admin tell nothing of rows that their user does not see, or does not see any more."""

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.http import QueryDict

from backoffice.admin.list_query import ListQuery
from backoffice.site import BackOfficeSite
from call.models import CallPlan
from lead.models import Restaurant

BOARD = "/admin/pipeline/"


@pytest.fixture
def me(user, settings):
    """A KAM who sees the own leads only, and may delete them."""
    settings.ACCESS = "own"
    user.is_staff = True
    user.save()
    user.groups.add(Group.objects.get(name="KAM"))
    user.user_permissions.add(Permission.objects.get(codename="delete_restaurant"))
    return user


@pytest.fixture
def browser(me, client):
    client.force_login(me)
    return client


@pytest.fixture
def colleague(db):
    return get_user_model().objects.create_user("asha")


@pytest.fixture
def hidden(colleague):
    return Restaurant.objects.create(name="Harbour Grill", assigned_to=colleague)


def test_a_deletion_names_no_hidden_lead_of_a_pair(browser, lead, hidden):
    lead.say_not_duplicate(hidden.pk)
    page = browser.get(f"/admin/lead/restaurant/{lead.pk}/delete/").content.decode()
    assert "Harbour Grill" not in page and "pairs of different" not in page


def test_a_merge_counts_no_pairs_with_hidden_leads(browser, me, lead, hidden):
    twin = Restaurant.objects.create(name="Bistro Ana", assigned_to=me)
    twin.say_not_duplicate(hidden.pk)
    assert lead.merge(twin.pk, by=me).moved == {}


def test_a_move_sent_again_shows_no_lead_that_was_handed_over(browser, lead, colleague):
    body = {"key": "once", "seen": "NEW", "status": "CONTACTED"}
    first = browser.post(f"{BOARD}{lead.pk}/move/", body, headers={"X-Requested-With": "fetch"})
    assert first.status_code == 200
    lead.edit(assigned_to=colleague.pk)
    again = browser.post(f"{BOARD}{lead.pk}/move/", body, headers={"X-Requested-With": "fetch"})
    assert again.status_code == 404


def test_a_tap_sent_again_shows_no_lead_that_was_handed_over(browser, lead, colleague):
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    body = {"key": "once", "do": "reached", "plan": plan.pk, "seen": 10**9}
    first = browser.post("/admin/my-day/", body, headers={"X-Requested-With": "fetch"})
    assert (first.status_code, "Bistro Anna" in first.text) == (200, True)
    lead.edit(assigned_to=colleague.pk)
    again = browser.post("/admin/my-day/", body, headers={"X-Requested-With": "fetch"})
    assert (again.status_code, "Bistro Anna" in again.text) == (404, False)


@pytest.mark.parametrize("name", ["asha", "nosuchuser"])
def test_a_saved_list_does_not_say_whether_a_hidden_user_exists(name, me, hidden, rf):
    site: BackOfficeSite = admin.site  # type: ignore[assignment]
    request = rf.get("/")
    request.user = me
    query = ListQuery(site.get_model_admin(Restaurant), QueryDict(f"owner={name}"), request)
    assert query.to_save() == f"owner={name}"
    assert list(query.problems()) == ["The user that this list names is gone, so it has no rows."]
