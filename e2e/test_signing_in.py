"""Signing in with name and password."""

import re

import pytest
from playwright.sync_api import expect

from e2e.support import sign_in


@pytest.mark.parametrize("name", ["asha", "back.office", "manager", "kam", "reader"])
def test_a_user_of_each_role_signs_in_and_sees_the_start_page(browser, name):
    sign_in(browser, name)
    first = "My day" if name == "kam" else "Overview"
    expect(browser.get_by_role("heading", name=first, level=1)).to_be_visible()
    expect(browser.get_by_text(f"Welcome, {name}")).to_be_visible()


def test_a_wrong_password_is_refused_and_the_name_stays(browser):
    sign_in(browser, "careful", "wrong")
    expect(browser.get_by_text("Please enter the correct username and password")).to_be_visible()
    expect(browser.get_by_label("Username")).to_have_value("careful")


def test_after_ten_wrong_passwords_signing_in_has_to_wait(browser):
    for _ in range(10):
        sign_in(browser, "forgetful", "wrong")
        expect(browser.get_by_text("Please enter the correct username and password")).to_be_visible()
    sign_in(browser, "forgetful")
    expect(browser.get_by_text(re.compile("Please wait 15 minutes, then try again"))).to_be_visible()
    browser.goto("/admin/")
    expect(browser.get_by_role("button", name="Log in")).to_be_visible()


def test_signing_out_ends_the_session(browser):
    sign_in(browser, "careful")
    browser.get_by_role("button", name="Log out").click()
    expect(browser.get_by_text("Logged out").first).to_be_visible()
    browser.goto("/admin/")
    expect(browser.get_by_role("button", name="Log in")).to_be_visible()
