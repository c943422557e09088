"""The bulk actions of the lists."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import IntegrityError

from backoffice.admin import actions
from backoffice.tests.support import CONTACTS, LEADS, PLANS, text_of
from call.models import CallPlan, WorkProfile
from contact.models import Contact
from crm.tests.support import form_of
from lead.models import OwnerChange, Restaurant, StatusChange
from track.models import Interaction

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def leads(user):
    return [Restaurant.objects.create(name=name, assigned_to=user) for name in ("Anna", "Cactus", "Alfreds")]


@pytest.fixture
def new_owner(db):
    return get_user_model().objects.create_user("asha", first_name="Asha", last_name="Rao")


def choose(client, path: str, action: str, rows, **more):
    """The intermediate page."""
    return client.post(path, {"action": action, "index": "0", "_selected_action": [row.pk for row in rows], **more})


def send(client, path: str, action: str, rows, **fields):
    """Select rows, fill in the intermediate page and submit it."""
    return client.post(path, {**sent_back(choose(client, path, action, rows), rows), **fields}, follow=True)


def sent_back(page, rows) -> dict:
    """The page's form; of names that come several times the parser keeps the last value."""
    return {**form_of(page, "action_form"), "_selected_action": [row.pk for row in rows]}


def message_of(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def kam(client, *permissions: str):
    """Sign in a staff user with these permissions."""
    staff = get_user_model().objects.create_user("staff", is_staff=True)
    staff.user_permissions.set(
        Permission.objects.filter(codename__in=["view_restaurant", "view_callplan", *permissions])
    )
    client.force_login(staff)
    return staff


# --- The intermediate page ----------------------------------------------------------------------


def test_the_action_page_shows_the_selected_rows_and_a_form(admin_client, leads):
    page = text_of(choose(admin_client, LEADS, "change_status", leads[:2]))
    assert "2 leads" in page
    assert "<li>Anna: New, kam</li>" in page
    assert "Alfreds" not in page
    assert '<select name="status"' in page
    assert ">Change status</button>" in page
    assert not StatusChange.objects.exists()


def test_the_action_page_lists_the_first_rows_and_counts_the_others(admin_client):
    rows = [Restaurant.objects.create(name=f"Bistro {number}") for number in range(23)]
    page = text_of(choose(admin_client, LEADS, "change_status", rows))
    assert page.count("<li>Bistro ") == 20
    assert "and 3 more" in page


def test_cancel_links_to_the_list_with_its_query(admin_client, leads):
    page = text_of(choose(admin_client, f"{LEADS}?status=NEW&q=anna", "change_status", leads[:1]))
    assert f'<a href="{LEADS}?status=NEW&amp;q=anna" class="button cancel">' in page


def test_an_action_redirects_to_the_list_with_its_query(admin_client, leads):
    answer = send(admin_client, f"{LEADS}?status=NEW", "change_status", leads[:1], status="LOST")
    assert answer.redirect_chain == [(f"{LEADS}?status=NEW", 302)]


@pytest.mark.parametrize("chosen", [["abc"], ["9" * 30], ["9" * 5_000], ["-1"], ["²"], [""]])
def test_invalid_row_ids_are_refused(chosen, admin_client, leads):
    data = {"action": "change_status", "index": "0", "_selected_action": chosen}
    assert "No such rows." in message_of(admin_client.post(LEADS, data, follow=True))


def test_an_unknown_action_changes_nothing(admin_client, leads):
    assert "No action selected." in message_of(
        admin_client.post(LEADS, {"action": "explode", "index": "0", "_selected_action": [leads[0].pk]}, follow=True)
    )


# --- All that match ---------------------------------------------------------------------------


def test_select_all_covers_rows_of_other_pages(admin_client, admin_user):
    rows = Restaurant.objects.bulk_create(Restaurant(name=f"Bistro {number}") for number in range(120))
    page = choose(admin_client, f"{LEADS}?status=NEW", "change_status", rows[:1], select_across="1")
    assert "120 leads" in text_of(page)
    form = sent_back(page, rows[:1])
    answer = admin_client.post(f"{LEADS}?status=NEW", {**form, "status": "LOST"}, follow=True)
    assert "Status changed: 120 leads." in message_of(answer)
    assert StatusChange.objects.filter(new_status="LOST", created_by=admin_user).count() == 120


def test_select_all_covers_only_rows_that_match_the_filter(admin_client, leads):
    leads[0].change_status("CONVERTED")
    page = choose(admin_client, f"{LEADS}?status=NEW", "change_status", leads[1:2], select_across="1")
    admin_client.post(f"{LEADS}?status=NEW", {**sent_back(page, leads[1:2]), "status": "LOST"})
    assert list(Restaurant.objects.order_by("id").values_list("lead_status", flat=True)) == [
        "CONVERTED",
        "LOST",
        "LOST",
    ]


def test_the_action_page_is_shown_again_when_the_match_count_changed(admin_client, leads):
    page = choose(admin_client, LEADS, "change_status", leads[:1], select_across="1")
    Restaurant.objects.create(name="New here")
    again = admin_client.post(LEADS, {**sent_back(page, leads[:1]), "status": "LOST"})
    assert "Meanwhile 4 match." in text_of(again)
    assert not StatusChange.objects.exists()
    admin_client.post(LEADS, {**sent_back(again, leads[:1]), "status": "LOST"})
    assert StatusChange.objects.count() == 4


def test_an_action_with_too_many_rows_is_refused(admin_client, leads, monkeypatch):
    monkeypatch.setattr(actions.ChangeStatuses, "max_rows", 2)
    answer = choose(admin_client, LEADS, "change_status", leads[:1], select_across="1")
    assert answer.status_code == 302
    assert "More than 2 leads match. Narrow them down first. Nothing was changed." in message_of(
        admin_client.get(LEADS)
    )


@pytest.mark.parametrize("rows", [3, 30])
def test_the_action_page_query_count_is_independent_of_the_selection(rows, admin_client, django_assert_num_queries):
    chosen = [Restaurant.objects.create(name=f"Bistro {number}") for number in range(rows)]
    with django_assert_num_queries(9):
        choose(admin_client, LEADS, "change_status", chosen)


# --- Change status ----------------------------------------------------------------------------


def test_change_status_sets_status_and_note_on_selected_leads(admin_client, admin_user, leads):
    leads[0].change_status("LOST")
    answer = send(admin_client, LEADS, "change_status", leads[:2], status="LOST", note="Closed for good.")
    assert message_of(answer) == "Status changed: 1 lead. 1 was left as it was."
    change = leads[1].status_changes.get()
    assert (change.new_status, change.note, change.created_by) == ("LOST", "Closed for good.", admin_user)
    assert LogEntry.objects.get().change_message == "Status changed to Lost."


def test_change_status_with_an_unknown_status_is_refused(admin_client, leads):
    answer = send(admin_client, LEADS, "change_status", leads, status="WON")
    assert "Nothing was changed." in text_of(answer)
    assert not StatusChange.objects.exists()


def test_change_status_is_atomic(admin_client, leads, monkeypatch):
    change_status = Restaurant.change_status

    def fail_at_the_last(lead, *args, **kwargs):
        if lead.pk == leads[2].pk:
            raise ZeroDivisionError
        return change_status(lead, *args, **kwargs)

    monkeypatch.setattr(Restaurant, "change_status", fail_at_the_last)
    with pytest.raises(ZeroDivisionError):
        send(admin_client, LEADS, "change_status", leads, status="LOST")
    assert not StatusChange.objects.exists()
    assert not Restaurant.objects.exclude(lead_status="NEW").exists()


def test_a_conflict_during_an_action_shows_a_message(admin_client, leads, monkeypatch):
    def fail(*args, **kwargs):
        raise IntegrityError

    monkeypatch.setattr(Restaurant, "change_status", fail)
    answer = send(admin_client, LEADS, "change_status", leads, status="LOST")
    assert "A simultaneous change got in the way." in text_of(answer)


# --- Hand over --------------------------------------------------------------------------------


def test_leads_of_several_owners_are_handed_over_in_one_action(admin_client, admin_user, leads, new_owner):
    leads[1].edit(assigned_to=None)
    leads[2].edit(assigned_to=new_owner)
    OwnerChange.objects.all().delete()
    answer = send(admin_client, LEADS, "hand_over", leads, to="asha", note="On leave.")
    assert message_of(answer) == "Handed over: 2 leads. 1 was left as it was."
    assert set(Restaurant.objects.values_list("assigned_to", flat=True)) == {new_owner.pk}
    changes = OwnerChange.objects.order_by("lead")
    assert [(change.lead, change.note, change.created_by) for change in changes] == [
        (leads[0], "On leave.", admin_user),
        (leads[1], "On leave.", admin_user),
    ]


def test_hand_over_moves_plans_to_the_new_owners_calendar(admin_client, leads, new_owner):
    WorkProfile.objects.create(user=new_owner, time_zone="Asia/Kolkata")
    plan = CallPlan.objects.create(lead=leads[0], frequency="DAILY")
    send(admin_client, LEADS, "hand_over", leads, to="Asha Rao")
    plan.refresh_from_db()
    assert plan.next_call_date == datetime(2026, 3, 20, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("to", "error"),
    [
        ("", "This field is required."),
        ("nobody", "No active user is called that."),
        ("gone", "No active user is called that."),
        ("a", "Several are called that: "),
    ],
)
def test_hand_over_takes_exactly_one_active_user(to, error, admin_client, leads, new_owner):
    get_user_model().objects.create_user("gone", is_active=False)
    answer = send(admin_client, LEADS, "hand_over", leads, to=to)
    assert error in text_of(answer)
    assert not OwnerChange.objects.exists()


# --- Record a call ----------------------------------------------------------------------------


@pytest.fixture
def plans(leads):
    return [
        CallPlan.objects.create(lead=lead, frequency="WEEKLY", next_call_date=NOON - timedelta(days=1))
        for lead in leads
    ]


def test_record_call_records_on_the_selected_plans(admin_client, admin_user, plans):
    answer = send(admin_client, PLANS, "record_call", plans[:2], outcome="REACHED", details="Wants a sample.")
    assert message_of(answer) == "Call recorded: 2 call plans."
    assert [call.details for call in Interaction.objects.all()] == ["Wants a sample."] * 2
    assert CallPlan.objects.filter(last_called=NOON).count() == 2
    assert set(plans[0].events.values_list("kind", "outcome", "created_by")) == {("CALLED", "REACHED", admin_user.pk)}
    assert not plans[2].events.exists()


def test_record_call_with_an_earlier_time_stores_that_time(admin_client, plans):
    send(admin_client, PLANS, "record_call", plans[:1], last_called="2026-03-19T09:30")
    plans[0].refresh_from_db()
    assert plans[0].last_called == datetime(2026, 3, 19, 9, 30, tzinfo=UTC)
    assert not Interaction.objects.exists()


def test_record_call_with_outcome_no_answer_keeps_the_dates(admin_client, plans):
    send(admin_client, PLANS, "record_call", plans[:1], outcome="NO_ANSWER")
    plans[0].refresh_from_db()
    assert plans[0].last_called is None
    assert plans[0].events.get().outcome == "NO_ANSWER"


@pytest.mark.parametrize("outcome", ["REACHED", "NO_ANSWER"])
def test_record_call_on_several_plans_of_a_lead_logs_one_interaction(outcome, admin_client, plans):
    other = CallPlan.objects.create(lead=plans[0].lead, frequency="MONTHLY", next_call_date=NOON)
    send(admin_client, PLANS, "record_call", [plans[0], other], outcome=outcome)
    assert Interaction.objects.count() == 1
    called = NOON if outcome == "REACHED" else None
    assert set(CallPlan.objects.filter(lead=plans[0].lead).values_list("last_called", flat=True)) == {called}


@pytest.mark.parametrize("when", ["2026-03-21T12:01", "1969-01-01T00:00", "2200-01-01T00:00", "yesterday"])
@pytest.mark.parametrize(("path", "action"), [(PLANS, "record_call"), (LEADS, "log_call")])
def test_record_call_with_an_invalid_time_is_refused(when, path, action, admin_client, leads, plans):
    answer = send(admin_client, path, action, plans if path == PLANS else leads, last_called=when)
    assert "Nothing was changed." in text_of(answer)
    assert not Interaction.objects.exists()
    assert not CallPlan.objects.filter(last_called__isnull=False).exists()


def test_log_call_on_selected_leads_moves_their_plans(admin_client, admin_user, leads, plans):
    answer = send(admin_client, LEADS, "log_call", leads[:2], details="New catalog.")
    assert message_of(answer) == "Call recorded: 2 leads."
    rows = Interaction.objects.values_list("interaction_type", "details", "date", "created_by")
    assert set(rows) == {("CALL", "New catalog.", NOON, admin_user.pk)}
    assert CallPlan.objects.filter(last_called=NOON).count() == 2


# --- Delete -----------------------------------------------------------------------------------


def test_bulk_delete_confirms_and_counts_related_rows(admin_client, leads, plans):
    Contact.objects.create(restaurant=leads[0], name="Asha Rao")
    page = text_of(choose(admin_client, LEADS, "delete_selected", leads[:1]))
    assert "1 lead" in page
    assert "Asha Rao" in page
    assert Restaurant.objects.count() == 3
    answer = send(admin_client, LEADS, "delete_selected", leads[:2])
    assert message_of(answer) == "Deleted: 2 leads."
    assert list(Restaurant.objects.values_list("name", flat=True)) == ["Alfreds"]


def test_bulk_delete_of_too_many_rows_is_refused(admin_client, leads, monkeypatch):
    monkeypatch.setattr(actions.DeleteRows, "max_rows", 2)
    choose(admin_client, LEADS, "delete_selected", leads)
    assert "More than 2 leads match." in message_of(admin_client.get(LEADS))


# --- Permissions -------------------------------------------------------------------------------

OFFERED = {
    "change_restaurant": {"change_status", "merge"},
    "hand_over_restaurant": {"hand_over"},
    "add_interaction": {"log_call"},
    "delete_restaurant": {"delete_selected"},
}


@pytest.mark.parametrize("permission", ["", *OFFERED])
def test_actions_on_leads_require_their_permission(permission, client, leads):
    kam(client, permission)
    may = OFFERED[permission] if permission else set()
    form = client.get(LEADS).context["action_form"]
    offered = {name for name, _ in form.fields["action"].choices if name} if form else set()
    assert offered == may
    for action in set().union(*OFFERED.values()) - may:
        choose(client, LEADS, action, leads, post="yes", status="LOST", to="staff")
    assert not StatusChange.objects.exists()
    assert not OwnerChange.objects.exists()
    assert not Interaction.objects.exists()
    assert Restaurant.objects.count() == 3


@pytest.mark.parametrize(
    "permissions", [["change_callplan"], ["add_interaction"], ["change_callplan", "add_interaction"]]
)
def test_record_call_requires_both_permissions(permissions, client, plans):
    kam(client, *permissions)
    choose(client, PLANS, "record_call", plans, post="yes")
    assert CallPlan.objects.filter(last_called=NOON).count() == (3 if len(permissions) == 2 else 0)


def test_contacts_have_only_the_delete_action(admin_client, contact):
    form = admin_client.get(CONTACTS).context["action_form"]
    assert "delete_selected" in dict(form.fields["action"].choices)
