"""Helpers for the tests of the back office: addresses, staff with permissions, files, the pages of the import,
and the second factor.
"""

import csv
from io import BytesIO, StringIO

import openpyxl
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from crm.tests import PASSWORD
from crm.tests.support import form_of

LEADS, CONTACTS = "/admin/lead/restaurant/", "/admin/contact/contact/"
INTERACTIONS, ORDERS = "/admin/track/interaction/", "/admin/track/orderdetails/"
PLANS = "/admin/call/callplan/"
EVERY_LIST = [LEADS, CONTACTS, INTERACTIONS, ORDERS, PLANS, "/admin/lead/statuschange/", "/admin/lead/ownerchange/"]


def staff(*permissions: str):
    """A staff user with exactly these permissions, as in "lead.view_restaurant"."""
    user = get_user_model().objects.create_user("staff", is_staff=True)
    for name in permissions:
        app, codename = name.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


def text_of(answer) -> str:
    """The page's HTML, with single spaces."""
    return " ".join(answer.content.decode().split())


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
    """Uploads the file. Returns its preview, or the form with an error."""
    return client.post(f"{path}import/", {"file": SimpleUploadedFile(name, content)}, follow=True)


def address_of(preview) -> str:
    """The address of a preview."""
    return preview.redirect_chain[-1][0]


def confirm(client, preview):
    return client.post(address_of(preview), form_of(preview, "confirm_form"), follow=True)


def import_file(client, content: bytes, path: str = LEADS):
    """Uploads the file and confirms it."""
    return confirm(client, upload(client, content, path))


def upload_error(page) -> str:
    """Why a file was refused."""
    return page.context["form"].errors["file"][0]


def outcomes(preview) -> list:
    return list(preview.context["rows"])


def totals(preview) -> dict[str, int]:
    return dict(preview.context["run"].totals)


def messages_of(page) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def download(client, path: str = f"{LEADS}export/csv/") -> bytes:
    return b"".join(client.get(path).streaming_content)


def exported(client, path: str = f"{LEADS}export/csv/") -> list[dict[str, str]]:
    """The rows of an export, as a program reads them."""
    return list(csv.DictReader(StringIO(download(client, path).decode("utf-8-sig"), newline="")))


# --- The second factor ----------------------------------------------------------------------------

SECOND_FACTOR = "/admin/second-factor/"
SECRET = "3132333435363738393031323334353637383930"  # RFC 6238, appendix B


def totp_code(later: int = 0, key: str = SECRET) -> str:
    """What the authenticator app shows now, or `later` seconds from now."""
    return f"{totp(bytes.fromhex(key), t0=-later):06d}"


def draft_key() -> str:
    """The secret of the device that is being set up."""
    return TOTPDevice.objects.get(confirmed=False).key


def give_password(browser, **extra):
    return browser.post("/admin/login/", {"username": "asha", "password": PASSWORD, "next": "/admin/", **extra})


def give_code(browser, code, **extra):
    return browser.post("/admin/login/code/", {"code": code, "next": "/admin/", **extra})


def sign_in_with_code(browser, later: int = 0) -> None:
    give_password(browser)
    assert give_code(browser, totp_code(later)).status_code == 302


def is_signed_in(browser) -> bool:
    return browser.get("/admin/password_change/").status_code == 200


def code_error(answer) -> str:
    return " ".join(answer.context["form"].errors["code"])
