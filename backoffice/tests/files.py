"""Files as people hand them in, and the way through the pages of the import."""

import csv
from io import BytesIO, StringIO

import openpyxl
from django.core.files.uploadedfile import SimpleUploadedFile

from crm.tests.forms import form_of

LEADS, CONTACTS = "/admin/lead/restaurant/", "/admin/contact/contact/"


def csv_file(*rows: list, encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    text = StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode(encoding)


def xlsx_file(*rows: list) -> bytes:
    book, content = openpyxl.Workbook(), BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(content)
    return content.getvalue()


def upload(client, content: bytes, path: str = LEADS, name: str = "leads.csv"):
    """Hands the file in. Returns its preview, or the page that says why there is none."""
    return client.post(f"{path}import/", {"file": SimpleUploadedFile(name, content)}, follow=True)


def address(preview) -> str:
    """Where the preview that was answered is."""
    return preview.redirect_chain[-1][0]


def confirm(client, preview):
    return client.post(address(preview), form_of(preview, "confirm_form"), follow=True)


def take_in(client, content: bytes, path: str = LEADS):
    """Hands the file in and confirms it."""
    return confirm(client, upload(client, content, path))


def complaint(page) -> str:
    """Why a file was not taken."""
    return page.context["form"].errors["file"][0]


def outcomes(preview) -> list:
    return list(preview.context["rows"])


def totals(preview) -> dict[str, int]:
    return dict(preview.context["run"].totals)


def said(page) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def download(client, path: str = f"{LEADS}export/csv/") -> bytes:
    return b"".join(client.get(path).streaming_content)


def exported(client, path: str = f"{LEADS}export/csv/") -> list[dict[str, str]]:
    """The rows of an export, as a program reads them."""
    return list(csv.DictReader(StringIO(download(client, path).decode("utf-8-sig"), newline="")))
