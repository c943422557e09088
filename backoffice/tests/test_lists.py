"""The lists: what they show, how they are sorted and searched, and what they cost."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth import get_user_model

from backoffice.admin import changelist
from backoffice.tests.support import CONTACTS, EVERY_LIST, INTERACTIONS, LEADS, ORDERS, PLANS, text_of
from call.models import CallPlan, WorkProfile
from contact.models import Contact
from lead.models import Restaurant
from track.models import Interaction, OrderDetails

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOON, tick=False):
        yield


def names(answer) -> list[str]:
    return [str(row) for row in answer.context["cl"].result_list]


# --- Columns ----------------------------------------------------------------------------------


def test_the_lead_list_shows_last_touch_last_order_and_next_call(admin_client, lead):
    for days, kind in [(10, "ORDER"), (3, "EMAIL")]:
        Interaction.log(lead=lead, interaction_type=kind, date=NOON - timedelta(days=days))
    CallPlan.objects.create(lead=lead, frequency="DAILY", next_call_date=NOON - timedelta(days=2))
    page = text_of(admin_client.get(LEADS))
    for day, away in [("2026-03-17", "3 days ago"), ("2026-03-10", "10 days ago"), ("2026-03-18", "2 days ago")]:
        assert f'<time datetime="{day}">{day}</time> <span class="away">{away}</span>' in page
    assert page.count('class="late"') == 1


def test_a_future_interaction_is_not_a_last_touch(admin_client, lead):
    Interaction.log(lead=lead, interaction_type="VISIT", date=NOON + timedelta(days=3))
    assert "<time" not in text_of(admin_client.get(LEADS))


def test_a_paused_plan_has_no_next_call_in_the_list(admin_client, lead, plan):
    plan.pause()
    assert "<time" not in text_of(admin_client.get(LEADS))


def test_list_dates_are_local_to_the_viewer(admin_client, admin_user, lead):
    WorkProfile.objects.create(user=admin_user, time_zone="Pacific/Auckland")  # there it is the 21st
    Interaction.log(lead=lead, interaction_type="EMAIL", date=NOON - timedelta(hours=13))
    assert "2026-03-20</time> <span" in text_of(admin_client.get(LEADS))
    assert "yesterday" in text_of(admin_client.get(LEADS))
    assert "2026-03-20 12:00</time>" in text_of(admin_client.get(INTERACTIONS))


def test_a_phone_number_is_a_tel_link(admin_client, lead):
    lead.edit(phone="(5) 555-4729")
    assert '<a href="tel:(5)555-4729">(5) 555-4729</a>' in text_of(admin_client.get(LEADS))


def test_list_columns_escape_html(admin_client, lead):
    lead.edit(phone="<b>1", name="<i>Anna</i>")
    CallPlan.objects.create(lead=lead, frequency="DAILY")
    Contact.objects.create(restaurant=lead, name="<i>", email='"><script>"@example.com', role="<u>")
    for path in EVERY_LIST:
        page = admin_client.get(path).content.decode()
        assert not any(tag in page for tag in ("<b>1", "<i>", "<u>", "<script>"))


# --- Search -----------------------------------------------------------------------------------


@pytest.mark.parametrize("term", ["anna", "555-4729", "5554729", "ANNA@example.com", "pune", "anna pune"])
def test_a_lead_is_found_by_name_phone_email_and_city(term, admin_client, lead):
    lead.edit(phone="(5) 555-4729", email="anna@example.com")
    Restaurant.objects.create(name="Cactus Comidas para llevar")
    assert names(admin_client.get(LEADS, {"q": term})) == ["Bistro Anna"]


def test_the_search_form_submits_filters_and_order(admin_client, lead):
    page = text_of(admin_client.get(LEADS, {"q": "anna", "status": "NEW", "o": "-1"}))
    assert '<input type="hidden" name="status" value="NEW">' in page
    assert '<input type="hidden" name="o" value="-1">' in page


# --- Order ------------------------------------------------------------------------------------


@pytest.fixture
def three_leads(user):
    for name, revenue in [("Bistro Anna", 300), ("Cactus", None), ("Alfreds", 200)]:
        Restaurant.objects.create(name=name, potential_revenue=revenue)


def test_the_sort_order_is_remembered_for_the_next_visit(admin_client, three_leads):
    assert names(admin_client.get(LEADS)) == ["Alfreds", "Cactus", "Bistro Anna"]
    admin_client.get(LEADS, {"o": "1"})
    assert names(admin_client.get(LEADS)) == ["Alfreds", "Bistro Anna", "Cactus"]
    assert names(admin_client.get(LEADS, {"status": "NEW"})) == ["Alfreds", "Bistro Anna", "Cactus"]


def test_the_sort_order_of_one_list_does_not_apply_to_another(admin_client, three_leads):
    admin_client.get(LEADS, {"o": "1"})
    assert "o" not in admin_client.get(CONTACTS).context["cl"].params


def test_a_removed_sort_order_is_forgotten(admin_client, three_leads):
    admin_client.get(LEADS, {"o": "1"})
    admin_client.get(LEADS, {"o": ""})
    assert names(admin_client.get(LEADS)) == ["Alfreds", "Cactus", "Bistro Anna"]


def test_sorting_by_descending_revenue_puts_unknown_last(admin_client, three_leads):
    assert names(admin_client.get(LEADS, {"o": "-6"})) == ["Bistro Anna", "Alfreds", "Cactus"]
    assert names(admin_client.get(LEADS, {"o": "6"})) == ["Cactus", "Alfreds", "Bistro Anna"]


@pytest.mark.parametrize("path", EVERY_LIST)
def test_every_sortable_column_sorts(path, admin_client, lead, interaction, plan):
    lead.change_status("CONTACTED")
    lead.edit(assigned_to=None)
    interaction.write_order(product_details="Oil", quantity=1, total_price=5)
    for column in range(1, 10):
        assert len(admin_client.get(path, {"o": f"-{column}"}).context["cl"].result_list) == 1


# --- Counts and sums --------------------------------------------------------------------------


def test_the_lead_list_sums_potential_revenue(admin_client, three_leads):
    assert "3 leads" in text_of(admin_client.get(LEADS))
    assert "Potential revenue: <strong>500.00</strong>" in text_of(admin_client.get(LEADS))
    page = text_of(admin_client.get(LEADS, {"revenue_from": "250"}))
    assert "Potential revenue: <strong>300.00</strong>" in page


def test_the_order_list_sums_revenue(admin_client, interaction):
    assert "Revenue: <strong>0.00</strong>" in text_of(admin_client.get(ORDERS))
    interaction.write_order(product_details="Oil", quantity=1, total_price=5000)
    assert "Revenue: <strong>5,000.00</strong>" in text_of(admin_client.get(ORDERS))


def test_rows_beyond_the_bound_are_neither_counted_nor_summed(admin_client, three_leads, monkeypatch):
    monkeypatch.setattr(changelist, "COUNTED", 2)
    page = text_of(admin_client.get(LEADS))
    assert "more than 2 leads" in page
    assert "Select all leads that match" in page
    assert "<strong>" not in page.partition('class="counted"')[2]


# --- Cost -------------------------------------------------------------------------------------


def fill(count: int) -> None:
    for number in range(count):
        owner = get_user_model().objects.create_user(f"owner {number}")
        lead = Restaurant.objects.create(name=f"Bistro {number}", city="Pune", created_by=owner)
        lead.edit(assigned_to=owner, by=owner, lead_status="CONVERTED")
        contact = Contact.objects.create(restaurant=lead, name="Asha Rao", created_by=owner)
        order = {"product_details": "Oil", "quantity": 1, "total_price": 5}
        fields = {"lead": lead, "contact": contact, "date": NOON - timedelta(days=90), "created_by": owner}
        Interaction.log(interaction_type="ORDER", order=order, **fields)
        CallPlan.objects.create(lead=lead, frequency="DAILY", next_call_date=NOON - timedelta(days=2))


@pytest.mark.parametrize("rows", [3, 30])
@pytest.mark.parametrize(
    ("path", "queries"),  # two of each are the saved lists of the navigation, and the teams to share this one with
    [
        (f"{LEADS}?q=bistro&status=CONVERTED&city=pune&quiet_for=60&no_order_for=60&plans=overdue", 8),
        (f"{LEADS}?owner=owner", 9),
        (f"{CONTACTS}?q=asha&city=pune", 7),
        (f"{INTERACTIONS}?q=bistro&city=pune&date_from=2025-12-01&date_to=2025-12-31&order_placed=1", 7),
        (f"{ORDERS}?city=pune&price_from=1&date_from=2025-12-01", 8),
        (f"{PLANS}?q=bistro&due=overdue&city=pune", 7),
    ],
)
def test_the_query_count_of_a_filtered_list_is_constant(path, queries, rows, admin_client, django_assert_num_queries):
    fill(rows)
    with django_assert_num_queries(queries):
        answer = admin_client.get(path)
    assert answer.context["cl"].result_count == rows


def test_a_late_page_shows_its_rows_in_order(admin_client, django_assert_num_queries):
    Restaurant.objects.bulk_create(Restaurant(name=f"Bistro {number:03}") for number in range(120))
    with django_assert_num_queries(7):
        answer = admin_client.get(LEADS, {"p": "3"})
    assert names(answer) == [f"Bistro {number:03}" for number in reversed(range(20))]


def test_the_order_list_joins_the_lead_and_its_owner(admin_client, user, interaction):
    interaction.write_order(product_details="Oil", quantity=1, total_price=5)
    page = text_of(admin_client.get(ORDERS))
    assert OrderDetails.objects.get().interaction.lead.name in page
    assert user.username in page
