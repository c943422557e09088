"""The second factor: set up with an authenticator app, required at signing in, lost and removed."""

import re
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

from e2e.server import PASSWORD
from e2e.support import App, sign_in

WHO = "cautious"


class Guarded(NamedTuple):
    """An account with a second factor, on a page of its own where it was set up."""

    page: Page
    app: App
    recovery_codes: list[str]


@pytest.fixture
def guarded(contexts):
    page = contexts().new_page()
    sign_in(page, WHO)
    page.get_by_role("link", name="Second factor").click()
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    app = App(page.locator(".secret code").inner_text())
    page.get_by_label("Code:").fill(app.code())
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    codes = page.locator(".recovery-codes code").all_inner_texts()
    page.get_by_role("link", name="I have saved them").click()
    yield Guarded(page, app, codes)
    page.goto("/admin/second-factor/")
    if page.get_by_label("Your password or a code").is_visible():
        remove(page, PASSWORD)


def remove(page: Page, proof: str) -> None:
    page.goto("/admin/second-factor/")
    page.get_by_label("Your password or a code").fill(proof)
    page.get_by_role("button", name="Remove the second factor").click()
    expect(page.get_by_text("Your second factor is removed.")).to_be_visible()


def give_code(page: Page, code: str) -> None:
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Log in").click()


def expect_to_be_in(page: Page) -> None:
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def test_setting_it_up_leads_to_the_requested_page_and_hides_the_secret(guarded):
    expect(guarded.page.get_by_role("heading", name=re.compile("Overview|My day"), level=1)).to_be_visible()
    guarded.page.goto("/admin/second-factor/")
    expect(guarded.page.get_by_text("10 recovery codes left")).to_be_visible()
    expect(guarded.page.get_by_role("img", name="QR code")).to_be_hidden()


def test_signing_in_requires_the_apps_code_after_the_password(guarded, browser):
    sign_in(browser, WHO)
    give_code(browser, guarded.app.code())
    expect_to_be_in(browser)


def test_a_wrong_code_is_refused_and_the_next_has_to_wait(guarded, browser):
    sign_in(browser, WHO)
    give_code(browser, "not it")
    expect(browser.get_by_role("alert")).to_contain_text("This code is wrong")
    give_code(browser, "nor this")
    expect(browser.get_by_role("alert")).to_contain_text("Please wait 1 second")


def test_without_the_app_a_recovery_code_signs_in(guarded, browser):
    sign_in(browser, WHO)
    give_code(browser, guarded.recovery_codes[0])
    expect_to_be_in(browser)


def test_after_removal_the_password_alone_signs_in(guarded, browser):
    remove(guarded.page, guarded.app.code())
    sign_in(browser, WHO)
    expect_to_be_in(browser)


def test_a_superuser_removes_it_for_another_user(guarded, browser, page):
    page.goto("/admin/auth/user/")
    page.get_by_role("row", name=WHO).get_by_role("checkbox").check()
    page.get_by_role("combobox", name="Action").select_option(label="Remove the second factor")
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_text(f"Removed the second factor of {WHO}.")).to_be_visible()
    sign_in(browser, WHO)
    expect_to_be_in(browser)
