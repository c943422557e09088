"""A day's work with a lead: find it, move it on, call, take an order, look back."""

import re

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture
def at_lead(page, lead) -> Page:
    """On the page of `lead`."""
    page.goto(lead.path)
    return page


def test_a_lead_is_found_by_the_digits_of_its_phone(page, lead):
    page.goto("/admin/")
    page.get_by_role("navigation", name="Sidebar").get_by_role("link", name="Leads", exact=True).click()
    page.get_by_role("searchbox", name="Search").fill(lead.digits)
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    page.get_by_role("link", name=lead.name).click()
    expect(page.get_by_role("heading", name=lead.name, level=1)).to_be_visible()


def move_on(page: Page, status: str, note: str) -> None:
    moves = page.get_by_role("region", name="Move to")
    moves.get_by_label("Note").fill(note)
    moves.get_by_role("button", name=status).click()
    expect(page.get_by_text(f"to {status}.")).to_be_visible()


def test_a_lead_is_moved_through_the_pipeline_with_a_note(at_lead):
    move_on(at_lead, "Contacted", "Met at the food fair.")
    expect(at_lead.get_by_text("Status changed from New to Contacted.")).to_be_visible()
    move_on(at_lead, "Negotiating", "Wants a better price.")
    expect(at_lead.get_by_label("Lead status")).to_have_value("NEGOTIATING")


def test_a_status_change_is_in_the_history_and_the_timeline(at_lead):
    move_on(at_lead, "Contacted", "Met at the food fair.")
    for where in ("Status history", "Timeline"):
        entry = at_lead.get_by_role("region", name=where).get_by_role("listitem").first
        expect(entry).to_contain_text("New → Contacted")
        expect(entry).to_contain_text("Met at the food fair.")
        expect(entry).to_contain_text("asha")


def test_the_history_of_the_page_shows_who_did_what(at_lead):
    move_on(at_lead, "Contacted", "")
    at_lead.get_by_role("list").get_by_role("link", name="History", exact=True).click()
    expect(at_lead.get_by_role("main").get_by_role("table")).to_contain_text("Status changed from New to Contacted.")


def test_a_call_is_recorded_and_moves_the_plan(at_lead):
    call = at_lead.get_by_role("region", name="Record a call")
    call.get_by_label("Outcome").select_option("Reached")
    call.get_by_label("Details").fill("Asked for the catalog.")
    call.get_by_role("button", name="Record a call").click()
    expect(at_lead.get_by_text(re.compile("Call recorded. Next call: "))).to_be_visible()
    entry = at_lead.get_by_role("region", name="Timeline").get_by_role("listitem").first
    expect(entry).to_contain_text("Asked for the catalog.")


def test_a_contact_is_added_and_leads_back_to_the_account(at_lead, lead):
    at_lead.get_by_role("link", name="Add contact").click()
    at_lead.get_by_label("Name:").fill("Asha Rao")
    at_lead.get_by_label("Phone:").fill("123-456-7890")
    at_lead.get_by_role("button", name="Save", exact=True).click()
    expect(at_lead.get_by_role("heading", name=lead.name, level=1)).to_be_visible()
    expect(at_lead.get_by_role("heading", name=re.compile("Contact: Asha Rao"))).to_be_visible()


def test_an_added_order_is_in_the_timeline_and_the_list_of_orders(at_lead, lead):
    at_lead.get_by_role("link", name="Add interaction").click()
    at_lead.get_by_label("Interaction type").select_option("Order")
    at_lead.get_by_role("textbox", name="Product details").fill("50 units of Product A")
    at_lead.get_by_role("spinbutton", name="Quantity").fill("50")
    at_lead.get_by_role("spinbutton", name="Total price").fill("500.00")
    at_lead.get_by_role("button", name="Save", exact=True).click()
    expect(at_lead.get_by_role("heading", name=lead.name, level=1)).to_be_visible()
    entry = at_lead.get_by_role("region", name="Timeline").get_by_role("listitem").first
    expect(entry).to_contain_text("Order")
    expect(entry).to_contain_text("50 units of Product A")
    at_lead.get_by_role("navigation", name="Sidebar").get_by_role("link", name="Orders", exact=True).click()
    expect(at_lead.locator("#result_list tbody tr").first).to_contain_text(lead.name)


def test_the_pipeline_on_the_start_page_leads_to_the_leads_behind_it(page, lead):
    page.goto("/admin/")
    page.get_by_role("region", name="Pipeline").get_by_role("link", name=re.compile("^New")).click()
    expect(page.get_by_role("link", name=lead.name)).to_be_visible()
    statuses = page.locator("#result_list .field-status").all_inner_texts()
    assert set(statuses) == {"New"}


def test_ten_leads_are_handed_over_at_once(page, create):
    for number in range(10):
        create("/lead/restaurants/", name=f"Corner Café {number}", city="Handover")
    page.goto("/admin/lead/restaurant/?q=handover")
    page.get_by_label("Select all objects on this page for an action").check()
    page.get_by_role("combobox", name="Action").select_option("Hand over…")
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_text("10 leads")).to_be_visible()
    page.get_by_label("New owner").fill("back.office")
    page.get_by_label("Note").fill("A new territory.")
    page.get_by_role("button", name="Hand over").click()
    expect(page.get_by_text("Handed over: 10 leads.")).to_be_visible()
    assert set(page.locator("#result_list .field-owner").all_inner_texts()) == {"back.office"}
