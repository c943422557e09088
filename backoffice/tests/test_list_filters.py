"""The filters of the lists."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth import get_user_model

from backoffice.tests.support import CONTACTS, EVERY_LIST, INTERACTIONS, LEADS, ORDERS, PLANS, text_of
from call.models import CallPlan, WorkProfile
from contact.models import Contact
from lead.models import Restaurant
from track.models import Interaction, OrderDetails

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)  # a Friday


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOON, tick=False):
        yield


def found(client, path, **query) -> set[str]:
    """The names of the leads of the rows."""
    rows = client.get(path, query).context["cl"].result_list
    leads = [row if isinstance(row, Restaurant) else getattr(row, "lead", None) or row for row in rows]
    leads = [getattr(row, "restaurant", None) or getattr(row, "interaction", row) for row in leads]
    return {str(getattr(row, "lead", row)) for row in leads}


def lead(name: str, **fields) -> Restaurant:
    return Restaurant.objects.create(name=name, **fields)


def user(name: str, **fields):
    return get_user_model().objects.create_user(name, **fields)


# --- Leads ------------------------------------------------------------------------------------


def test_leads_by_status(admin_client):
    for status in ("NEW", "NEGOTIATING", "CONVERTED", "LOST"):
        lead(status, lead_status=status)
    assert found(admin_client, LEADS, status="CONVERTED") == {"CONVERTED"}
    assert found(admin_client, LEADS, status="open") == {"NEW", "NEGOTIATING"}


def test_leads_by_owner(admin_client):
    asha, other = user("asha", first_name="Asha", last_name="Rao"), user("ashanti")
    lead("Anna", assigned_to=asha)
    lead("Cactus", assigned_to=other)
    lead("Unowned")
    assert found(admin_client, LEADS, owner_id=asha.pk) == {"Anna"}
    assert found(admin_client, LEADS, owner="asha") == {"Anna"}
    assert found(admin_client, LEADS, owner="ASHA") == {"Anna"}
    assert found(admin_client, LEADS, owner="ash") == {"Anna", "Cactus"}
    assert found(admin_client, LEADS, owner="rao") == {"Anna"}
    assert found(admin_client, LEADS, owner="nobody") == set()
    assert found(admin_client, LEADS, unassigned="1") == {"Unowned"}


def test_owner_id_is_shown_as_username_and_submitted_with_the_form(admin_client):
    asha = user("asha")
    page = text_of(admin_client.get(LEADS, {"owner_id": asha.pk}))
    assert "Owner: <strong>asha</strong>" in page
    assert 'name="owner" value="asha"' in page


@pytest.mark.parametrize("text", ["malmö", "Malmo", "MALMÖ", "alm"])
def test_leads_by_city_regardless_of_case_and_accents(text, admin_client):
    lead("Anna", city="Malmö")
    lead("Malmö Grill", city="Pune")
    assert found(admin_client, LEADS, city=text) == {"Anna"}


def test_leads_by_type_and_revenue(admin_client):
    lead("Anna", restaurant_type="Fine dining", potential_revenue=100)
    lead("Cactus", restaurant_type="Cafe", potential_revenue=200)
    assert found(admin_client, LEADS, type="DINING") == {"Anna"}
    assert found(admin_client, LEADS, revenue_from="100", revenue_to="199.99") == {"Anna"}
    assert found(admin_client, LEADS, revenue_from="100.01") == {"Cactus"}


def test_leads_by_a_revenue_of_zero(admin_client):
    lead("Anna", potential_revenue=0)
    lead("Cactus", potential_revenue=200)
    lead("Unknown")
    assert found(admin_client, LEADS, revenue_from="0") == {"Anna", "Cactus"}
    assert found(admin_client, LEADS, revenue_to="0") == {"Anna"}


@pytest.mark.parametrize(
    ("parameter", "names"), [("touched_within", {"Called"}), ("quiet_for", {"Quiet", "Ahead", "New"})]
)
def test_leads_by_the_days_since_they_were_touched(parameter, names, admin_client):
    first = datetime(2026, 3, 13, tzinfo=UTC)  # a week ago, at midnight
    for name, moment in [("Called", first), ("Quiet", first - timedelta(seconds=1)), ("Ahead", NOON + timedelta(1))]:
        Interaction.log(lead=lead(name), interaction_type="EMAIL", date=moment)
    lead("New")
    assert found(admin_client, LEADS, **{parameter: "7"}) == names


@pytest.mark.parametrize(
    ("parameter", "names"), [("ordered_within", {"Ordered"}), ("no_order_for", {"Long ago", "Called"})]
)
def test_leads_by_the_days_since_they_ordered(parameter, names, admin_client):
    for name, kind, days in [("Ordered", "ORDER", 3), ("Long ago", "ORDER", 8), ("Called", "CALL", 1)]:
        Interaction.log(lead=lead(name), interaction_type=kind, date=NOON - timedelta(days=days))
    assert found(admin_client, LEADS, **{parameter: "7"}) == names


# --- Calls ------------------------------------------------------------------------------------

MIDNIGHT = datetime(2026, 3, 20, tzinfo=UTC)
DUE = {
    "overdue": MIDNIGHT - timedelta(seconds=1),
    "today": MIDNIGHT,
    "week": MIDNIGHT + timedelta(days=8, seconds=-1),
    "later": MIDNIGHT + timedelta(days=8),
}


@pytest.fixture
def plans(db):
    for name, moment in DUE.items():
        CallPlan.objects.create(lead=lead(name), frequency="WEEKLY", next_call_date=moment)
    CallPlan.objects.create(lead=lead("paused"), frequency="WEEKLY", next_call_date=DUE["overdue"]).pause()
    CallPlan.objects.create(lead=lead("lost", lead_status="LOST"), frequency="DAILY", next_call_date=DUE["overdue"])
    lead("without")


@pytest.mark.parametrize("due", ["overdue", "today", "week"])
def test_plans_and_leads_by_when_calls_are_due(due, plans, admin_client):
    assert found(admin_client, PLANS, due=due) == {due}
    assert found(admin_client, LEADS, plans=due) == {due}


def test_leads_without_a_plan(plans, admin_client):
    assert found(admin_client, LEADS, plans="none") == {"without"}


def test_plans_by_frequency_paused_and_owner(plans, admin_client):
    assert found(admin_client, PLANS, frequency="DAILY") == {"lost"}
    assert found(admin_client, PLANS, paused="1") == {"paused"}
    assert "paused" not in found(admin_client, PLANS, paused="0")
    asha = user("asha")
    Restaurant.objects.filter(name="today").update(assigned_to=asha)
    assert found(admin_client, PLANS, owner_id=asha.pk) == {"today"}
    assert found(admin_client, PLANS, owner_id=asha.pk, due="overdue") == set()
    assert found(admin_client, PLANS, unassigned="1", due="today") == set()


def test_due_today_is_the_local_date_of_the_viewer(plans, admin_client, admin_user):
    WorkProfile.objects.create(user=admin_user, time_zone="Pacific/Auckland")  # there it is the 21st, since 11:00
    assert found(admin_client, PLANS, due="today") == set()
    assert found(admin_client, PLANS, due="overdue") == {"overdue", "today"}


# --- Dates ------------------------------------------------------------------------------------


@pytest.fixture
def orders(db):
    for name, moment in [
        ("Sunday", "2026-03-08T23:59:59Z"),
        ("Monday", "2026-03-09T00:00:00Z"),
        ("next", "2026-03-16"),
    ]:
        order = {"product_details": "Oil", "quantity": 1, "total_price": 5}
        date = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        Interaction.log(lead=lead(name), interaction_type="ORDER", date=date, order=order)


@pytest.mark.parametrize("path", [ORDERS, INTERACTIONS])
def test_orders_and_interactions_by_date_range_inclusive(path, orders, admin_client):
    assert found(admin_client, path, date_from="2026-03-09", date_to="2026-03-15") == {"Monday"}
    assert found(admin_client, path, date_to="2026-03-08") == {"Sunday"}
    assert found(admin_client, path, date_from="2026-03-10") == {"next"}


def test_period_links_offer_years_months_and_days(orders, admin_client):
    page = text_of(admin_client.get(ORDERS))
    assert '<a href="?date_from=2026-01-01&amp;date_to=2026-12-31">2026</a>' in page
    page = text_of(admin_client.get(ORDERS, {"date_from": "2026-01-01", "date_to": "2026-12-31"}))
    assert '<a href="?date_from=2026-02-01&amp;date_to=2026-02-28">Feb</a>' in page
    page = text_of(admin_client.get(ORDERS, {"date_from": "2026-02-01", "date_to": "2026-02-28"}))
    assert '<a href="?date_from=2026-02-28&amp;date_to=2026-02-28">28</a>' in page
    assert '<a href="?date_from=2026-01-01&amp;date_to=2026-12-31">2026</a>' in page
    page = text_of(admin_client.get(ORDERS, {"date_from": "2026-02-28", "date_to": "2026-02-28"}))
    assert '<a href="?date_from=2026-02-01&amp;date_to=2026-02-28">February</a>' in page


def test_interactions_by_kind_and_order(orders, admin_client):
    Interaction.log(lead=lead("Anna"), interaction_type="CALL")
    assert found(admin_client, INTERACTIONS, kind="CALL") == {"Anna"}
    assert "Anna" not in found(admin_client, INTERACTIONS, order_placed="1")
    assert found(admin_client, INTERACTIONS, order_placed="0") == {"Anna"}


def test_orders_by_price(orders, admin_client):
    OrderDetails.objects.filter(interaction__lead__name="next").update(total_price=10)
    assert found(admin_client, ORDERS, price_from="6") == {"next"}
    assert found(admin_client, ORDERS, price_to="6") == {"Sunday", "Monday"}


def test_contacts_by_role_and_city_of_the_lead(admin_client):
    Contact.objects.create(restaurant=lead("Anna", city="Pune"), name="Asha Rao", role="Manager")
    Contact.objects.create(restaurant=lead("Cactus"), name="John Doe", role="Chef")
    assert found(admin_client, CONTACTS, role="chef") == {"Cactus"}
    assert found(admin_client, CONTACTS, city="pune") == {"Anna"}


def test_status_changes_by_new_status_and_date(admin_client):
    lead("Anna").change_status("LOST")
    lead("Cactus").change_status("CONTACTED")
    assert found(admin_client, "/admin/lead/statuschange/", new_status="LOST") == {"Anna"}
    assert found(admin_client, "/admin/lead/statuschange/", date_from="2026-03-20") == {"Anna", "Cactus"}
    assert found(admin_client, "/admin/lead/statuschange/", date_from="2026-03-21") == set()


# --- Invalid values ---------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["created_at__year=0", "created_at__year=10000", "name__regex=(", "name=%00"])
@pytest.mark.parametrize("page", ["", "export/", "export/csv/"])
def test_a_lookup_that_is_not_a_filter_redirects_to_the_list(query, page, admin_client):
    answer = admin_client.get(f"{LEADS}{page}?{query}")
    assert (answer.status_code, answer["Location"]) == (302, f"{LEADS}?e=1")


NUMBERS = ["-1", "9" * 30, "9" * 5_000, "1e400", "NaN", "²"]
NONSENSE = [*NUMBERS, "abc", "\0", "2026-13-45", "0001-01-01", "9999-12-31", "x" * 300, "'"]


@pytest.mark.parametrize("path", EVERY_LIST)
def test_an_invalid_filter_value_shows_no_rows(path, admin_client, interaction, plan, unrendered):
    interaction.lead.change_status("LOST")
    names = list(admin_client.get(path).context_data["cl"].filter_specs[0].form.fields)
    for name in set(names) - {"unassigned"}:
        for value in NONSENSE:
            answer = admin_client.get(path, {name: value})
            assert (answer.status_code, answer.context_data["cl"].result_count) == (200, 0), (name, value)


@pytest.mark.parametrize("path", EVERY_LIST)
def test_the_page_shows_invalid_values_of_all_filters(path, admin_client, interaction, plan):
    names = admin_client.get(path).context["cl"].filter_specs[0].form.fields
    for value in NONSENSE:
        answer = admin_client.get(path, dict.fromkeys(names, value))
        assert answer.status_code == 200, value
        assert answer.context["cl"].filter_specs[0].form.errors, value


def test_an_invalid_filter_value_shows_a_field_error(admin_client, lead):
    answer = admin_client.get(LEADS, {"quiet_for": "abc"})
    assert "Enter a whole number." in text_of(answer)
    assert '<details class="filters" open>' in text_of(answer)


@pytest.mark.parametrize("path", EVERY_LIST)
@pytest.mark.parametrize(
    "query", ["o=abc", "o=99.-99.x", "o=" + "9" * 400, "p=0", "p=-1", "p=" + "9" * 30, "all=1", "unknown=1"]
)
def test_an_invalid_list_parameter_is_ignored(path, query, admin_client, interaction, plan):
    assert admin_client.get(f"{path}?{query}", follow=True).status_code == 200


def test_an_empty_filter_value_filters_nothing(admin_client, lead):
    query = dict.fromkeys(("status", "owner", "owner_id", "city", "quiet_for", "revenue_from", "plans"), "")
    assert admin_client.get(LEADS, query).context["cl"].result_count == 1


# --- The form ---------------------------------------------------------------------------------


def test_filters_can_be_removed_one_by_one_and_together(admin_client):
    page = text_of(admin_client.get(LEADS, {"status": "NEW", "city": "Pune", "q": "anna"}))
    assert '<a href="?city=Pune&amp;q=anna" aria-label="Remove the filter Status">' in page
    assert '<a href="?q=anna">Clear all</a>' in page


def test_a_filter_by_days_is_shown_as_a_sentence(admin_client):
    page = text_of(admin_client.get(LEADS, {"quiet_for": "30"}))
    assert "<li> Not touched for 30 days <a" in page


def test_the_filter_form_submits_search_and_order(admin_client):
    page = text_of(admin_client.get(LEADS, {"status": "NEW", "q": "anna", "o": "-1"}))
    form = page.partition('class="filter-form"')[2]
    assert '<input type="hidden" name="q" value="anna">' in form
    assert '<input type="hidden" name="o" value="-1">' in form


def test_owner_and_city_filters_are_text_inputs(admin_client):
    for number in range(30):
        lead(f"Bistro {number}", city=f"Town {number}", assigned_to=user(f"owner {number}"))
    page = text_of(admin_client.get(LEADS, {"q": "nobody"}))
    assert "Town 2" not in page
    assert "owner 2" not in page
