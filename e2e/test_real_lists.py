"""Lists as people have them, from upload to database: ten files, each with the quirks of the program that wrote it.

What the pages say is compared with what the API has afterwards.
"""

import csv
import re
from io import BytesIO, StringIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from openpyxl import Workbook
from playwright.sync_api import Page, expect

LEADS, CONTACTS, INTERACTIONS, ORDERS = "lead/restaurant", "contact/contact", "track/interaction", "track/orderdetails"
NOTHING = {"Errors": 0, "New": 0, "Changed": 0, "Unchanged": 0}


# --- The pages ------------------------------------------------------------------------------------


def upload(page: Page, where: str, name: str, content: bytes) -> None:
    page.goto(f"/admin/{where}/import/")
    page.get_by_label("CSV file or XLSX workbook").set_input_files([{"name": name, "mimeType": "", "buffer": content}])
    page.get_by_role("button", name="Show what it would do").click()
    expect(page.get_by_role("heading", name=f"Import {name}", level=1)).to_be_visible()


def previewed(page: Page) -> dict[str, int]:
    """The counts over the rows of a preview."""
    links = page.get_by_role("navigation", name="Rows").get_by_role("link")
    expect(links).to_have_count(4)
    return {name: int(count) for name, count in (text.split() for text in links.all_inner_texts())}


def confirm(page: Page) -> dict[str, int]:
    """Confirms the preview. Returns the counts on the page of the import."""
    page.get_by_role("button", name=re.compile("^Import ")).click()
    expect(page.locator(".messagelist")).to_contain_text("Imported:")
    return {each.locator("dt").inner_text(): int(each.locator("dd").inner_text()) for each in counted(page)}


def counted(page: Page) -> list:
    return page.locator(".counts > div").all()


def problems(page: Page) -> list[str]:
    return [" ".join(text.split()) for text in page.locator(".outcomes .problem").all_inner_texts()]


def read_so(page: Page, **columns: str) -> None:
    """Says in the preview what the columns of the file are."""
    for label, column in columns.items():
        page.get_by_label(label.replace("_", " "), exact=True).select_option(column)
    page.get_by_role("button", name="Read it so").click()
    expect(page.get_by_role("navigation", name="Rows")).to_be_visible()


def find_by(page: Page, match: str) -> None:
    if match:
        page.get_by_text("How the file is read").click()
        page.get_by_label("Rows are found by").select_option(match)
        page.get_by_role("button", name="Read it so").click()


@pytest.fixture
def rows(api):
    """What the database has: these fields of the rows that a query finds, in the order of their ids."""

    def rows(path: str, *fields: str, **query: str) -> list[tuple]:
        answer = api.get(path, params={"ordering": "id", **query})
        assert answer.ok, answer.text()
        return [tuple(row[field] for field in fields) for row in answer.json()]

    return rows


# --- The files ------------------------------------------------------------------------------------


