"""The forms that add a lead or a contact warn of duplicates, and the page that has all pairs, in a browser."""

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


def test_a_pair_is_said_to_be_two_and_that_is_taken_back(page, create, numbers):
    name = f"Quince Orchard {next(numbers)}"
    for _ in range(2):
        create("/lead/restaurants/", name=name, city="Pune", email=f"{name.split()[-1]}@example.com")
    page.goto("/admin/lead/restaurant/")
    page.get_by_role("link", name="Duplicates").click()
    pair = page.get_by_role("listitem").filter(has=page.get_by_role("link", name="Compare and merge"))
    pair = pair.filter(has_text=name)
    expect(pair).to_contain_text("Same e-mail, same name and city.")
    examine(page)

    pair.get_by_role("button", name="Not a duplicate").click()
    expect(page.get_by_text("This is remembered.")).to_be_visible()
    expect(pair).to_have_count(0)
    page.get_by_text("Said to be different").click()
    examine(page)
    page.get_by_role("button", name=f"Take back {name}").click()
    expect(pair).to_have_count(1)

    pair.get_by_role("link", name="Compare and merge").click()
    expect(page.get_by_role("button", name="Merge")).to_be_visible()
