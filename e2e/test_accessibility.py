"""Every kind of page under axe-core, on a laptop and on a phone: no violation, nothing to scroll sideways."""

from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Page, expect

from crm.tests import PASSWORD
from e2e.support import LAPTOP, PHONE, App, sign_in, upload

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
OFF_BY_DEFAULT = {"target-size": {"enabled": True}}  # WCAG 2.2, 2.5.8: 24 px

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


def violations(page: Page, **options) -> list[str]:
    page.evaluate(AXE)
    options = {"runOnly": RULES, "rules": OFF_BY_DEFAULT, "resultTypes": ["violations"], "preload": False, **options}
    found = page.evaluate("options => axe.run(options)", options)["violations"]
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:200]}"
        for violation in found
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
    "path",
    [
        "",
        "overview/",
        "my-day/",
        "my-work-profile/",
        "adherence/",
        "recent/",
        "pipeline/",
        "lead/",
        "password_change/",
        "second-factor/",
        "nothing/",
    ],
)
def test_a_page_without_a_list_passes(page, path):
    page.goto(f"/admin/{path}")
    examine(page)


@pytest.mark.parametrize(
    "path",
    ["overview/", "my-day/", "pipeline/?whose=all", "my-work-profile/", "lead/restaurant/?owner=", "search/?q=a"],
)
def test_a_page_in_german_passes(page_of, path):
    page = page_of("asha", locale="de-DE")
    page.goto(f"/admin/{path}")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    examine(page)


@pytest.mark.parametrize("path", ["../history/", "../delete/", "../timeline/", "../../import/", "../../export/"])
def test_a_page_of_a_lead_passes(page, lead, path):
    page.goto(f"{lead.path}{path}")
    examine(page)


def test_the_pages_of_a_merge_pass(page, lead, create):
    other = create("/lead/restaurants/", name=lead.name, city="Goa", notes="By the sea.")["id"]
    create("/contact/contacts/", restaurant=other, name="Asha Rao")
    page.goto(f"{lead.path}../merge/")
    expect(page.get_by_role("main").get_by_role("link", name=lead.name)).to_be_visible()
    examine(page)
    page.goto(f"{lead.path}../merge/?other={other}")
    examine(page)
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_role("region", name="Merged into this one")).to_be_visible()
    examine(page)
    page.get_by_role("link", name="Unmerge lead").click()
    expect(page.get_by_role("button", name="Unmerge")).to_be_visible()
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


def test_an_import_what_it_did_and_taking_it_back_pass(page):
    upload(page, "name,city\nAccessible Soup,Goa\n")
    page.get_by_role("button", name="Import 1 new").click()
    expect(page.locator(".messagelist")).to_contain_text("1")
    examine(page)
    page.goto("/admin/lead/restaurant/import/")
    examine(page)
    page.locator(".past a").first.click()
    examine(page)
    page.locator("#revert_form").get_by_role("button").click()
    expect(page.get_by_text("Everything was taken back.")).to_be_visible()
    examine(page)


def test_the_questions_before_a_departure_pass(page, create):
    page.goto("/admin/auth/user/?q=manager")
    path = page.get_by_role("link", name="manager", exact=True).get_attribute("href")
    create("/lead/restaurants/", name="Corner Café", assigned_to=int(path.split("/")[-3]))
    page.goto(path)
    page.get_by_role("checkbox", name="Active").uncheck()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Choose where the leads go. Nothing was changed.")).to_be_visible()
    examine(page)
    page.goto(f"{path}../delete/")
    examine(page)
    page.goto("/admin/lead/team/")
    page.goto(f"{page.locator('#result_list tbody th a').first.get_attribute('href')}../delete/")
    examine(page)


def test_a_page_that_is_refused_passes(page_of):
    page = page_of("reader")
    page.goto("/admin/lead/restaurant/add/")
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
    examine(page)


def test_a_form_without_its_cookie_is_refused_on_a_page_that_passes(browser):
    browser.goto("/admin/")
    browser.context.clear_cookies()
    browser.get_by_label("Username").fill("nobody")
    browser.get_by_label("Password").fill("wrong")
    browser.get_by_role("button", name="Log in").click()
    expect(browser.get_by_role("heading", level=1)).not_to_have_text("Log in")
    examine(browser)


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


@pytest.fixture
def due(create) -> list[int]:
    """Plans of the superuser that are overdue."""
    leads = [create("/lead/restaurants/", name=f"Due {number}", city="Pune")["id"] for number in range(4)]
    for lead in leads:
        create("/contact/contacts/", restaurant=lead, name="Asha Rao", role="Manager", phone="+91 98765 43210")
    plan = {"frequency": "WEEKLY", "next_call_date": "2024-12-24T09:00:00Z"}
    return [create("/call/", lead=lead, **plan)["id"] for lead in leads]


def test_my_day_passes_after_each_tap(page, create, due):
    create("/lead/restaurants/", name="Without a plan")
    page.goto("/admin/my-day/")
    page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
    examine(page)
    entries = page.locator(".queue.overdue .entry")
    for button in ("Reached", "No answer", "Tomorrow"):
        entries.first.get_by_role("button", name=button).click()
        expect(page.locator(".queue.overdue .done").filter(has_text="Undo").first).to_be_visible()
    page.locator(".order summary").first.click()
    examine(page)
    create(f"/call/{due[3]}/record_call/", outcome="NO_ANSWER")
    page.locator(f'[data-entry="plan-{due[3]}"]').get_by_role("button", name="Left a message").click()
    expect(page.get_by_role("button", name="Do it all the same")).to_be_visible()
    examine(page)
    page.goto("/admin/my-day/")
    page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
    examine(page)


def test_my_day_passes_with_what_a_session_left(page_of, create, due):
    page = page_of("asha")
    page.goto("/admin/my-day/")
    page.context.clear_cookies()
    entry = page.locator(f'[data-entry="plan-{due[0]}"]')
    entry.get_by_text("Date or skip").click()
    entry.get_by_label("Reason").fill("Closed on Mondays.")
    entry.get_by_role("button", name="Skip").click()
    expect(page.get_by_label("Username")).to_be_visible()
    examine(page)
    page.get_by_label("Username").fill("asha")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(entry.get_by_label("Reason")).to_have_value("Closed on Mondays.")
    examine(page)
    page.goto(f"/admin/my-day/?do=reached&plan={due[0]}&note=Wants+rice.&key=a")
    expect(page.get_by_role("heading", name="Not recorded yet")).to_be_visible()
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
