"""The timeline of a lead."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.urls import reverse

from backoffice.admin.timeline import timeline_page
from backoffice.tests.support import staff
from call.models import CallPlan
from lead.models import Restaurant
from lead.timeline import Cursor
from track.models import Interaction

NOW = datetime(2024, 12, 28, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


def titles(lead, user, **kwargs) -> list[str]:
    return [entry["title"] for entry in timeline_page(lead.pk, user, **kwargs)[0]]


def everything(lead, user, size) -> list:
    """Page after page."""
    found, before = [], None
    while True:
        entries, before = timeline_page(lead.pk, user, before, size)
        found += [tuple(entry[key] for key in ("moment", "kind", "title", "text")) for entry in entries]
        if before is None:
            return found
        before = Cursor.parse(str(before))
        assert len(entries) == size


def test_the_timeline_has_events_of_all_tables_newest_first(lead, contact, user, admin_user):
    def at(day: int):
        return time_machine.travel(NOW + timedelta(days=day), tick=False)

    with at(1):
        plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
        Interaction.log(lead=lead, contact=contact, interaction_type="EMAIL", details="Sent the catalog.")
    with at(2):
        lead.change_status("CONTACTED", by=user, note="Liked it.")
    with at(3):
        plan.record_call(NOW + timedelta(days=3), by=user, outcome="NO_ANSWER", contact_id=contact.pk)
    with at(4):
        plan.skip(by=user, reason="Closed.")
    with at(5):
        lead.edit(assigned_to=admin_user, by=user)
    with at(6):
        order = {"product_details": "Oil", "quantity": 2, "total_price": Decimal("1234.50")}
        Interaction.log(lead=lead, interaction_type="ORDER", order=order)
    entries = timeline_page(lead.pk, admin_user)[0]
    assert [(entry["title"], entry["text"], entry["by"]) for entry in entries] == [
        ("Order", "", None),
        ("Owner: kam → admin", "", user),
        ("Call of 30 Dec 2024 skipped", "Closed.", user),
        ("Call with Asha Rao: no answer", "", user),
        ("Status: New → Contacted", "Liked it.", user),
        ("Email with Asha Rao", "Sent the catalog.", None),
        ("Contact added: Asha Rao, Manager", "", None),
    ]
    assert entries[0]["order"] == "Oil · quantity 2 · 1,234.50"


@pytest.mark.parametrize(
    ("verb", "title"),
    [
        (lambda plan: plan.record_call(NOW), "Called (weekly plan)"),
        (lambda plan: plan.snooze(NOW + timedelta(days=9)), "Call of 4 Jan 2025 put off to 6 Jan 2025"),
        (lambda plan: plan.skip(), "Call of 4 Jan 2025 skipped"),
        (lambda plan: plan.pause(), "Weekly calls paused"),
        (lambda plan: plan.edit(next_call_date=NOW), "Next call set to 28 Dec 2024"),
        (lambda plan: plan.set_frequency("MONTHLY"), "Calls now monthly"),
    ],
)
def test_every_event_of_a_plan_has_its_title(verb, title, lead, admin_user):
    verb(CallPlan.objects.create(lead=lead, frequency="WEEKLY"))
    assert titles(lead, admin_user) == [title]


def test_a_visit_that_moves_plans_is_one_entry(lead, plan, admin_user):
    Interaction.log(lead=lead, interaction_type="VISIT")
    assert plan.events.count() == 1
    assert titles(lead, admin_user) == ["Visit"]


def test_the_timeline_excludes_other_leads(lead, admin_user):
    other = Restaurant.objects.create(name="Cactus Comidas para llevar")
    other.change_status("LOST")
    Interaction.log(lead=other, interaction_type="VISIT")
    CallPlan.objects.create(lead=other, frequency="DAILY").skip()
    assert titles(lead, admin_user) == []


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
def test_pages_hold_every_entry_once_even_with_equal_times(size, lead, plan, user, admin_user):
    for number in range(4):
        Interaction.log(lead=lead, interaction_type="EMAIL", details=f"{number}", date=NOW)
        plan.skip(reason=f"{number}")
    for status in ("CONTACTED", "LOST", "NEW"):
        lead.change_status(status)
    lead.edit(assigned_to=None)
    lead.edit(assigned_to=user)
    Interaction.log(lead=lead, interaction_type="EMAIL", details="before", date=NOW - timedelta(microseconds=1))
    Interaction.log(lead=lead, interaction_type="EMAIL", details="after", date=NOW + timedelta(microseconds=1))
    found = everything(lead, admin_user, size)
    assert len(found) == len(set(found)) == 4 + 4 + 3 + 2 + 2
    assert found == everything(lead, admin_user, 100)
    assert [text for *_, text in (found[0], found[-1])] == ["after", "before"]
    assert [moment for moment, *_ in found] == sorted((moment for moment, *_ in found), reverse=True)


def test_new_entries_while_paging_move_nothing(lead, admin_user):
    for number in range(6):
        Interaction.log(lead=lead, interaction_type="EMAIL", details=f"{number}")
    first, before = timeline_page(lead.pk, admin_user, size=3)
    Interaction.log(lead=lead, interaction_type="EMAIL", details="new", date=NOW + timedelta(hours=1))
    second, before = timeline_page(lead.pk, admin_user, before, size=3)
    assert [entry["text"] for entry in first + second] == ["5", "4", "3", "2", "1", "0"]
    assert before is None


@pytest.mark.parametrize("rows", [3, 30])
@pytest.mark.parametrize("before", [None, Cursor(NOW + timedelta(days=1), "CALL", 1)])
def test_a_page_costs_one_query_a_table(rows, before, lead, contact, plan, admin_user, django_assert_num_queries):
    for _ in range(rows):
        order = {"product_details": "Oil", "quantity": 2, "total_price": 5}
        Interaction.log(lead=lead, contact=contact, interaction_type="ORDER", order=order, created_by=admin_user)
        plan.skip(by=admin_user)
        lead.change_status("LOST", by=admin_user)
        lead.change_status("NEW", by=admin_user)
        lead.edit(assigned_to=None, by=admin_user)
        lead.edit(assigned_to=admin_user, by=admin_user)
    with django_assert_num_queries(8):  # two of the call plans, whose logs are read by plan
        entries = timeline_page(lead.pk, admin_user, before, size=200)[0]
        assert len({(entry["title"], str(entry["by"]), entry["href"]) for entry in entries}) > 3


@pytest.mark.parametrize("text", ["", "x", "1-2", "1-2-x", "9" * 400 + "-0-1", "1-0-" + "9" * 400, "-5-0-1", "1-1-1-1"])
def test_an_invalid_cursor_is_ignored(text, admin_client, lead):
    path = reverse("admin:lead_restaurant_timeline", args=[lead.pk])
    assert admin_client.get(path, {"before": text}).status_code == 200


# --- Who may see what -----------------------------------------------------------------------------


@pytest.fixture
def account(lead, contact, plan, user):
    """A lead with something in every table."""
    order = {"product_details": "Oil", "quantity": 2, "total_price": 5}
    Interaction.log(lead=lead, contact=contact, interaction_type="ORDER", order=order)
    plan.record_call(NOW, outcome="REACHED")
    plan.skip()
    lead.change_status("LOST")
    lead.edit(assigned_to=None)
    return lead


@pytest.mark.parametrize(
    ("permissions", "visible"),
    [
        ([], []),
        (["lead.view_statuschange"], ["Status: New → Lost"]),
        (["lead.view_ownerchange"], ["Owner: kam → unowned"]),
        (["track.view_interaction"], ["Call", "Order"]),
        (
            ["track.change_interaction", "contact.view_contact"],
            ["Call", "Contact added: Asha Rao, Manager", "Order with Asha Rao"],
        ),
        (["track.view_interaction", "call.view_callevent"], ["Call of 29 Dec 2024 skipped", "Call: reached", "Order"]),
        (["call.view_callevent"], ["Call of 29 Dec 2024 skipped", "Called (daily plan): reached"]),
    ],
)
def test_the_timeline_shows_what_the_user_may_view(permissions, visible, account):
    assert sorted(titles(account, staff(*permissions))) == visible


def test_the_timeline_hides_orders_without_permission(account):
    entries = timeline_page(account.pk, staff("track.view_interaction"))[0]
    assert [entry["order"] for entry in entries] == ["", ""]


def test_the_whole_timeline_has_pages(admin_client, lead):
    for number in range(60):
        Interaction.log(lead=lead, interaction_type="EMAIL", details=f"Letter {number}.")
    first = admin_client.get(reverse("admin:lead_restaurant_timeline", args=[lead.pk]))
    assert [entry["text"] for entry in first.context["entries"]] == [f"Letter {number}." for number in range(59, 9, -1)]
    second = admin_client.get(first.wsgi_request.path, {"before": str(first.context["older"])})
    assert [entry["text"] for entry in second.context["entries"]] == [
        f"Letter {number}." for number in range(9, -1, -1)
    ]
    assert second.context["older"] is None


def test_the_timeline_page_requires_permission_to_view_leads(client, account):
    client.force_login(staff("track.view_interaction"))
    assert client.get(reverse("admin:lead_restaurant_timeline", args=[account.pk])).status_code == 403


def test_the_timeline_page_of_a_missing_lead_redirects_to_the_list(admin_client):
    answer = admin_client.get(reverse("admin:lead_restaurant_timeline", args=[5]))
    assert (answer.status_code, answer["Location"]) == (302, reverse("admin:lead_restaurant_changelist"))
