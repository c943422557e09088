"""Lists open with the own rows and are saved under a name: on both screens, by keyboard, and without a script."""

import re

import pytest
from playwright.sync_api import Page, expect

from e2e.support import LAPTOP, PHONE
from e2e.test_accessibility import examine

LEADS = "/admin/lead/restaurant/"


def press(page: Page, name: str | re.Pattern) -> None:
    """By keyboard."""
    button = page.get_by_role("button", name=name)
    button.focus()
    expect(button).to_be_focused()
    page.keyboard.press("Enter")


def counted(page: Page, line: str) -> int:
    """The number that the line above the list says."""
    found = page.get_by_text(re.compile(line))
    expect(found).to_be_visible()
    return int(re.match(line, found.inner_text())[1].replace(",", ""))


def rows(page: Page) -> set[str]:
    return set(page.locator("#result_list .field-owner").all_inner_texts())


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("screen", [LAPTOP, PHONE])
def test_a_list_opens_with_the_own_rows_and_one_key_shows_all(screen, scripts, page_of):
    """asha owns some leads; the others are of others."""
    page = page_of("asha", viewport=screen, java_script_enabled=scripts)
    page.goto(LEADS)
    own = counted(page, r"^Your ([\d,]+) leads?$")
    assert rows(page) == {"asha"}
    press(page, re.compile("^Show all "))
    everything = counted(page, r"^All ([\d,]+) leads that you see$")
    assert everything > own
    page.goto("/admin/")
    page.goto(LEADS)
    assert counted(page, r"^All ([\d,]+) leads that you see$") == everything
    press(page, re.compile("^Show only your "))
    assert counted(page, r"^Your ([\d,]+) leads?$") == own
    assert rows(page) == {"asha"}


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("screen", [LAPTOP, PHONE])
def test_a_filtered_list_is_saved_opened_and_deleted(screen, scripts, page_of):
    page = page_of("asha", viewport=screen, java_script_enabled=scripts)
    name = f"Lost in Pune {screen['width']} {scripts}"
    page.goto(f"{LEADS}?status=LOST&city=pune")
    summary = page.get_by_text("Save this list", exact=True)
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Save this list as")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Saved as “{name}”.")).to_be_visible()
    page.goto("/admin/overview/")
    page.get_by_role("link", name=name).locator("visible=true").first.click()
    expect(page.get_by_text(f"Saved list {name}")).to_be_visible()
    assert page.url.endswith("?city=pune&status=LOST")
    page.get_by_role("link", name="Rename, share or delete").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name=re.compile("Yes")).click()
    expect(page.get_by_text("was deleted successfully")).to_be_visible()
    expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)


@pytest.mark.parametrize(
    "path", [LEADS, f"{LEADS}?owner=", f"{LEADS}?q=a", f"{LEADS}?q=a&owner=me", "/admin/call/callplan/"]
)
def test_the_line_above_a_list_passes(path, page):
    page.goto(path)
    expect(page.locator(".whose")).to_be_visible()
    examine(page)
    for screen in (LAPTOP, PHONE):
        page.set_viewport_size(screen)
        box = page.locator(".whose :is(a, button)").bounding_box()
        assert min(box["width"], box["height"]) >= 24


def test_the_pages_of_a_saved_list_pass(page, numbers):
    page.goto(f"{LEADS}?status=LOST")
    page.get_by_text("Save this list", exact=True).click()
    examine(page)
    name = f"Lost {next(numbers)}"
    page.get_by_label("Save this list as").fill(name)
    page.get_by_label("Save this list as").press("Enter")
    expect(page.get_by_text(f"Saved list {name}")).to_be_visible()
    examine(page)
    page.goto(f"{LEADS}?status=NEW")
    page.get_by_text("Save this list", exact=True).click()
    page.get_by_label("Save this list as").fill(name)
    page.get_by_label("Save this list as").press("Enter")
    expect(page.get_by_text("There is a saved list of this name already.")).to_be_visible()
    examine(page)
    page.goto("/admin/backoffice/savedlist/")
    examine(page)
    page.get_by_role("link", name=re.compile("^Rename, share or delete “Lost")).first.click()
    examine(page)


def test_a_list_with_filters_of_django_passes_with_the_form_to_save_it(page):
    page.goto("/admin/auth/user/?is_staff__exact=1")
    page.get_by_text("Save this list", exact=True).click()
    examine(page)
