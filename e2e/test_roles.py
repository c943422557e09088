"""What a user may not do is not shown, and is refused when it is requested nevertheless."""

import pytest
from playwright.sync_api import Page, expect

WRITING = ["Add lead", "Import", "Add contact", "Add interaction", "Add call plan", "Delete"]


@pytest.fixture
def reader(page_of) -> Page:
    return page_of("reader")


def test_a_reader_sees_a_lead_without_inputs(reader, lead):
    reader.goto(lead.path)
    expect(reader.get_by_role("heading", name=lead.name, level=1)).to_be_visible()
    expect(reader.get_by_role("region", name="Timeline")).to_be_visible()
    for region in ("Move to", "Record a call"):
        expect(reader.get_by_role("region", name=region)).to_be_hidden()
    for name in WRITING:
        expect(reader.get_by_role("link", name=name, exact=True)).to_be_hidden()
    expect(reader.get_by_role("button", name="Save")).to_be_hidden()


def test_a_reader_is_offered_no_actions_on_a_list(reader):
    reader.goto("/admin/lead/restaurant/")
    expect(reader.get_by_role("searchbox", name="Search")).to_be_visible()
    expect(reader.get_by_role("combobox", name="Action")).to_be_hidden()
    for name in WRITING:
        expect(reader.get_by_role("link", name=name, exact=True)).to_be_hidden()


@pytest.mark.parametrize("path", ["lead/restaurant/add/", "lead/restaurant/import/", "auth/user/add/", "adherence/"])
def test_a_reader_is_refused_pages_opened_by_address(reader, path):
    assert reader.goto(f"/admin/{path}").status == 403
    expect(reader.get_by_role("heading", name="You may not do this")).to_be_visible()
    reader.get_by_role("link", name="Back office").click()
    expect(reader.get_by_role("heading", name="Overview")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "imports", "hands_over"), [("kam", False, False), ("manager", False, True), ("back.office", True, True)]
)
def test_each_role_is_offered_its_pages(page_of, name, imports, hands_over):
    page = page_of(name)
    page.goto("/admin/lead/restaurant/")
    expect(page.get_by_role("link", name="Add lead", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Import", exact=True)).to_be_visible(visible=imports)
    offered = page.get_by_role("combobox", name="Action").get_by_role("option").all_inner_texts()
    assert ("Hand over…" in offered) is hands_over
