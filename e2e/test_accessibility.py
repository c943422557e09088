"""Every kind of page under axe-core, on a laptop and on a phone: no serious violation, nothing to scroll sideways."""

from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Page, expect

from e2e.support import LAPTOP, PHONE, App, sign_in, upload

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
SEVERE = {"serious", "critical"}

# Every table that staff see; a test holds it against the start page's navigation.
LISTS = {
    "lead/restaurant",
    "contact/contact",
    "track/interaction",
    "track/orderdetails",
    "call/callplan",
    "lead/statuschange",
    "lead/ownerchange",
    "lead/team",
    "auth/user",
    "auth/group",
    "call/workprofile",
}


OWN_FIRST = {"lead/restaurant", "contact/contact", "track/interaction", "track/orderdetails", "call/callplan"}


def examine(page: Page) -> None:
    """On both screens, what is on the page now."""
    wrong = []
    for screen in (LAPTOP, PHONE):
        page.set_viewport_size(screen)
        wrong += [f"{screen['width']} px: {what}" for what in [*violations(page), *too_wide(page)]]
    page.set_viewport_size(LAPTOP)
    assert not wrong, f"{page.url}\n" + "\n".join(wrong)


def violations(page: Page) -> list[str]:
    page.evaluate(AXE)
    found = page.evaluate("axe.run({resultTypes: ['violations'], preload: false})")["violations"]
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:200]}"
        for violation in found
        if violation["impact"] in SEVERE
        for node in violation["nodes"][:3]
    ]


def too_wide(page: Page) -> list[str]:
    """Tables may scroll in a box of their own; the page as a whole may not."""
    width, screen = page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
    return [f"the page is {width} px wide on {screen} px"] if width > screen else []


def test_all_lists_of_the_navigation_are_examined(page):
    page.goto("/admin/")
    links = page.get_by_role("navigation", name="Sidebar").locator("th a").all()
    paths = {link.get_attribute("href").removeprefix("/admin/").rstrip("/") for link in links}
    paths = {path for path in paths if not path.endswith("/open")}  # saved lists lead to one of the others
    assert {path for path in paths if "/" in path} == LISTS | {"backoffice/import", "backoffice/savedlist"}
    page.goto("/admin/backoffice/import/")  # it may have no rows
    examine(page)


@pytest.mark.parametrize("name", sorted(LISTS))
def test_a_list_and_the_pages_of_a_row_pass(page, name):
    page.goto(f"/admin/{name}/{'?owner=' * (name in OWN_FIRST)}")  # test_lists examines the own rows
    examine(page)
    pages = [page.locator("#result_list tbody th a").first.get_attribute("href")]
    if page.locator(".object-tools .addlink").is_visible():
        pages.append(f"/admin/{name}/add/")
    for path in pages:
        page.goto(path)
        examine(page)


@pytest.mark.parametrize(
    "path", ["", "adherence/", "recent/", "pipeline/", "lead/", "password_change/", "second-factor/", "nothing/"]
)
def test_a_page_without_a_list_passes(page, path):
    page.goto(f"/admin/{path}")
    examine(page)


@pytest.mark.parametrize("path", ["../history/", "../delete/", "../timeline/", "../../import/", "../../export/"])
def test_a_page_of_a_lead_passes(page, lead, path):
    page.goto(f"{lead.path}{path}")
    examine(page)


@pytest.mark.parametrize("action", ["Change status…", "Hand over…", "Record a call with each…", "Delete…"])
def test_the_page_before_an_action_passes(page, lead, action):
    page.goto(f"/admin/lead/restaurant/?q={lead.digits}")
    page.locator("#result_list").get_by_role("checkbox").last.check()
    page.get_by_role("combobox", name="Action").select_option(action)
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_text("1 lead", exact=True)).to_be_visible()
    examine(page)


def test_the_board_passes_while_a_card_moves_and_with_an_error(page, lead):
    page.goto("/admin/pipeline/?whose=all")
    page.get_by_role("link", name=f"Move {lead.name}", exact=True).or_(page.locator("a.move")).first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    examine(page)
    page.get_by_role("dialog").get_by_role("button").first.click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    examine(page)
    page.goto(page.locator("a.move").first.get_attribute("href"))
    examine(page)
    page.goto("/admin/pipeline/?owner=nil")
    expect(page.get_by_text("No user whose leads you see is called that.")).to_be_visible()
    examine(page)


@pytest.mark.parametrize("rows", ["Bad Soup,no e-mail", "Good Soup,soup@example.com"])
def test_the_preview_of_an_import_passes(page, rows):
    upload(page, f"name,email\n{rows}\n")
    expect(page.get_by_role("row", name="Soup")).to_be_visible()
    examine(page)


def test_the_search_passes_as_a_page_and_under_its_box(page, lead):
    page.goto(f"/admin/search/?q={lead.digits}")
    examine(page)
    page.goto("/admin/search/?q=nothing+is+called+so")
    examine(page)
    for text in ("a", lead.digits, "nothing is called so"):
        page.goto("/admin/recent/")
        page.get_by_label("Find a lead, a person or a phone number").fill(text)
        expect(page.locator("#quick-search .popup-results [data-status]")).to_be_visible()
        page.keyboard.press("ArrowDown")
        examine(page)


def test_the_pages_that_record_what_happened_pass(page, lead):
    page.goto(f"/admin/search/?q={lead.digits}")
    page.get_by_role("link", name=f"Log an order: {lead.name}").click()
    examine(page)
    page.get_by_label("Quantity").fill("0")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Nothing was recorded.")).to_be_visible()
    examine(page)
    page.get_by_label("Quantity").fill("5")
    page.get_by_label("Product details").fill("Rice")
    page.get_by_label("Total price").fill("50")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Recorded")).to_be_visible()
    examine(page)


def test_a_form_with_errors_passes(page):
    page.goto("/admin/lead/restaurant/add/")
    page.get_by_role("textbox", name="Email:").fill("a@b")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Please correct the errors below.")).to_be_visible()
    examine(page)


def test_an_open_filter_passes(page):
    page.goto("/admin/lead/restaurant/")
    page.locator("summary", has_text="Filter").click()
    examine(page)


def test_the_login_page_passes_with_and_without_an_error(browser):
    browser.goto("/admin/")
    examine(browser)
    sign_in(browser, "nobody", "wrong")
    expect(browser.get_by_text("Please enter the correct username")).to_be_visible()
    examine(browser)


def test_the_pages_of_a_second_factor_pass(browser):
    sign_in(browser, "examined")
    browser.get_by_role("link", name="Second factor").click()
    browser.get_by_role("button", name="Set up").click()
    expect(browser.get_by_role("img", name="QR code")).to_be_visible()
    examine(browser)
    app = App(browser.locator(".secret code").inner_text())
    browser.get_by_label("Code:").fill(app.code())
    browser.get_by_role("button", name="Confirm").click()
    expect(browser.get_by_role("heading", name="Recovery codes")).to_be_visible()
    examine(browser)
    browser.goto("/admin/second-factor/")
    examine(browser)
    browser.get_by_role("button", name="Log out").click()
    sign_in(browser, "examined")
    expect(browser.get_by_label("Code:")).to_be_visible()
    examine(browser)
