"""The export: what is filtered, as CSV or XLSX, with nothing in it that a spreadsheet would run, fit to come back."""

import tracemalloc
from datetime import datetime
from decimal import Decimal
from io import BytesIO

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.exchange import export_pages as exchange
from backoffice.exchange.exports import csv_of
from backoffice.exchange.formulas import arm, disarm, disarm_typed
from backoffice.exchange.kinds import ContactSheet, LeadSheet
from backoffice.tests.support import (
    CONTACTS,
    LEADS,
    download,
    exported,
    import_file,
    messages_of,
    staff,
    totals,
    upload,
)
from contact.models import Contact
from crm.db.models import TimestampedQuerySet
from lead.models import Restaurant

HOSTILE = [
    "=1+1",
    '=HYPERLINK("http://example.com","click")',
    "+1234567890",
    "-5",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "＝1+1",
    "'=1+1",
    "''+1",
    "'t Hoen",
    "'",
    "_x0041_",
    "a\x01b",
    "two\nlines",
    "two\r\nlines",
    'a "quoted", one; two\tthree',
    "00123",
    "1e5",
    "TRUE",
    "Café Ñandú 🍜",
    " spaces ",
]


def workbook(client, path: str = f"{LEADS}export/xlsx/"):
    content = b"".join(client.get(path).streaming_content)
    return openpyxl.load_workbook(BytesIO(content)).active


@pytest.fixture
def hostile(user):
    """Leads with a hostile text in every field that takes one."""
    return Restaurant.objects.bulk_create(
        Restaurant(name=f"Bistro {text}", city=text, phone=text, notes=text, assigned_to=user, potential_revenue=500)
        for text in HOSTILE
    )


# --- What goes out --------------------------------------------------------------------------------


def test_an_export_has_the_columns_of_the_api_and_the_names_of_owners(admin_client, lead):
    [row] = exported(admin_client)
    assert list(row) == LeadSheet().columns
    assert (row["id"], row["name"], row["assigned_to"]) == (str(lead.pk), "Bistro Anna", "kam")
    assert row["created_at"] == lead.created_at.isoformat()


def test_a_contact_is_exported_with_the_name_of_its_lead(admin_client, contact):
    [row] = exported(admin_client, f"{CONTACTS}export/csv/")
    assert list(row) == ContactSheet().columns
    assert (row["restaurant"], row["restaurant_name"]) == (str(contact.restaurant_id), "Bistro Anna")


def test_a_csv_export_starts_with_a_byte_order_mark(admin_client, lead):
    answer = admin_client.get(f"{LEADS}export/csv/")
    assert b"".join(answer.streaming_content).startswith(b"\xef\xbb\xbfid,name,")
    assert answer["Content-Type"] == "text/csv"
    assert answer["Content-Disposition"].endswith('.csv"')


def test_only_filtered_rows_are_exported(admin_client, lead):
    Restaurant.objects.create(name="Bistro Ben")
    assert [row["name"] for row in exported(admin_client, f"{LEADS}export/csv/?q=anna")] == ["Bistro Anna"]
    page = admin_client.get(f"{LEADS}export/?q=anna").content.decode()
    assert "<strong>1</strong>" in page
    assert f'href="{LEADS}export/csv/?q=anna"' in page


def test_the_list_leads_to_the_export_of_what_it_shows(admin_client, lead):
    assert f'href="{LEADS}export/?q=anna"' in admin_client.get(f"{LEADS}?q=anna").content.decode()


@pytest.mark.parametrize("page", ["export/", "export/csv/", "export/xlsx/"])
@pytest.mark.parametrize("query", ["id__exact=abc", "nonsense=1", "q=%00", "p=x", "o=99"])
def test_an_invalid_query_string_breaks_no_export(query, page, admin_client, lead):
    answer = admin_client.get(f"{LEADS}{page}?{query}", follow=True)
    assert answer.status_code == 200
    b"".join(answer)


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_selected_rows_are_exported_by_an_action(format, admin_client, lead):
    Restaurant.objects.create(name="Bistro Ben")
    answer = admin_client.post(LEADS, {"action": f"export_{format}", "_selected_action": [lead.pk]})
    content = b"".join(answer.streaming_content)
    if format == "csv":
        assert b"Bistro Anna" in content and b"Bistro Ben" not in content
    else:
        assert [row[1] for row in openpyxl.load_workbook(BytesIO(content)).active.values] == ["name", "Bistro Anna"]


def test_rows_invisible_to_the_user_are_not_exported(admin_client, lead, monkeypatch):
    monkeypatch.setattr(TimestampedQuerySet, "visible_to", lambda rows, user: rows.none())
    assert exported(admin_client) == []


