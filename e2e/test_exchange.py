"""Files out and in."""

import csv
import re
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from e2e.support import upload


def download(page: Page, link: str, folder: Path) -> Path:
    with page.expect_download() as started:
        page.get_by_role("link", name=link).click()
    file = folder / started.value.suggested_filename
    started.value.save_as(file)
    return file


@pytest.fixture
def at_export(page, lead) -> Page:
    """On the export page of what was searched for: `lead` alone."""
    page.goto(f"/admin/lead/restaurant/?q={lead.digits}")
    page.get_by_role("link", name="Export").click()
    expect(page.get_by_role("heading", name="Export leads")).to_be_visible()
    return page


def test_filtered_rows_are_exported_as_csv(at_export, lead, tmp_path):
    with download(at_export, "Download CSV", tmp_path).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["name"], row["city"]) for row in rows] == [(lead.name, "Pune")]


def test_filtered_rows_are_exported_as_a_workbook(at_export, lead, tmp_path):
    header, *rows = load_workbook(download(at_export, "Download XLSX", tmp_path), read_only=True).active.values
    assert [dict(zip(header, row, strict=True))["name"] for row in rows] == [lead.name]


def test_a_file_with_invalid_rows_shows_the_problems_and_offers_the_others(page):
    upload(page, "name,email,potential_revenue\nGood Soup,soup@example.com,100\nBad Soup,no e-mail,lots\n,,\n")
    expect(page.get_by_role("alert")).to_contain_text("nothing can be imported")
    bad = page.get_by_role("row", name="Bad Soup")
    expect(bad.get_by_role("rowheader")).to_contain_text("3")
    for column, text in (("email", "no e-mail"), ("potential_revenue", "lots")):
        problem = bad.get_by_role("listitem").filter(has_text=column)
        expect(problem).to_contain_text(text)
    expect(page.get_by_role("button", name="Import 1 new, without the 1 in error")).to_be_visible()
    page.goto("/admin/lead/restaurant/?q=good+soup")
    expect(page.locator("#result_list tbody tr")).to_have_count(0)


def test_a_valid_file_is_previewed_and_imported_when_confirmed(page, lead):
    pk = lead.path.split("/")[-3]
    upload(page, f"id,name,city\n,Imported Kitchen,Goa\n{pk},{lead.name},Mumbai\n")
    expect(page.get_by_role("row", name="Imported Kitchen")).to_contain_text("Goa")
    page.get_by_role("navigation", name="Rows").get_by_role("link", name="Changed 1").click()
    expect(page.get_by_role("row", name=lead.name)).to_contain_text(re.compile(r"city: Pune\W+becomes Mumbai"))
    page.get_by_role("button", name="Import 1 new and 1 changed").click()
    expect(page.locator(".messagelist")).to_contain_text("1")
    page.goto("/admin/lead/restaurant/?q=imported+kitchen")
    expect(page.get_by_role("row", name="Imported Kitchen")).to_contain_text("Goa")
    page.goto(lead.path)
    expect(page.get_by_label("City")).to_have_value("Mumbai")


def test_an_exported_file_imported_again_changes_nothing(at_export, tmp_path):
    upload(at_export, download(at_export, "Download CSV", tmp_path).read_text("utf-8-sig"))
    expect(at_export.get_by_text("every row is as it is here already")).to_be_visible()
