"""The forms that add a lead or a contact warn of duplicates, in a browser."""

import re

from playwright.sync_api import Page, expect

from e2e.test_accessibility import examine


def fill(page: Page, name: str) -> None:
    page.goto("/admin/lead/restaurant/add/")
    page.get_by_role("textbox", name="Name:", exact=True).first.fill(name)
    page.get_by_role("textbox", name="City:").fill("Pune")
    page.get_by_role("textbox", name="Notes:").first.fill("Wants rice.")


def test_a_lead_is_saved_anyway_with_all_that_was_typed(page, create, numbers):
    name = f"Zanzibar Kiosk {next(numbers)}"
    create("/lead/restaurants/", name=name, city="Pune", phone="+91 98765 43210")
    fill(page, name.upper())
    page.locator("#contacts-group .add-row a").click()
    page.locator("#id_contacts-0-name").fill("Asha Rao")
    page.get_by_role("button", name="Save", exact=True).click()

    warning = page.get_by_role("region", name="Is it this one?")
    expect(warning).to_contain_text("Same name and city.")
    expect(page.get_by_text("Nothing was saved: this may be a duplicate.")).to_be_visible()
    examine(page)
    with page.expect_popup() as opened:
        warning.get_by_role("link", name=name).click()
    expect(opened.value).to_have_title(re.compile(name))
    opened.value.close()

    expect(page.get_by_role("textbox", name="Notes:").first).to_have_value("Wants rice.")
    page.get_by_role("textbox", name="City:").press("Enter")
    expect(warning).to_be_visible()
    warning.get_by_role("link", name="save it anyway").click()
    page.get_by_role("button", name="Save anyway").click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    page.goto("/admin/contact/contact/?q=Asha")
    expect(page.get_by_role("row", name=name.upper())).to_be_visible()


def test_without_scripts_a_contact_is_saved_anyway(page_of, lead, create):
    restaurant = lead.path.split("/")[-3]
    create("/contact/contacts/", restaurant=restaurant, name="Ravi Iyer")
    page = page_of("asha", java_script_enabled=False)
    page.goto(f"/admin/contact/contact/add/?restaurant={restaurant}")
    page.get_by_role("textbox", name="Name:").fill("R. Iyer")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Save anyway").click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
