"""The page of a lead: the account, its verbs, and their permissions."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from backoffice.tests.support import staff
from call.models import CallPlan, WorkProfile
from contact.models import Contact
from crm.tests.support import form_of, send_form
from lead.models import Restaurant
from track.models import Interaction

NOW = datetime(2024, 12, 28, 9, 30, tzinfo=UTC)
LIST = reverse("admin:lead_restaurant_changelist")
FORM = "restaurant_form"
VIEW = "lead.view_restaurant"
CHANGE = "lead.change_restaurant"


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


def page_of(lead, page: str = "change") -> str:
    return reverse(f"admin:lead_restaurant_{page}", args=[lead.pk])


def messages_of(answer) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def fill(lead, rows: int) -> None:
    for number in range(rows):
        person = get_user_model().objects.create_user(f"person {number}")
        contact = Contact.objects.create(restaurant=lead, name=f"Contact {number}", created_by=person)
        order = {"product_details": "Oil", "quantity": 1, "total_price": 5}
        fields = {"lead": lead, "contact": contact, "created_by": person}
        Interaction.log(interaction_type="ORDER", order=order, **fields)
        Interaction.log(interaction_type="VISIT", **fields)
        CallPlan.objects.create(lead=lead, frequency="DAILY", created_by=person).skip(by=person)
        lead.change_status("LOST", by=person)
        lead.change_status("NEW", by=person)
        lead.edit(assigned_to=person, by=person)


# --- The account at a glance ----------------------------------------------------------------------


@pytest.mark.parametrize("rows", [3, 30])
def test_the_lead_page_query_count_is_independent_of_its_rows(rows, lead, admin_client, django_assert_num_queries):
    fill(lead, rows)
    admin_client.get(page_of(lead))  # fills caches
    with django_assert_num_queries(28):
        assert admin_client.get(page_of(lead)).status_code == 200


def test_the_lead_page_shows_days_since_last_touch_and_order(admin_client, lead):
    for days, kind in ((40, "ORDER"), (5, "VISIT"), (2, "EMAIL"), (-3, "VISIT")):
        Interaction.log(lead=lead, interaction_type=kind, date=NOW - timedelta(days=days))
    page = admin_client.get(page_of(lead)).content.decode()
    assert "5 days ago <small>23 Dec 2024</small>" in page
    assert "40 days ago <small>18 Nov 2024</small>" in page


def test_days_are_counted_on_the_local_calendar(admin_client, lead, settings):
    settings.TIME_ZONE = "Asia/Kolkata"
    Interaction.log(
        lead=lead, interaction_type="VISIT", date=datetime(2024, 12, 27, 18, 31, tzinfo=UTC)
    )  # after midnight
    assert "today <small>28 Dec 2024</small>" in admin_client.get(page_of(lead)).content.decode()


def test_times_are_shown_and_parsed_in_the_viewers_zone(admin_client, admin_user, lead, plan):
    WorkProfile.objects.create(user=admin_user, time_zone="Asia/Kolkata")
    Interaction.log(lead=lead, interaction_type="EMAIL", date=datetime(2024, 12, 27, 18, 31, tzinfo=UTC))
    page = admin_client.get(page_of(lead)).content.decode()
    assert "28 Dec 2024 00:01" in page
    assert 'Time zone: <a href="/admin/my-work-profile/">Asia/Kolkata</a>.' in page
    admin_client.post(page_of(lead, "record_call"), {"plan": plan.pk, "last_called": "2024-12-28T14:00"})
    plan.refresh_from_db()
    assert plan.last_called == datetime(2024, 12, 28, 8, 30, tzinfo=UTC)


def test_the_next_call_is_the_earliest_of_the_plans(admin_client, lead):
    for days, paused in ((-3, True), (-1, False), (5, False)):
        due = NOW + timedelta(days=days)
        plan = CallPlan.objects.create(lead=lead, frequency="MONTHLY", next_call_date=due)
        if paused:
            plan.pause()
    account = admin_client.get(page_of(lead)).context["account"]
    assert (account.next_call.next_call_date, account.is_overdue) == (NOW - timedelta(days=1), True)


def test_a_lost_lead_has_no_next_call(admin_client, lead, plan):
    lead.change_status("LOST")
    assert admin_client.get(page_of(lead)).context["account"].next_call is None


def test_the_lead_page_charts_the_orders_of_a_year_by_month(admin_client, lead):
    for date in (datetime(2023, 12, 31, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC), NOW, NOW):
        order = {"product_details": "Oil", "quantity": 1, "total_price": Decimal("1000.50")}
        Interaction.log(lead=lead, interaction_type="ORDER", order=order, date=date)
    page = admin_client.get(page_of(lead)).content.decode()
    assert "3 orders worth 3,001.50 in the 12 months to December 2024." in page
    assert "January 2024: 1 order, 1,000.50" in page
    assert "December 2024: 2 orders, 2,001.00" in page
    assert "February 2024: 0 orders, 0.00" in page


def test_the_lead_page_hides_what_the_user_may_not_view(client, lead):
    fill(lead, 1)
    client.force_login(staff(VIEW))
    answer = client.get(page_of(lead))
    page = answer.content.decode()
    for hidden in ("Contact 0", "Last touch", "Last order", "Orders by month", "Next call", "Move to", "Record a call"):
        assert hidden not in page
    assert (answer.context["entries"], answer.context["additions"], answer.context["verbs"]) == ([], [], {})
    assert not answer.context["inline_admin_formsets"]
    assert 'name="_save"' not in page


@pytest.mark.parametrize(
    ("permissions", "shown"),
    [
        (["contact.view_contact"], ["Contact 0"]),
        (["contact.add_contact"], ["Add contact"]),
        (["track.view_interaction"], ["Last touch", "Last order", "Visit"]),
        (["track.view_interaction", "track.view_orderdetails"], ["Orders by month", "Oil · quantity 1 · 5.00"]),
        (["track.add_interaction"], ["Add interaction"]),
        (["call.view_callplan"], ["Next call", "DAILY calls"]),
        (["call.add_callplan"], ["Add call plan"]),
        (["call.change_callplan", "track.add_interaction"], ["Record a call"]),
        (["lead.view_statuschange"], ["Status history", "New → Lost"]),
        (["lead.view_ownerchange"], ["Owner history", "kam → person 0"]),
        ([CHANGE], ["Move to", 'name="_save"']),
    ],
)
def test_each_view_permission_shows_its_part_of_the_lead_page(permissions, shown, client, lead):
    fill(lead, 1)
    client.force_login(staff(VIEW, *permissions))
    page = client.get(page_of(lead)).content.decode()
    assert [text for text in shown if text not in page] == []


def test_users_are_not_linked_without_the_permission_to_view_them(client, lead, user):
    client.force_login(staff(VIEW, CHANGE))
    page = client.get(page_of(lead)).content.decode()
    assert "kam" in page
    assert f"/admin/auth/user/{user.pk}/" not in page
    assert 'name="assigned_to"' not in page


# --- The status -----------------------------------------------------------------------------------


def test_a_status_button_changes_the_status_with_a_note(admin_client, admin_user, lead):
    path = page_of(lead, "change_status")
    assert f'action="{path}"' in admin_client.get(page_of(lead)).content.decode()
    answer = admin_client.post(path, {"status": "MEETING_SCHEDULED", "note": "Tuesday."}, follow=True)
    assert answer.redirect_chain == [(page_of(lead), 302)]
    assert messages_of(answer) == ["Status changed from New to Meeting Scheduled."]
    change = lead.status_changes.get()
    assert (change.new_status, change.note, change.created_by) == ("MEETING_SCHEDULED", "Tuesday.", admin_user)


def test_status_buttons_are_in_the_order_of_the_pipeline(admin_client, lead):
    lead.change_status("NEGOTIATING")
    form = admin_client.get(page_of(lead)).context["verbs"]["change_status"]["form"]
    assert [button["label"] for button in form.buttons] == [
        "Converted",
        "Lost",
        "New",
        "Contacted",
        "Meeting Scheduled",
    ]


def test_an_unchanged_status_leaves_no_history(admin_client, lead):
    answer = admin_client.post(page_of(lead, "change_status"), {"status": "NEW"}, follow=True)
    assert messages_of(answer) == ["The status is New already."]
    assert not lead.status_changes.exists()


@pytest.mark.parametrize("sent", [{}, {"status": "SOLD"}, {"status": "LOST", "note": "x" * 20_001}])
def test_an_invalid_status_change_shows_an_error(sent, admin_client, lead):
    answer = admin_client.post(page_of(lead, "change_status"), sent)
    assert answer.status_code == 200
    (field,) = answer.context["form"].errors
    assert answer.context["form"].errors[field][0] in answer.content.decode().replace("&#x27;", "'")
    assert not lead.status_changes.exists()


@pytest.mark.parametrize("page", ["change_status", "record_call"])
def test_a_verb_on_the_lead_page_requires_its_permission(page, client, lead, plan):
    client.force_login(staff(VIEW, "call.view_callplan", "track.view_interaction"))
    assert client.post(page_of(lead, page), {"status": "LOST", "plan": plan.pk}).status_code == 403
    assert client.get(page_of(lead, page)).status_code == 403
    assert not lead.status_changes.exists()


@pytest.mark.parametrize("page", ["change", "change_status", "record_call"])
def test_a_verb_requires_a_csrf_token(page, admin_user, lead, plan):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post(page_of(lead, page), {"status": "LOST", "plan": plan.pk}).status_code == 403


# --- Calls ----------------------------------------------------------------------------------------


def test_a_call_is_recorded_on_one_of_the_plans(admin_client, admin_user, lead, contact, plan):
    weekly = CallPlan.objects.create(lead=lead, frequency="WEEKLY")
    sent = {"plan": weekly.pk, "outcome": "REACHED", "contact": contact.pk, "details": "Wants oil."}
    answer = admin_client.post(page_of(lead, "record_call"), sent, follow=True)
    assert messages_of(answer) == ["Call recorded. Next call: 4 Jan 2025."]
    weekly.refresh_from_db()
    assert (weekly.last_called, weekly.next_call_date) == (NOW, NOW + timedelta(days=7))
    interaction = Interaction.objects.get()
    assert (interaction.contact, interaction.details, interaction.created_by) == (contact, "Wants oil.", admin_user)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("plan", "0"),
        ("plan", ""),
        ("outcome", "SHOUTED"),
        ("last_called", "yesterday"),
        ("last_called", "2024-12-30T09:30"),
        ("last_called", "1999-12-30T09:30"),
        ("contact", "stranger"),
        ("details", "x" * 20_001),
    ],
)
def test_an_invalid_call_shows_a_field_error(field, value, admin_client, lead, plan):
    other = Restaurant.objects.create(name="Cactus Comidas para llevar")
    stranger = Contact.objects.create(restaurant=other, name="Patricio Simpson")
    sent = {"plan": plan.pk, "outcome": "REACHED", field: stranger.pk if value == "stranger" else value}
    answer = admin_client.post(page_of(lead, "record_call"), sent)
    assert (answer.status_code, list(answer.context["form"].errors)) == (200, [field])
    assert not plan.events.exists()


def test_a_call_on_a_plan_of_another_lead_is_refused(admin_client, lead, plan):
    other = CallPlan.objects.create(lead=Restaurant.objects.create(name="Cactus"), frequency="DAILY")
    answer = admin_client.post(page_of(lead, "record_call"), {"plan": other.pk})
    assert list(answer.context["form"].errors) == ["plan"]


def test_a_lead_without_plans_offers_no_record_call(admin_client, lead):
    assert "Record a call" not in admin_client.get(page_of(lead)).content.decode()


# --- Rows that go ---------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["change", "change_status", "record_call", "timeline"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_missing_lead_redirects_to_the_list(page, method, admin_client, lead):
    path = page_of(lead, page)
    lead.delete()
    answer = getattr(admin_client, method)(path, {"status": "LOST"}, follow=True)
    assert answer.redirect_chain == [(LIST, 302)]
    assert "deleted" in messages_of(answer)[0]


def test_a_lead_deleted_while_saving_redirects_to_the_list(admin_client, lead, monkeypatch):
    form = form_of(admin_client.get(page_of(lead)), FORM)
    lock = Restaurant.lock

    def raise_missing(row):
        Restaurant.objects.filter(pk=lead.pk).delete()
        lock(row)

    monkeypatch.setattr(Restaurant, "lock", raise_missing)
    answer = admin_client.post(page_of(lead), {**form, "city": "Mumbai"}, follow=True)
    assert answer.redirect_chain == [(LIST, 302)]
    assert "Perhaps it was deleted?" in messages_of(answer)[0]


def test_back_redirects_to_the_lead(admin_client, lead):
    add = reverse("admin:contact_contact_add") + f"?restaurant={lead.pk}&back=lead"
    assert f'href="{add.replace("&", "&amp;")}"' in admin_client.get(page_of(lead)).content.decode()
    answer = send_form(admin_client, add, "contact_form", name="Asha Rao")
    assert (answer.status_code, answer["Location"]) == (302, page_of(lead))
    contact = lead.contacts.get()
    change = reverse("admin:contact_contact_change", args=[contact.pk])
    assert send_form(admin_client, f"{change}?back=lead", "contact_form")["Location"] == page_of(lead)
    assert send_form(admin_client, change, "contact_form")["Location"] == reverse("admin:contact_contact_changelist")


def test_back_without_permission_to_view_leads_redirects_to_the_list(client, contact):
    client.force_login(staff("contact.change_contact", "contact.view_contact"))
    change = reverse("admin:contact_contact_change", args=[contact.pk])
    assert send_form(client, f"{change}?back=lead", "contact_form")["Location"] == "/admin/contact/contact/"


def test_the_page_says_how_the_account_does_and_draws_its_order_days(admin_client, lead):
    for days in (30, 70, 80, 90):
        Interaction.log(lead=lead, interaction_type="ORDER", date=NOW - timedelta(days=days))
    page = admin_client.get(page_of(lead)).content.decode()
    assert "Health: Late</h2><p>Orders about every 10 days, at longest 40; last order 30 days ago.</p>" in page
    assert page.count('<circle class="bar"') == 4
    assert "The band is the usual gap of 10 days after the last one, the line is today.</desc>" in page


def test_a_lead_that_never_ordered_has_no_health(admin_client, lead):
    assert "Health:" not in admin_client.get(page_of(lead)).content.decode()
