"""The search box: typing, keys, a number that was pasted, and what happened recorded in two taps from any page."""

import re

import pytest
from playwright.sync_api import Page, expect

from e2e.support import PHONE


def box(page: Page):
    return page.get_by_label("Find a lead, a person or a phone number")


def popup(page: Page):
    return page.locator("#quick-search .popup-results")


@pytest.fixture
def person(create, lead, numbers) -> dict:
    """Of the lead; the number is unique."""
    pk = int(re.search(r"(\d+)/change", lead.path)[1])
    number = next(numbers)
    return create(
        "/contact/contacts/", restaurant=pk, name=f"Mira {number}", role="Chef", phone=f"+91 98765 4{number:04}"
    )


def test_the_key_slash_goes_to_the_box_unless_one_types(page):
    page.goto("/admin/lead/restaurant/add/")
    page.get_by_role("textbox", name="Name:").first.press_sequentially("a/b")
    expect(page.get_by_role("textbox", name="Name:").first).to_have_value("a/b")
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("/")
    expect(box(page)).to_be_focused()
    expect(box(page)).to_have_value("")


def test_the_key_slash_can_be_turned_off(page):
    page.goto("/admin/search/")
    page.get_by_label("The key / goes to the search box").uncheck()
    page.goto("/admin/recent/")
    page.keyboard.press("/")
    expect(box(page)).not_to_be_focused()
    page.goto("/admin/search/")
    page.get_by_label("The key / goes to the search box").check()
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("/")
    expect(box(page)).to_be_focused()


def test_results_appear_while_typing_and_keys_choose_one(page, lead):
    page.goto("/admin/recent/")
    page.keyboard.press("/")
    page.keyboard.type(lead.name)
    expect(popup(page).get_by_role("link", name=lead.name, exact=True)).to_be_visible()
    expect(box(page)).to_have_attribute("aria-expanded", "true")
    assert popup(page).bounding_box()["x"] >= 0
    expect(page.locator("#quick-search [role=status]")).to_contain_text("lead")
    page.keyboard.press("ArrowDown")
    expect(box(page)).to_have_attribute("aria-activedescendant", "quick-search-0-0")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{lead.path}")


def test_two_taps_log_a_visit_from_any_page_by_keyboard(page, lead):
    page.goto("/admin/overview/")
    page.keyboard.press("/")
    page.keyboard.type(lead.name)
    expect(popup(page).get_by_role("link", name=f"Log a visit: {lead.name}", exact=True)).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Visit", exact=True)).to_be_checked()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Recorded")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(f"Visit · {lead.name}")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text(f"Taken back: Visit, {lead.name}.")).to_be_visible()


def test_escape_closes_then_empties_and_a_click_beside_closes(page, lead):
    page.goto("/admin/recent/")
    box(page).fill(lead.name)
    expect(popup(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(popup(page)).to_be_hidden()
    expect(box(page)).to_have_value(lead.name)
    page.keyboard.press("Escape")
    expect(box(page)).to_have_value("")
    box(page).fill(lead.name)
    expect(popup(page)).to_be_visible()
    page.mouse.click(1200, 700)
    expect(popup(page)).to_be_hidden()


def test_the_tab_key_reaches_the_buttons(page, lead):
    page.goto("/admin/recent/")
    box(page).fill(lead.name)
    visit = popup(page).get_by_role("link", name=f"Log a visit: {lead.name}", exact=True)
    expect(visit).to_be_visible()
    for _ in range(3):  # the button of the form, the name, the visit
        page.keyboard.press("Tab")
    expect(visit).to_be_focused()
    page.keyboard.press("Escape")
    expect(box(page)).to_be_focused()


@pytest.mark.parametrize("notation", ["+91 98765 4{}", "0091-98765-4{}", "tel:+91987654{}", "Tel. +91 (0)98765/4{}"])
def test_a_pasted_number_says_who_calls(notation, page, person):
    page.goto("/admin/recent/")
    box(page).fill(notation.format(person["phone"][-4:]))
    expect(popup(page).get_by_role("link", name=f"{person['name']}, Chef")).to_be_visible()
    expect(popup(page)).to_contain_text("this number")


def test_an_order_by_a_person_is_logged_on_a_phone_once_for_a_double_tap(page_of, person, lead):
    page = page_of("kam", viewport=PHONE, has_touch=True)
    page.goto("/admin/my-day/")
    box(page).tap()
    page.keyboard.type(person["name"])
    popup(page).get_by_role("link", name=f"Log an order: {person['name']}, {lead.name}").tap()
    expect(page.get_by_label("With")).to_have_value(str(person["id"]))
    page.get_by_label("Product details").fill("Rice")
    page.get_by_label("Quantity").fill("5")
    page.get_by_label("Total price").fill("50")
    width, screen = page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
    assert width <= screen
    page.get_by_role("button", name="Save").dblclick()
    expect(page.get_by_role("heading", name="Recorded")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("5 × Rice, 50.00")
    page.goto(lead.path)
    expect(page.locator("#timeline li.order")).to_have_count(1)


def test_the_way_back_does_not_record_again(page, lead):
    page.goto("/admin/recent/")
    box(page).fill(lead.name)
    popup(page).get_by_role("link", name=f"Log a call: {lead.name}", exact=True).click()
    page.get_by_role("textbox", name="Details:", exact=True).fill("Asked for the menu.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Recorded")).to_be_visible()
    page.go_back()
    save = page.get_by_role("button", name="Save")
    if save.is_visible():  # as the browser remembers the form
        save.click()
    expect(page.get_by_text("It was recorded before.")).to_be_visible()


def test_an_error_keeps_what_was_typed(page, lead):
    page.goto("/admin/recent/")
    box(page).fill(lead.name)
    popup(page).get_by_role("link", name=f"Log an order: {lead.name}", exact=True).click()
    page.get_by_label("Product details").fill("Rice")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Nothing was recorded. Please correct the errors below.")).to_be_visible()
    expect(page.get_by_label("Product details")).to_have_value("Rice")


def test_without_a_script_the_box_leads_to_a_page(page_of, lead):
    page = page_of("kam", java_script_enabled=False)
    page.goto("/admin/recent/")
    box(page).fill(lead.name)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name=f"Log a visit: {lead.name}", exact=True).click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Recorded")).to_be_visible()


def test_a_reader_finds_and_records_nothing(page_of, lead):
    page = page_of("reader")
    page.goto("/admin/recent/")
    box(page).fill(lead.name)
    expect(popup(page).get_by_role("link", name=lead.name, exact=True)).to_be_visible()
    expect(popup(page).get_by_role("link", name=re.compile("^Log a"))).to_have_count(0)


def test_when_the_server_does_not_answer_it_is_said(page, lead):
    page.goto("/admin/recent/")
    page.context.set_offline(True)
    box(page).fill(lead.name)
    expect(popup(page)).to_contain_text("The server did not answer.")
    page.context.set_offline(False)


def test_when_the_session_has_ended_it_is_said_and_the_page_stays(page, lead):
    page.goto("/admin/lead/restaurant/add/")
    page.get_by_role("textbox", name="Name:").first.fill("Half a lead")
    page.context.clear_cookies()
    box(page).fill(lead.name)
    expect(popup(page)).to_contain_text("You are signed out.")
    expect(page.get_by_role("textbox", name="Name:").first).to_have_value("Half a lead")
