"""My day: what is on it and why, and that a tap does what the API's verb does, once."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.utils.dateparse import parse_datetime

from backoffice.tests.my_day import PATH, queue, tap
from backoffice.tests.support import staff, text_of
from call.models import CallEvent, CallPlan, WorkProfile
from contact.models import Contact
from crm.tests import PASSWORD
from lead.models import Restaurant
from track.models import Interaction

pytestmark = pytest.mark.usefixtures("roles", "monday")


@pytest.fixture
def browser(kam_browser):
    return kam_browser


# --- The page -----------------------------------------------------------------------------------------


def test_it_is_the_first_page_of_a_kam(browser):
    assert browser.get("/admin/").headers["Location"] == PATH


@pytest.mark.parametrize("groups", [["KAM", "Back office"], ["Manager"], ["Read only"]])
def test_it_is_not_the_first_page_of_others(groups, client, user):
    user.is_staff = True
    user.save()
    user.groups.set(Group.objects.filter(name__in=groups))
    client.force_login(user)
    assert client.get("/admin/").status_code == 200


def test_superusers_begin_with_the_overview_and_have_a_day_too(admin_client):
    assert admin_client.get("/admin/").status_code == 200
    assert admin_client.get(PATH).status_code == 200


def test_the_overview_is_one_click_from_the_day(browser):
    assert 'href="/admin/overview/"' in text_of(browser.get(PATH))
    assert "Pipeline" in text_of(browser.get("/admin/overview/"))


def test_users_who_may_not_see_plans_have_no_day(client, db):
    client.force_login(staff("lead.view_restaurant"))
    assert client.get(PATH).status_code == 403
    assert PATH not in text_of(client.get("/admin/"))


def test_the_lists_are_those_of_the_agenda(browser, api, due, user):
    Restaurant.objects.create(name="Unowned")
    Restaurant.objects.create(name="Without a plan", assigned_to=user)
    later = Restaurant.objects.create(name="Later", assigned_to=user)
    CallPlan.objects.create(lead=later, frequency="DAILY", next_call_date="2026-01-21T00:00:00Z")
    agenda = api.get("/call/agenda/").json()
    expected = {name: [entry["lead"]["name"] for entry in rows] for name, rows in agenda.items() if type(rows) is list}
    assert queue(browser) == {name: names for name, names in expected.items() if names}


def test_an_entry_says_why_whom_to_call_and_what_was_last(browser, due, lead, contact):
    order = Interaction.log(
        lead_id=lead.pk, contact_id=contact.pk, interaction_type="ORDER", date=parse_datetime("2026-01-10T10:00Z")
    )
    order.write_order(product_details="Rice", quantity=5, total_price=50)
    Interaction.log(
        lead_id=lead.pk, interaction_type="VISIT", details="Met the chef.", date=parse_datetime("2026-01-02T10:00Z")
    )
    page = text_of(browser.get(PATH))
    for said in (
        "Bistro Anna",
        "Pune",
        "1 day overdue: due on 2026-01-18, never called.",
        "Asha Rao, Manager",
        '<a href="tel:1234567890">123-456-7890</a>',
        "Visit 2 Jan 2026: Met the chef.",
        "Order 10 Jan 2026, 50.00",
    ):
        assert said in page, said


def test_without_a_work_profile_it_says_how_to_set_the_zone(browser, user):
    assert "the server’s zone: set your own" in text_of(browser.get(PATH))
    WorkProfile.objects.create(user=user, time_zone="Asia/Kolkata")
    page = text_of(browser.get(PATH))
    assert "the server’s zone: set your own" not in page
    assert 'in <a href="/admin/my-work-profile/">Asia/Kolkata</a>.' in page


def test_the_day_is_the_kams_own(browser, user, monday):
    WorkProfile.objects.create(user=user, time_zone="Asia/Kolkata")
    monday.move_to("2026-01-19T18:30:00Z")
    assert "Tuesday, 20 January 2026" in text_of(browser.get(PATH))


@pytest.mark.parametrize("leads", [3, 30])
def test_the_page_costs_the_same_queries_however_long_it_is(browser, user, leads, django_assert_max_num_queries):
    for number in range(leads):
        lead = Restaurant.objects.create(name=f"Lead {number}", assigned_to=user)
        Contact.objects.create(restaurant=lead, name="Asha Rao")
        if number % 3:
            plan = CallPlan.objects.create(lead=lead, frequency="DAILY", next_call_date="2026-01-18T00:00:00Z")
            plan.record_call(plan.created_at, by=user, outcome="NO_ANSWER")
    with django_assert_max_num_queries(22):
        browser.get(PATH)


def test_read_only_sees_no_buttons(client, reader, due):
    reader.is_staff = True
    reader.save()
    client.force_login(reader)
    CallPlan.objects.all().update(lead=Restaurant.objects.create(name="Cafe Blau", assigned_to=reader))
    page = text_of(client.get(PATH))
    assert "Cafe Blau" in page
    assert 'name="do"' not in page
    assert tap(client, "reached", due).status_code == 403
    assert not due.events.exists()


# --- Calls --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("do", "outcome", "kind"),
    [
        ("reached", "REACHED", "CALLED"),
        ("no_answer", "NO_ANSWER", "ATTEMPTED"),
        ("left_message", "LEFT_MESSAGE", "ATTEMPTED"),
    ],
)
def test_a_tap_records_the_call_with_its_outcome(do, outcome, kind, browser, due, contact, user):
    answer = tap(browser, do, due, contact=contact.pk)
    assert answer.status_code == 200
    event = due.events.get()
    assert (event.kind, event.outcome, event.created_by) == (kind, outcome, user)
    assert (event.interaction.contact, event.interaction.interaction_type) == (contact, "CALL")


def test_a_call_leaves_the_queue_and_is_under_done(browser, due):
    tap(browser, "reached", due)
    assert queue(browser) == {"upcoming": ["Bistro Anna"]}
    page = text_of(browser.get(PATH))
    assert "Bistro Anna</a>: Reached, 09:00. Next call Mon 26 Jan." in page


def test_a_tap_sent_twice_is_one_call(browser, due):
    first = tap(browser, "reached", due, seen=0)
    second = tap(browser, "reached", due, seen=0)
    assert (first.content, due.events.count(), Interaction.objects.count()) == (second.content, 1, 1)


def test_a_second_device_that_shows_an_old_page_records_nothing(browser, due):
    tap(browser, "reached", due, seen=0)
    answer = tap(browser, "reached", due, seen=0, key="tap-2")
    assert answer.status_code == 409
    assert "You did something here at 09:00: called. Nothing was recorded now." in text_of(answer)
    assert due.events.count() == 1


def test_what_a_colleague_did_is_said_and_can_be_overruled(browser, due):
    colleague = get_user_model().objects.create_user("asha")
    due.record_call(due.created_at, by=colleague, outcome="NO_ANSWER")
    answer = tap(browser, "reached", due, seen=0)
    assert (answer.status_code, "asha" in answer.text) == (409, True)
    assert tap(browser, "reached", due, seen=0, key="tap-2", anyway="on").status_code == 200
    assert [event.kind for event in due.events.order_by("id")] == ["ATTEMPTED", "CALLED"]


def test_without_a_script_the_page_comes_back_with_what_was_done(browser, due):
    answer = tap(browser, "reached", due, script=False)
    event = due.events.get()
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{PATH}?done=event-{event.pk}#event-{event.pk}")
    page = text_of(browser.get(answer.headers["Location"]))
    assert "Call recorded. Next call: 26 Jan 2026." in page
    assert f'id="event-{event.pk}"' in page
    assert '<details class="more-of-it" open>' in page


def test_a_plan_that_is_gone_is_said_to_be(browser, due):
    pk = due.pk
    due.delete()
    answer = tap(browser, "reached", plan=pk)
    assert (answer.status_code, "gone" in answer.text) == (404, True)


def test_a_lead_without_a_plan_takes_a_call_and_a_plan(browser, lead, contact):
    assert tap(browser, "log_call", lead, seen=0, contact=contact.pk).status_code == 200
    assert Interaction.objects.get().contact == contact
    assert tap(browser, "plan_calls", lead, key="tap-2", frequency="BIWEEKLY").status_code == 200
    assert CallPlan.objects.get().frequency == "BIWEEKLY"


def test_an_unattended_lead_can_be_taken_over(browser, user):
    lead = Restaurant.objects.create(name="Unowned")
    assert queue(browser) == {"unattended": ["Unowned"]}
    assert tap(browser, "take_over", lead).status_code == 200
    lead.refresh_from_db()
    assert (lead.assigned_to, lead.owner_changes.get().created_by) == (user, user)


# --- Later --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("do", "fields", "day"),
    [
        ("tomorrow", {}, "2026-01-20"),
        ("three_days", {}, "2026-01-22"),
        ("next_week", {}, "2026-01-26"),
        ("put_off", {"until": "2026-02-03"}, "2026-02-03"),
    ],
)
def test_a_call_is_put_off(do, fields, day, browser, due):
    assert tap(browser, do, due, **fields).status_code == 200
    due.refresh_from_db()
    assert str(due.next_call_date.date()) == day
    assert due.events.get().kind == "SNOOZED"


@pytest.mark.parametrize("until", ["", "2026-01-19", "2019-01-01", "soon"])
def test_a_wrong_date_is_named_and_changes_nothing(until, browser, due):
    answer = tap(browser, "put_off", due, until=until)
    assert (answer.status_code, "Until" in answer.text) == (400, True)
    assert not due.events.exists()


def test_a_call_is_skipped_with_a_reason(browser, due):
    tap(browser, "skip", due, reason="Closed on Mondays.")
    assert (due.events.get().kind, due.events.get().reason) == ("SKIPPED", "Closed on Mondays.")


# --- Undo ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("do", ["reached", "no_answer", "left_message", "tomorrow", "skip"])
def test_undo_brings_everything_back(do, browser, due):
    other = CallPlan.objects.create(lead=due.lead, frequency="MONTHLY", next_call_date="2026-02-18T00:00:00Z")
    before = [(plan.next_call_date, plan.last_called) for plan in CallPlan.objects.order_by("id")]
    tap(browser, do, due)
    event = due.events.get()
    assert tap(browser, "undo", event, key="tap-2").status_code == 200
    assert [(plan.next_call_date, plan.last_called) for plan in CallPlan.objects.order_by("id")] == before
    assert not Interaction.objects.exists()
    assert not CallEvent.objects.in_effect().exists()
    assert other.events.count() in (0, 2)
    assert queue(browser)["overdue"] == ["Bistro Anna"]


def test_undo_twice_takes_back_once(browser, due):
    tap(browser, "skip", due)
    event = due.events.get()
    tap(browser, "undo", event, key="tap-2")
    answer = tap(browser, "undo", event, key="tap-3")
    assert (answer.status_code, "already" in answer.text) == (200, True)
    assert due.events.filter(kind="CORRECTED").count() == 1


def test_a_colleagues_call_is_not_undone(browser, due):
    due.record_call(due.created_at, by=get_user_model().objects.create_user("asha"), outcome="REACHED")
    assert tap(browser, "undo", due.events.get()).status_code == 404
    assert CallEvent.objects.in_effect().count() == 1


# --- Note and order -----------------------------------------------------------------------------------


def test_a_note_and_an_order_go_to_the_call(browser, due):
    tap(browser, "reached", due)
    event = due.events.get()
    fields = {"note": "Wants rice.", "product_details": "Rice", "quantity": 5, "total_price": "50.00"}
    assert tap(browser, "note", event, key="tap-2", **fields).status_code == 200
    interaction = Interaction.objects.get()
    assert (interaction.details, interaction.order_placed, interaction.order.quantity) == ("Wants rice.", True, 5)


def test_half_an_order_is_refused_and_names_what_is_missing(browser, due):
    tap(browser, "reached", due)
    answer = tap(browser, "note", due.events.get(), key="tap-2", note="Rice", product_details="Rice")
    assert (answer.status_code, "Quantity" in answer.text) == (400, True)
    assert Interaction.objects.get().details == ""


# --- A session that has ended -------------------------------------------------------------------------


def test_a_tap_after_the_session_ended_is_there_after_signing_in(kam_user, due):
    browser = Client()
    answer = tap(browser, "reached", due, note="Wants rice.")
    assert answer.status_code == 302
    assert not due.events.exists()
    login = answer.headers["Location"]
    answer = browser.post(login, {"username": "kam", "password": PASSWORD}, follow=True)
    page = text_of(answer)
    assert "“Reached” for Bistro Anna was not recorded." in page
    assert 'value="Wants rice."' in page
    assert 'name="key" value="tap-1"' in page
    assert tap(browser, "reached", due, note="Wants rice.").status_code == 200
    assert Interaction.objects.get().details == "Wants rice."


@pytest.mark.parametrize("query", ["do=reached&plan=x", "do=nothing&plan=1", "do=reached&plan=99999", "do=reached"])
def test_a_link_with_a_wrong_draft_shows_the_page_without_it(query, browser):
    answer = browser.get(f"{PATH}?{query}")
    assert (answer.status_code, answer.context["draft"]) == (200, None)


@pytest.mark.parametrize("fields", [{"do": "explode"}, {"key": ""}, {"plan": "x"}, {"plan": 0}, {"seen": -1}])
def test_a_wrong_field_is_a_message_and_changes_nothing(fields, browser, due):
    answer = tap(browser, **{"do": "reached", "row": due, **fields})
    assert answer.status_code == 400
    assert not due.events.exists()


# --- Access -------------------------------------------------------------------------------------------


def test_hidden_accounts_are_neither_shown_nor_tapped(browser, due, settings):
    settings.ACCESS = "own"
    Restaurant.objects.filter(pk=due.lead_id).update(assigned_to=get_user_model().objects.create_user("asha"))
    assert queue(browser) == {}
    assert tap(browser, "reached", due).status_code == 404
    assert not due.events.exists()
