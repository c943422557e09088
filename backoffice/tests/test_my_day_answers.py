"""My day: what the answer to a tap brings, and what is said where the page is out of date."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from backoffice.myday import entries
from backoffice.myday.first_page import ROOM, cut
from backoffice.tests.my_day import PATH, queue, tap
from backoffice.tests.support import staff, text_of
from call.models import CallEvent, CallPlan, WorkProfile
from contact.models import Contact
from crm import dates
from crm.models import IdempotencyKey
from crm.tests import PASSWORD
from lead.models import Restaurant
from track.models import Interaction

pytestmark = pytest.mark.usefixtures("roles", "monday")


@pytest.fixture
def browser(kam_browser):
    return kam_browser


def make_due(user, count: int) -> list[CallPlan]:
    leads = [Restaurant.objects.create(name=f"Lead {number:02}", assigned_to=user) for number in range(count)]
    return [
        CallPlan.objects.create(lead=lead, frequency="WEEKLY", next_call_date="2026-01-18T00:00Z") for lead in leads
    ]


def totals(answer) -> dict[str, int]:
    found = re.findall(r'data-list="(\w+)" data-total="(\d+)"', answer.text)
    return {name: int(total) for name, total in found if total != "0"}


def sent(answer) -> list[tuple[str, str]]:
    """The entries in the answer, each with the one before it in its list."""
    return re.findall(r'data-entry="([\w-]+)".*data-after="([\w-]*)"', answer.text)


# --- The lists in an answer ---------------------------------------------------------------------------


def test_an_answer_has_the_counts_of_all_lists_and_the_leads_entries(browser, user):
    plans = make_due(user, 3)
    answer = tap(browser, "reached", plans[1], lead=plans[1].lead_id)
    assert totals(answer) == {"overdue": 2, "upcoming": 1}
    assert sent(answer) == [(f"plan-{plans[1].pk}", "")]
    assert 'data-due="2" data-done="1"' in answer.text


def test_undo_brings_the_entry_back_to_its_place(browser, user):
    plans = make_due(user, 3)
    tap(browser, "reached", plans[1])
    answer = tap(browser, "undo", plans[1].events.get(), key="tap-2", lead=plans[1].lead_id)
    assert totals(answer) == {"overdue": 3}
    assert sent(answer) == [(f"plan-{plans[1].pk}", f"plan-{plans[0].pk}")]


def test_an_entry_that_moves_up_into_a_long_list_is_sent(browser, user, monkeypatch):
    monkeypatch.setattr(entries, "SHOWN", 2)
    plans = make_due(user, 4)
    answer = tap(browser, "skip", plans[0], lead=plans[0].lead_id)
    assert (f"plan-{plans[2].pk}", f"plan-{plans[1].pk}") in sent(answer)
    assert "1 more: they move up as you go." in answer.text


def test_a_repeated_tap_has_the_lists_as_they_are_now(browser, user):
    first, second = make_due(user, 2)
    tap(browser, "reached", first, seen=0)
    tap(browser, "reached", second, key="tap-2")
    assert totals(tap(browser, "reached", first, seen=0)) == {"upcoming": 2}
    assert first.events.count() == 1


@pytest.mark.parametrize("leads", [3, 30])
def test_a_tap_costs_the_same_queries_however_many_calls_are_due(browser, user, leads, django_assert_max_num_queries):
    plan = make_due(user, leads)[0]
    with django_assert_max_num_queries(39):
        tap(browser, "reached", plan, lead=plan.lead_id)


def test_whom_one_has_tried_to_reach_comes_after_the_others(browser, user):
    plans = make_due(user, 3)
    tap(browser, "no_answer", plans[0])
    assert queue(browser) == {"overdue": ["Lead 01", "Lead 02", "Lead 00"]}
    assert "No answer, 09:00." in text_of(browser.get(PATH))
    tap(browser, "undo", plans[0].events.get(), key="tap-2")
    assert queue(browser) == {"overdue": ["Lead 00", "Lead 01", "Lead 02"]}


# --- Phone numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phone", "tel", "whatsapp"),
    [("+91 98765 43210", "+919876543210", "919876543210"), ("123-456-7890", "1234567890", None), ("", None, None)],
)
def test_whatsapp_is_offered_where_the_number_is_known_in_e164(phone, tel, whatsapp, browser, due, contact):
    Contact.objects.get(pk=contact.pk).edit(phone=phone)
    page = text_of(browser.get(PATH))
    assert re.findall('href="tel:([^"]+)"', page) == re.findall('href="sms:([^"]+)"', page) == ([tel] if tel else [])
    assert re.findall('href="https://wa.me/([^"]+)"', page) == ([whatsapp] if whatsapp else [])


# --- A lead without a plan ----------------------------------------------------------------------------


def test_a_call_without_a_plan_takes_a_note_an_order_and_undo(browser, lead):
    tap(browser, "log_call", lead, seen=0)
    call = Interaction.objects.get()
    assert f'id="call-{call.pk}"' in browser.get(PATH).text
    order = {"product_details": "Rice", "quantity": 5, "total_price": "50.00"}
    assert tap(browser, "note", lead, call=call.pk, key="tap-2", note="Wants rice.", **order).status_code == 200
    call.refresh_from_db()
    assert (call.details, call.order.quantity) == ("Wants rice.", 5)
    assert tap(browser, "undo", lead, call=call.pk, key="tap-3").status_code == 200
    assert not Interaction.objects.exists()


def test_another_users_call_is_neither_noted_nor_undone(browser, lead):
    asha = get_user_model().objects.create_user("asha")
    call = Interaction.log(lead_id=lead.pk, interaction_type="CALL", created_by=asha)
    assert tap(browser, "undo", lead, call=call.pk).status_code == 404
    assert tap(browser, "note", lead, call=call.pk, key="tap-2", note="Mine").status_code == 404
    assert Interaction.objects.get().details == ""


def test_a_call_on_a_plan_is_one_line_of_the_log(browser, due):
    tap(browser, "reached", due)
    tap(browser, "no_answer", due, key="tap-2")
    assert [line.name for line in browser.get(PATH).context["done"]] == [
        f"event-{pk}" for pk in CallEvent.objects.order_by("-id").values_list("pk", flat=True)
    ]


# --- An account at risk -------------------------------------------------------------------------------


def silent(user) -> Restaurant:
    """An account that has not ordered for longer than ever."""
    lead = Restaurant.objects.create(name="Silent", assigned_to=user)
    for days in (50, 60, 70, 80):
        Interaction.log(lead=lead, interaction_type="ORDER", date=dates.now() - timedelta(days=days))
    return lead


@pytest.mark.parametrize("do", ["reached", "no_answer", "left_message", "tomorrow", "skip"])
def test_an_account_at_risk_takes_the_taps_of_its_next_plan(do, browser, user):
    lead = silent(user)
    CallPlan.objects.create(lead=lead, frequency="MONTHLY", next_call_date="2026-03-01T00:00Z")
    plan = CallPlan.objects.create(lead=lead, frequency="WEEKLY", next_call_date="2026-02-18T00:00Z")
    (entry,) = browser.get(PATH).context["sections"][2].entries
    assert (entry.list, entry.plan["id"]) == ("at_risk", plan.pk)
    assert "Silent. Orders about every 10 days, at longest 10; last order 50 days ago." in text_of(browser.get(PATH))
    assert tap(browser, do, plan).status_code == 200
    assert plan.events.exists()


def test_an_account_at_risk_without_a_plan_can_be_called_and_planned(browser, user):
    lead = silent(user)
    CallPlan.objects.create(lead=lead, frequency="WEEKLY", next_call_date="2026-02-18T00:00Z").pause()
    assert browser.get(PATH).context["sections"][2].entries[0].plan is None
    page = text_of(browser.get(PATH))
    assert 'value="log_call"' in page and 'value="plan_calls"' in page


# --- Permissions --------------------------------------------------------------------------------------


def test_what_a_user_may_not_view_is_on_no_entry(client, due, contact):
    order = {"product_details": "Rice", "quantity": 5, "total_price": 4321}
    Interaction.log(lead_id=due.lead_id, contact_id=contact.pk, interaction_type="ORDER", order=order)
    CallPlan.objects.update(next_call_date="2026-01-18T00:00Z")
    user = staff("call.view_callplan", "lead.view_restaurant")
    Restaurant.objects.update(assigned_to=user)
    CallPlan.objects.create(lead=silent(user), frequency="WEEKLY", next_call_date="2026-02-18T00:00Z")
    client.force_login(user)
    page = text_of(client.get(PATH))
    assert "Bistro Anna" in page
    for hidden in ("Asha Rao", "4,321", "Only 1 order day so far", "Silent"):
        assert hidden not in page


def test_an_answer_that_is_stored_has_no_token(kam_user, due):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(kam_user)
    browser.get(PATH)
    tap(browser, "reached", due, csrfmiddlewaretoken=browser.cookies["csrftoken"].value)
    stored = bytes(IdempotencyKey.objects.get().content).decode()
    assert "Undo" in stored
    assert "csrfmiddlewaretoken" not in stored


# --- A page that is out of date -----------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/Sao_Paulo"])
@pytest.mark.parametrize("do", ["tomorrow", "three_days", "next_week"])
def test_after_midnight_nothing_is_put_off_by_yesterdays_words(do, zone, browser, due, user, monday):
    WorkProfile.objects.create(user=user, time_zone=zone)
    monday.move_to({"Asia/Kolkata": "2026-01-19T18:30:00Z", "America/Sao_Paulo": "2026-01-20T03:00:00Z"}[zone])
    browser.force_login(user)  # sessions last for a working day
    answer = tap(browser, do, due, day="2026-01-19")
    assert answer.status_code == 409
    assert "It is Tuesday, 20 January by now, and this page shows Monday, 19 January." in text_of(answer)
    assert 'data-day="2026-01-20"' in answer.text
    assert not due.events.exists()
    assert tap(browser, do, due, key="tap-2", day="2026-01-19", anyway="on").status_code == 200


@pytest.mark.parametrize("do", ["reached", "no_answer", "skip"])
def test_after_midnight_a_call_is_recorded_and_the_day_said(do, browser, due, user, monday):
    monday.move_to("2026-01-20T00:00:00Z")
    browser.force_login(user)
    answer = tap(browser, do, due, day="2026-01-19")
    assert (answer.status_code, 'data-day="2026-01-20"' in answer.text, due.events.count()) == (200, True, 1)


def test_the_page_of_another_user_records_nothing(browser, due):
    answer = tap(browser, "reached", due, by=10_000)
    assert (answer.status_code, "kam has signed in since" in answer.text) == (409, True)
    assert not due.events.exists()


@pytest.mark.parametrize("do", ["reached", "skip"])
def test_without_a_script_a_refused_tap_comes_back_with_what_was_typed(do, browser, due):
    due.record_call(due.created_at, by=get_user_model().objects.create_user("asha"), outcome="NO_ANSWER")
    answer = tap(browser, do, due, seen=0, reason="Closed on Mondays.", script=False)
    page = text_of(browser.get(answer.headers["Location"]))
    assert "Asha did something here at 09:00: attempted." in page
    assert 'name="reason" value="Closed on Mondays."' in page
    assert 'name="anyway" value="on"' in page
    assert due.events.count() == 1


# --- A session that has ended -------------------------------------------------------------------------


def test_a_note_and_an_order_are_there_after_signing_in(browser, due):
    tap(browser, "reached", due)
    fields = {"note": "Wünscht Reis.", "product_details": "Rice", "quantity": "5", "total_price": "50.00"}
    signed_out = Client()
    login = tap(signed_out, "note", due.events.get(), key="tap-2", script=False, **fields).headers["Location"]
    page = text_of(signed_out.post(login, {"username": "kam", "password": PASSWORD}, follow=True))
    assert "“Note” for Bistro Anna was not recorded." in page
    for name, value in fields.items():
        assert f'name="{name}" value="{value}"' in page
    assert tap(signed_out, "note", due.events.get(), key="tap-2", **fields).status_code == 200
    assert Interaction.objects.get().order.quantity == 5


def test_what_one_user_typed_is_not_shown_to_another(browser, due):
    assert browser.get(f"{PATH}?do=reached&plan={due.pk}&note=Mine&by=10000").context["draft"] is None
    assert browser.get(f"{PATH}?do=reached&plan={due.pk}&note=Mine").context["draft"] is not None


def test_an_ended_session_needs_no_token_and_a_session_does(kam_user, due):
    browser = Client(enforce_csrf_checks=True)
    answer = tap(browser, "reached", due)
    assert (answer.status_code, answer.headers["Location"].startswith("/admin/login/?next=")) == (302, True)
    browser.force_login(kam_user)
    assert tap(browser, "reached", due).status_code == 403
    assert not due.events.exists()


@pytest.mark.parametrize("letter", ["a", "ü", "नं", "😀", "%"])
def test_a_text_is_cut_to_what_an_address_holds(letter):
    text = cut(letter * 2_000)
    assert 0 < len(text.encode()) <= ROOM
    assert (letter * 2_000).startswith(text)
    assert cut(letter) == letter