def delimited(*lines: list, delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    text = StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(lines)
    return text.getvalue().encode(encoding)


def workbook(*lines: list, results: dict[str, str] | None = None) -> bytes:
    """An XLSX file; its formulas have the `results` that a spreadsheet program would have stored."""
    book, content, packed = Workbook(), BytesIO(), BytesIO()
    for line in lines:
        book.active.append(line)
    book.save(content)
    with ZipFile(content) as old, ZipFile(packed, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            for formula, result in (results or {}).items() if name.endswith("sheet1.xml") else ():
                part, count = re.subn(rf"<f>{formula}</f><v ?/?>(</v>)?".encode(), b"<v>%s</v>" % result.encode(), part)
                assert count
            new.writestr(name, part)
    return packed.getvalue()


# --- Ten of them ----------------------------------------------------------------------------------


def test_excels_semicolons_with_their_first_line_and_blank_ones(page, rows):
    lines = [
        "sep=;",
        "",
        ";;;",
        "Restaurant Name;Phone Number;E-mail;Zip Code",
        "Semicolon Café;(20) 5550-101;s@example.com;",
    ]
    upload(page, LEADS, "excel.csv", "\r\n".join([*lines, '"Semi; Colon";;;01234', ""]).encode("utf-8-sig"))
    expect(page.get_by_text("UTF-8 with a byte order mark, separated by semicolons")).to_be_visible()
    assert previewed(page) == NOTHING | {"New": 2}
    expect(page.get_by_role("row", name="Semicolon Café").get_by_role("rowheader")).to_have_text(re.compile("4$"))
    assert confirm(page) == {"New": 2, "Changed": 0, "Unchanged": 0, "Left out": 0}
    assert rows("/lead/restaurants/", "name", "phone", "email", "pincode", search="semi") == [
        ("Semicolon Café", "(20) 5550-101", "s@example.com", ""),
        ("Semi; Colon", "", "", "01234"),
    ]


def test_a_polish_list_in_windows_1250_is_read_as_its_user_says(page, rows):
    content = delimited(["Nazwa", "Miasto", "Telefon"], ["Bar Żółw", "Łódź", "+48 42 555 01 02"], encoding="cp1250")
    upload(page, LEADS, "klienci.csv", content)
    expect(page.get_by_role("alert")).to_contain_text("Where is the text right?")
    choice = page.get_by_role("group", name="Encoding").locator("label").filter(has_text="Bar Żółw,Łódź")
    choice.filter(has_text="Windows-1250").get_by_role("radio").check()
    page.get_by_role("button", name="Read it so").click()
    expect(page.get_by_text("CSV in Windows-1250, Central European, separated by commas")).to_be_visible()
    assert previewed(page) == NOTHING | {"New": 1}
    confirm(page)
    assert rows("/lead/restaurants/", "name", "city", search="zolw") == [("Bar Żółw", "Łódź")]


def test_a_russian_list_in_windows_1251_with_tabs(page, rows):
    header, line = ["Название", "Город", "Телефон"], ["Кафе «Весна»", "Казань", "8 843 555-01-03"]
    upload(page, LEADS, "клиенты.txt", delimited(header, line, delimiter="\t", encoding="cp1251"))
    page.get_by_role("group", name="Encoding").get_by_role("radio", name=re.compile("Windows-1251")).check()
    page.get_by_role("button", name="Read it so").click()
    expect(page.get_by_text("separated by tabs")).to_be_visible()
    assert previewed(page) == NOTHING | {"New": 1}
    confirm(page)
    assert rows("/lead/restaurants/", "name", "city", search="Весна") == [("Кафе «Весна»", "Казань")]


def test_a_city_register_with_vertical_bars_whose_columns_are_chosen(page, rows):
    header = ["CAMIS", "DBA", "BORO", "CUISINE DESCRIPTION", "GRADE", "REMARK OF INSPECTOR"]
    line = ["30075445", "VERTICAL BAR & GRILL", "Bronx", "Bakery Products/Desserts", "A", "Clean."]
    upload(page, LEADS, "register.csv", delimited(header, line, delimiter="|"))
    expect(page.get_by_role("alert")).to_have_text(
        "The columns “GRADE”, “REMARK OF INSPECTOR” are not known. Choose below what the columns are."
    )
    expect(page.get_by_label("DBA")).to_have_value("name")
    read_so(page, REMARK_OF_INSPECTOR="notes")
    assert previewed(page) == NOTHING | {"New": 1}
    confirm(page)
    fields = ("name", "city", "cuisine_type", "notes")
    assert rows("/lead/restaurants/", *fields, external_id="import:30075445") == [
        ("VERTICAL BAR & GRILL", "Bronx", "Bakery Products/Desserts", "Clean."),
    ]


def test_a_workbook_with_numbers_for_phones_and_formulas(page, rows):
    header = ["Account Number", "Company", "Mobile", "Expected Revenue", "City"]
    content = workbook(
        header,
        ["W1", "Workbook Diner", 919876500104, "=1200*2", "Pune"],
        ["W2", "Workbook Grill", 919876500105.0, 99.5, "=1/0"],
        results={"1200\\*2": "2400"},
    )
    upload(page, LEADS, "accounts.xlsx", content)
    assert previewed(page) == NOTHING | {"New": 1, "Errors": 1}
    assert problems(page) == [
        "city: A formula without a result. Open the workbook, save it again, or paste the column as values."
    ]
    page.get_by_role("button", name="Import 1 new, without the 1 in error").click()
    expect(page.locator(".messagelist")).to_contain_text("Imported: 1 new")
    found = rows("/lead/restaurants/", "name", "phone", "potential_revenue", external_id="import:W1")
    assert found == [("Workbook Diner", "919876500104", 2400)]
    assert rows("/lead/restaurants/", "id", external_id="import:W2") == []


def test_shortened_numbers_are_given_back_mended_and_imported(page, rows, tmp_path):
    lines = [["P1", "Phone Palace", "9.19877E+11"], ["P2", "Phone Point", "98765 00106"], ["P3", "", "98765 00107"]]
    upload(page, LEADS, "phones.csv", delimited(["external_id", "name", "phone"], *lines))
    assert previewed(page) == NOTHING | {"New": 1, "Errors": 2}
    assert problems(page) == [
        "phone: Excel has shortened this number. Format the column as text and enter it again. “9.19877E+11”",
        "name: This field may not be blank.",
    ]
    assert confirm(page) == {"New": 1, "Changed": 0, "Unchanged": 0, "Left out": 2}
    with page.expect_download() as started:
        page.get_by_role("link", name="Download the rows that were left out").click()
    assert started.value.suggested_filename == "phones-failed.csv"
    started.value.save_as(tmp_path / "failed.csv")
    failed = (tmp_path / "failed.csv").read_bytes()
    assert [row["external_id"] for row in csv.DictReader(StringIO(failed.decode("utf-8-sig")))] == ["P1", "P3"]
    mended = failed.replace(b"9.19877E+11", b"91987 65001 08").replace(b"P3,,", b"P3,Phone Parlour,")
    upload(page, LEADS, "mended.csv", mended)
    assert previewed(page) == NOTHING | {"New": 2}
    confirm(page)
    names = rows("/lead/restaurants/", "name", search="phone p")
    assert names == [("Phone Point",), ("Phone Palace",), ("Phone Parlour",)]


def test_unicode_text_of_excel_with_lines_inside_of_cells(page, rows):
    header, lines = ["Name", "Notes"], [["Unicode 東京", 'Ask for "Anna".\nThen\tcall.'], ["Unicode Ñandú", "=1+1"]]
    upload(page, LEADS, "unicode.txt", delimited(header, *lines, delimiter="\t", encoding="utf-16"))
    expect(page.get_by_text("CSV in UTF-16, separated by tabs")).to_be_visible()
    assert previewed(page) == NOTHING | {"New": 2}
    confirm(page)
    assert rows("/lead/restaurants/", "name", "notes", search="unicode") == [tuple(line) for line in lines]


def test_two_rows_with_one_number_are_both_in_error(page, rows):
    lines = [["D1", "Double Dosa"], ["D2", "Single Dosa"], ["D1", "Double Dosa again"]]
    upload(page, LEADS, "doubles.csv", delimited(["Customer ID", "Restaurant"], *lines))
    assert previewed(page) == NOTHING | {"New": 1, "Errors": 2}
    assert problems(page) == [
        "external_id: Row 4 has this external id too. “D1”",
        "external_id: Row 2 has this external id too. “D1”",
    ]
    page.get_by_role("link", name="Cancel").click()
    assert rows("/lead/restaurants/", "id", search="dosa") == []


def test_an_erp_feeds_contacts_calls_and_orders_and_twice_is_once(page, rows, create):
    lead = create("/lead/restaurants/", name="Erp Eatery")["id"]
    create(f"/lead/restaurants/{lead}/external_ids/", source="import", value="ERP-1")
    files = {
        CONTACTS: delimited(["CustomerID", "Contact Name", "Contact Title"], ["ERP-1", "Maria Anders", "Owner"]),
        INTERACTIONS: workbook(["CustomerID", "Activity", "Date", "Subject"], ["ERP-1", "CALL", 45650.5, "Asked."]),
        ORDERS: delimited(
            ["OrderID", "CustomerID", "OrderDate", "Product", "Qty", "Total"],
            ["10248", "ERP-1", "04.07.2024", "Cheese", 12, "440.00"],
            ["10249", "ERP-1", "2024-07-05", "Rice", 3, "30.50"],
            delimiter=";",
        ),
    }
    for where, content in files.items():
        name = "rows.xlsx" if content.startswith(b"PK") else "rows.csv"
        new = 2 if where == ORDERS else 1
        upload(page, where, name, content)
        find_by(page, "name" if where == CONTACTS else "")
        assert previewed(page) == NOTHING | {"New": new}, where
        expect(page.locator(".outcomes tbody tr").first).to_contain_text(f"{lead}, Erp Eatery")
        assert confirm(page) == {"New": new, "Changed": 0, "Unchanged": 0, "Left out": 0}
        upload(page, where, name, content)
        find_by(page, "name" if where == CONTACTS else "")
        expect(page.get_by_text("every row is as it is here already")).to_be_visible()
        assert previewed(page) == NOTHING | {"Unchanged": new}, where
    assert rows("/contact/contacts/", "name", "role", restaurant=str(lead)) == [("Maria Anders", "Owner")]
    assert rows("/track/interactions/", "interaction_type", "date", lead=str(lead)) == [
        ("CALL", "2024-12-24T12:00:00Z"),
        ("ORDER", "2024-07-04T00:00:00Z"),
        ("ORDER", "2024-07-05T00:00:00Z"),
    ]


def test_an_import_is_taken_back_but_for_what_has_changed_since(page, rows, api, create):
    pk = create("/lead/restaurants/", name="Revert Roti", city="Pune")["id"]
    lines = [[pk, "Revert Roti", "Goa"], ["", "Revert Raita", "Goa"], ["", "Revert Rasam", "Goa"]]
    upload(page, LEADS, "revert.csv", delimited(["id", "name", "city"], *lines))
    assert previewed(page) == NOTHING | {"New": 2, "Changed": 1}
    page.get_by_role("link", name="Changed 1").click()
    expect(page.get_by_role("row", name="Revert Roti")).to_contain_text(re.compile(r"city: Pune\W+becomes Goa"))
    assert confirm(page) == {"New": 2, "Changed": 1, "Unchanged": 0, "Left out": 0}
    ((changed,),) = rows("/lead/restaurants/", "id", search="rasam")
    assert api.patch(f"/lead/restaurants/{changed}/", data={"notes": "Called."}).ok
    page.get_by_role("button", name="Take the import back").click()
    expect(page.locator(".messagelist")).to_contain_text("Taken back: 2 of 3 rows.")
    expect(page.get_by_role("table", name="Rows that stay").get_by_role("row")).to_have_count(2)
    expect(page.get_by_role("row", name="changed since")).to_be_visible()
    assert rows("/lead/restaurants/", "name", "city", search="revert") == [
        ("Revert Roti", "Pune"),
        ("Revert Rasam", "Goa"),
    ]