@pytest.mark.parametrize("may", [True, False])
def test_the_export_is_hidden_and_forbidden_without_permission(may, client, lead):
    client.force_login(staff("lead.view_restaurant", *["lead.export_restaurant"][: int(may)]))
    page = client.get(LEADS).content.decode()
    assert (f'href="{LEADS}export/?"' in page, 'value="export_csv"' in page) == (may, may)
    for path in ("export/", "export/csv/", "export/xlsx/"):
        answer = client.get(LEADS + path)
        assert answer.status_code == (200 if may else 403)
        b"".join(answer)
    answer = client.post(LEADS, {"action": "export_csv", "_selected_action": [lead.pk]})
    assert answer.get("Content-Type", "").startswith("text/csv") == may


@pytest.mark.parametrize("count", [3, 30])
def test_an_export_is_one_query_for_its_rows(count, user, django_assert_num_queries):
    Restaurant.objects.bulk_create(Restaurant(name="Bistro", assigned_to=user) for _ in range(count))
    sheet = LeadSheet()
    with django_assert_num_queries(1):
        assert len(list(sheet.rows(Restaurant.objects.all()))) == count


def test_the_memory_of_an_export_does_not_grow_with_its_rows():
    def peak(rows: int) -> int:
        row = (1, "Bistro Anna", "x" * 200, Decimal("500.00"), datetime.fromisoformat("2024-12-24T15:30:00Z"))
        tracemalloc.start()
        for _ in csv_of(["id", "name", "notes", "revenue", "created_at"], (row for _ in range(rows))):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(2_000)
    assert peak(20_000) < 1.2 * peak(2_000)


# --- Nothing that runs ----------------------------------------------------------------------------


def test_no_cell_of_a_csv_file_starts_like_a_formula(admin_client, hostile):
    for row in exported(admin_client):
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝"))


def test_numbers_are_not_exported_as_formulas(admin_client, lead):
    lead.edit(potential_revenue=Decimal("500.00"))
    assert exported(admin_client)[0]["potential_revenue"] == "500.00"


def test_no_cell_of_a_workbook_is_a_formula(admin_client, hostile):
    sheet = workbook(admin_client)
    assert "f" not in {cell.data_type for row in sheet.iter_rows() for cell in row}
    assert {row[1]: row[7] for row in sheet.values}["Bistro +1234567890"] == "+1234567890"


def test_the_cells_of_a_workbook_have_their_types(admin_client, settings, lead):
    settings.TIME_ZONE = "Asia/Kolkata"
    lead.edit(phone="0123456", potential_revenue=Decimal("1234.50"))
    Restaurant.objects.update(created_at=datetime.fromisoformat("2024-12-24T15:30:00Z"))
    header, row = workbook(admin_client).iter_rows()
    cells = {name.value: cell for name, cell in zip(header, row, strict=True)}
    assert (cells["id"].value, cells["potential_revenue"].value) == (lead.pk, 1234.5)
    assert (cells["phone"].value, cells["phone"].number_format) == ("0123456", "@")
    assert cells["created_at"].value == datetime(2024, 12, 24, 21, 0)


def test_a_workbook_export_has_a_row_limit(admin_client, hostile, monkeypatch):
    monkeypatch.setattr(exchange, "MAX_WORKBOOK", 3)
    page = admin_client.get(f"{LEADS}export/xlsx/?q=bistro", follow=True)
    assert messages_of(page) == ["A workbook holds at most 3 rows. Export them as CSV."]
    assert page.redirect_chain[-1][0] == f"{LEADS}?q=bistro"
    assert "XLSX is for at most 3 rows." in admin_client.get(f"{LEADS}export/").content.decode()


# --- And back -------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_an_exported_file_imported_again_skips_every_row(format, admin_client, hostile):
    content = download(admin_client, f"{LEADS}export/{format}/")
    preview = upload(admin_client, content)
    assert totals(preview) == {"skip": len(HOSTILE)}


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_exported_contacts_imported_again_are_skipped(format, admin_client, lead):
    Contact.objects.bulk_create(Contact(restaurant=lead, name=f"x{text}", phone=text) for text in HOSTILE)
    content = download(admin_client, f"{CONTACTS}export/{format}/")
    assert totals(upload(admin_client, content, CONTACTS)) == {"skip": len(HOSTILE)}


@pytest.mark.parametrize("text", [text for text in HOSTILE if text == text.strip() and "\r" not in text])
@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_a_text_is_unchanged_by_export_and_import(format, text, admin_client):
    lead = Restaurant.objects.create(name="Bistro Anna", notes=text)
    content = download(admin_client, f"{LEADS}export/{format}/?q=anna")
    lead.edit(notes="")
    import_file(admin_client, content)
    lead.refresh_from_db()
    assert lead.notes == text


@given(st.text(alphabet="'=+-@\t\r\n＝a1 ", max_size=6) | st.text())
def test_arm_reverses_disarm(text):
    assert arm(disarm(text)) == text
    assert arm(disarm_typed(text)) == text
    assert not disarm(text).startswith(("=", "+", "-", "@", "\t", "\r"))
