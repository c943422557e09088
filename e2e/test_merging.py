"""Two records of one restaurant: merged with the keyboard alone, without script, and taken apart again."""

import re

import pytest
from playwright.sync_api import Page, expect

from e2e.support import PHONE


@pytest.fixture
def twin(create, lead) -> dict:
    """Another record of the restaurant of `lead`, with a contact."""
    name = lead.name.replace("Anna", "Ana")
    twin = create("/lead/restaurants/", name=name, city="Pune", email="ana@example.com", notes="By the sea.")
    create("/contact/contacts/", restaurant=twin["id"], name="Asha Rao")
    return twin


def choose_other(page: Page, lead, twin) -> None:
    page.goto(lead.path)
    page.get_by_role("link", name="Merge with another…").click()
    page.get_by_role("main").get_by_role("searchbox").fill(twin["name"])
    page.get_by_role("main").get_by_role("button", name="Search").click()
    page.get_by_role("main").get_by_role("link", name=twin["name"]).click()
    expect(page.get_by_role("heading", name="Merge two leads")).to_be_visible()


def test_two_leads_are_merged_on_a_phone_without_script_and_taken_apart(page_of, lead, twin):
    page = page_of("asha", java_script_enabled=False, viewport=PHONE)
    choose_other(page, lead, twin)
    expect(page.get_by_role("radiogroup", name="Email").get_by_role("radio", name="ana@example.com")).to_be_checked()
    page.get_by_role("radiogroup", name="Name").get_by_role("radio", name=twin["name"]).check()
    expect(page.get_by_role("region", name="What would move")).to_contain_text("1 contact")
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_role("heading", name=twin["name"], level=1)).to_be_visible()
    expect(page.locator(".messagelist")).to_contain_text("Moved: 1 contact.")
    expect(page.locator("#id_notes")).to_have_value("By the sea.")

    page.goto(f"/admin/lead/restaurant/{twin['id']}/change/")
    assert page.url.endswith(lead.path)
    page.get_by_role("link", name="Unmerge lead").click()
    page.get_by_role("button", name="Unmerge").click()
    expect(page.locator(".messagelist")).to_contain_text("is one of its own again")
    expect(page.get_by_role("heading", name=lead.name, level=1)).to_be_visible()
    page.get_by_role("link", name=twin["name"]).click()
    expect(page.get_by_role("heading", name=re.compile("Contact: Asha Rao"))).to_be_visible()


def test_two_selected_leads_are_merged_by_the_keyboard(page, lead, twin):
    page.goto(f"/admin/lead/restaurant/?q={lead.name.split()[-1]}+pune")
    for name in (lead.name, twin["name"]):
        page.get_by_role("row", name=name, exact=False).get_by_role("checkbox").check()
    page.get_by_role("combobox", name="Action").select_option("Merge two…")
    page.get_by_role("button", name="Go").click()
    notes = page.get_by_role("radiogroup", name="Notes")
    notes.get_by_role("radio", name="By the sea.").focus()
    page.keyboard.press("ArrowUp")
    expect(notes.get_by_role("radio", name="empty")).to_be_checked()
    page.get_by_role("button", name="Merge").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("is part of")
    expect(page.locator("#id_notes")).to_have_value("")
