"""What the browser tests share besides fixtures."""

from base64 import b32decode

from django_otp.oath import totp
from playwright.sync_api import Page

from crm.tests import PASSWORD

LAPTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
HALF_A_MINUTE = 30  # how long an app shows a code


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def upload(page: Page, text: str) -> None:
    page.goto("/admin/lead/restaurant/")
    page.get_by_role("link", name="Import", exact=True).click()
    file = {"name": "leads.csv", "mimeType": "text/csv", "buffer": text.encode()}
    page.get_by_label("CSV file or XLSX workbook").set_input_files([file])
    page.get_by_role("button", name="Show what it would do").click()


class App:
    """An authenticator app. As a code is valid once, its clock advances half a minute with each."""

    def __init__(self, secret: str) -> None:
        self.key, self.ahead = b32decode(secret.replace(" ", "")), 0

    def code(self) -> str:
        self.ahead += HALF_A_MINUTE
        return f"{totp(self.key, t0=HALF_A_MINUTE - self.ahead):06d}"
