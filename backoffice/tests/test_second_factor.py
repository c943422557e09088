"""The second factor: signing in with it, setting it up, losing it, and where everybody must have one."""

import logging
import re
from io import StringIO

import pytest
import time_machine
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import get_resolver, reverse
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from rest_framework.test import APIClient

from backoffice.accounts import second_factor
from conftest import PASSWORD

NOON = "2024-12-24T12:00:00Z"
PAGE = "/admin/second-factor/"
SECRET = "3132333435363738393031323334353637383930"  # RFC 6238, appendix B


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def staff(db):
    return get_user_model().objects.create_superuser("asha", password=PASSWORD)


@pytest.fixture
def device(staff):
    return TOTPDevice.objects.create(user=staff, name="Authenticator app", key=SECRET)


@pytest.fixture
def recovery(staff, device) -> list[str]:
    return second_factor.make_recovery_codes(staff)


@pytest.fixture
def browser():
    return Client()


@pytest.fixture
def signed_in(staff, browser):
    """A browser that has signed in, by the password alone."""
    browser.force_login(staff)
    return browser


@pytest.fixture
def limits(settings, no_limits):
    settings.THROTTLE = True


def code(later: int = 0, key: str = SECRET) -> str:
    """What the app shows now, or `later` seconds from now."""
    return f"{totp(bytes.fromhex(key), t0=-later):06d}"


def give_password(browser, **extra):
    return browser.post("/admin/login/", {"username": "asha", "password": PASSWORD, "next": "/admin/", **extra})


def give_code(browser, code, **extra):
    return browser.post("/admin/login/code/", {"code": code, "next": "/admin/", **extra})


def sign_in(browser, later: int = 0) -> None:
    give_password(browser)
    assert give_code(browser, code(later)).status_code == 302


def is_in(browser) -> bool:
    return browser.get("/admin/password_change/").status_code == 200


def error(answer) -> str:
    return " ".join(answer.context["form"].errors["code"])


# --- Signing in -----------------------------------------------------------------------------------


def test_the_password_alone_leads_to_the_code_and_no_further(device, browser):
    answer = give_password(browser)
    assert answer["Location"] == "/admin/login/code/?next=%2Fadmin%2F"
    assert browser.get(answer["Location"]).status_code == 200
    assert not is_in(browser)


def test_the_code_opens_the_admin_where_one_was_going(device, browser):
    give_password(browser, next="/admin/password_change/")
    answer = give_code(browser, code(), next="/admin/password_change/")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/password_change/")
    assert is_in(browser)


def test_the_code_may_be_typed_in_two_groups(device, browser):
    give_password(browser)
    assert give_code(browser, f" {code()[:3]} {code()[3:]} ").status_code == 302


@pytest.mark.parametrize("wrong", ["000000", "", "12345", "abcdef", "x" * 33, "0" * 5000, "\0", "éé"])
def test_a_wrong_code_opens_nothing(wrong, device, recovery, browser):
    give_password(browser)
    answer = give_code(browser, wrong)
    assert answer.status_code == 200 and error(answer)
    assert not is_in(browser)


def test_a_code_is_good_once(device, browser):
    sign_in(browser)
    another = Client()
    give_password(another)
    assert "has been used" in error(give_code(another, code()))


@pytest.mark.parametrize(("late", "right"), [(-60, False), (-30, True), (30, True), (60, False)])
def test_a_clock_may_be_half_a_minute_off(late, right, device, browser):
    give_password(browser)
    give_code(browser, code(late))
    assert is_in(browser) is right


def test_nobody_is_led_to_another_host(device, browser):
    give_password(browser)
    assert give_code(browser, code(), next="//example.com/")["Location"] == "/admin/"


def test_the_code_without_the_password_leads_back_to_the_password(device, browser):
    for answer in (give_code(browser, code()), browser.get("/admin/login/code/")):
        assert answer["Location"].startswith("/admin/login/")
    assert not is_in(browser)


def test_ten_minutes_after_the_password_it_is_asked_for_again(device, browser, noon):
    give_password(browser)
    noon.shift(601)
    assert give_code(browser, code())["Location"].startswith("/admin/login/?")
    assert not is_in(browser)


def test_a_password_that_was_changed_meanwhile_is_asked_for_again(staff, device, browser):
    give_password(browser)
    staff.set_password("another horse 42")
    staff.save()
    assert give_code(browser, code())["Location"].startswith("/admin/login/?")


def test_an_account_that_was_deactivated_meanwhile_stays_out(staff, device, browser):
    give_password(browser)
    get_user_model().objects.update(is_active=False)
    assert give_code(browser, code())["Location"].startswith("/admin/login/?")


def test_the_session_gets_another_key_with_the_password_and_with_the_code(device, browser):
    keys = set()
    give_password(browser)
    keys.add(browser.cookies["sessionid"].value)
    give_code(browser, code())
    keys.add(browser.cookies["sessionid"].value)
    assert len(keys) == 2


def test_a_password_of_somebody_else_puts_an_end_to_the_session_before(device, browser, user):
    get_user_model().objects.filter(pk=user.pk).update(is_staff=True)
    give_password(browser, username="kam")
    assert is_in(browser)
    give_password(browser)
    assert not is_in(browser)


def test_a_recovery_code_signs_in_once_however_it_is_typed(recovery, browser):
    give_password(browser)
    assert give_code(browser, f"{recovery[0][:4]} {recovery[0][4:]}".upper()).status_code == 302
    assert is_in(browser)
    another = Client()
    give_password(another)
    assert error(give_code(another, recovery[0]))
    assert give_code(another, recovery[1]).status_code == 429  # the device counts too: one second to wait


def test_the_api_asks_for_name_and_password_alone(device, settings):
    settings.REQUIRE_SECOND_FACTOR = True
    answer = APIClient().post("/api/token/", {"username": "asha", "password": PASSWORD})
    assert list(answer.json()) == ["access", "refresh"]


# --- Guessing -------------------------------------------------------------------------------------


def test_after_a_wrong_code_the_next_waits_longer_and_longer(device, browser, noon):
    give_password(browser)
    give_code(browser, "000000")
    refused = give_code(browser, code())
    assert (refused.status_code, refused["Retry-After"]) == (429, "1")
    assert "Please wait 1 second," in error(refused)
    noon.shift(1)
    give_code(browser, "000000")
    assert give_code(browser, code())["Retry-After"] == "2"
    noon.shift(2)
    assert give_code(browser, code()).status_code == 302


def test_wrong_codes_and_wrong_passwords_count_together(device, browser, noon, limits):
    for _ in range(6):
        give_password(browser, password="wrong")
    give_password(browser)
    for waited in (0, 1, 2, 4):
        noon.shift(waited)
        assert give_code(browser, "000000").status_code == 200
    noon.shift(8)
    assert give_code(browser, code()).status_code == 429
    assert give_password(Client()).status_code == 429


def test_a_code_that_was_not_looked_at_does_not_count(device, browser, noon, limits):
    give_password(browser)
    give_code(browser, "000000")
    assert [give_code(browser, "000000").status_code for _ in range(12)] == [429] * 12
    noon.shift(1)
    assert give_code(browser, code()).status_code == 302


# --- Setting up -----------------------------------------------------------------------------------


def draft_key() -> str:
    return TOTPDevice.objects.get(confirmed=False).key


def set_up(browser) -> list[str]:
    """Sets a second factor up and returns the recovery codes that the page shows."""
    browser.post(PAGE, {"do": "begin"})
    page = browser.post(PAGE, {"do": "confirm", "code": code(key=draft_key())}).content.decode()
    return re.findall(r"<li><code>(\w+)</code></li>", page)


def test_looking_at_the_page_changes_nothing(signed_in):
    page = signed_in.get(PAGE).content.decode()
    assert "Set up" in page
    assert not TOTPDevice.objects.exists()


def test_setting_up_shows_the_secret_to_read_to_click_and_to_scan(signed_in, staff):
    page = signed_in.post(PAGE, {"do": "begin"}, follow=True).content.decode()
    device = TOTPDevice.objects.get()
    secret = re.search(r'<p class="secret"><code>([A-Z2-7 ]+)</code>', page)[1].replace(" ", "")
    assert (
        device.config_url
        == f"otpauth://totp/KAM%20CRM%3Aasha?secret={secret}&algorithm=SHA1&digits=6&period=30&issuer=KAM%20CRM"
    )
    assert device.config_url.replace("&", "&amp;") in page
    assert '<svg class="qr-code" role="img"' in page and "style=" not in page.split("qr-code")[1].split("</svg>")[0]


def test_until_it_is_confirmed_the_password_alone_signs_in(signed_in):
    signed_in.post(PAGE, {"do": "begin"})
    another = Client()
    assert give_password(another)["Location"] == "/admin/"


def test_a_wrong_code_confirms_nothing(signed_in):
    signed_in.post(PAGE, {"do": "begin"})
    assert error(signed_in.post(PAGE, {"do": "confirm", "code": "000000"}))
    assert not TOTPDevice.objects.filter(confirmed=True).exists()


def test_the_right_code_confirms_it_and_shows_ten_recovery_codes_once(signed_in):
    codes = set_up(signed_in)
    assert len(set(codes)) == 10
    assert set(codes) == set(StaticToken.objects.values_list("token", flat=True))
    page = signed_in.get(PAGE).content.decode()
    assert "10 recovery codes left" in page
    assert not any(code in page for code in codes)


def test_the_secret_is_not_shown_again(signed_in):
    signed_in.post(PAGE, {"do": "begin"})
    key = draft_key()
    signed_in.post(PAGE, {"do": "confirm", "code": code(key=key)})
    page = signed_in.get(PAGE).content.decode()
    assert "otpauth:" not in page and "qr-code" not in page and "secret" not in page


def test_the_session_that_sets_it_up_goes_on_and_all_others_end(signed_in, staff):
    elsewhere = Client()
    elsewhere.force_login(staff)
    before = signed_in.cookies["sessionid"].value
    set_up(signed_in)
    assert (is_in(signed_in), is_in(elsewhere)) == (True, False)
    assert signed_in.cookies["sessionid"].value != before


def test_a_session_that_ended_so_is_asked_to_sign_in_again(signed_in, staff):
    elsewhere = Client()
    elsewhere.force_login(staff)
    set_up(signed_in)
    answer = elsewhere.get("/admin/", follow=True)
    assert answer.redirect_chain == [("/admin/login/?next=/admin/", 302)]
    assert "not authorized" not in answer.content.decode()


def test_setting_up_can_be_cancelled(signed_in):
    signed_in.post(PAGE, {"do": "begin"})
    signed_in.post(PAGE, {"do": "cancel"})
    assert not TOTPDevice.objects.exists()


def test_a_second_one_takes_removing_the_first(signed_in, staff):
    set_up(signed_in)
    kept = TOTPDevice.objects.get()
    signed_in.post(PAGE, {"do": "begin"})
    assert TOTPDevice.objects.get() == kept
    TOTPDevice.objects.create(user=staff, name="planted", key=SECRET, confirmed=False)
    assert error(signed_in.post(PAGE, {"do": "confirm", "code": code()}))
    assert second_factor.device_of(staff) == kept


def test_the_users_history_tells_when_it_came_and_went(signed_in, staff):
    set_up(signed_in)
    signed_in.post(PAGE, {"do": "remove", "code": PASSWORD})
    entries = LogEntry.objects.order_by("pk")
    assert [(entry.object_id, entry.user_id, entry.get_change_message()) for entry in entries] == [
        (str(staff.pk), staff.pk, "Set up the second factor."),
        (str(staff.pk), staff.pk, "Removed the second factor."),
    ]


def test_a_post_that_asks_for_nothing_known_does_nothing(signed_in):
    for form in ({}, {"do": "dance"}):
        assert signed_in.post(PAGE, form)["Location"] == PAGE


# --- Removing, and new codes ----------------------------------------------------------------------


@pytest.fixture
def verified(device, recovery, browser):
    """A browser that has signed in with password and code."""
    sign_in(browser)
    return browser


@pytest.mark.parametrize("proof", ["the password", "a code", "a recovery code"])
def test_removing_takes_the_password_or_a_code(proof, verified, recovery):
    given = {"the password": PASSWORD, "a code": code(30), "a recovery code": recovery[0]}[proof]
    answer = verified.post(PAGE, {"do": "remove", "code": given}, follow=True)
    assert "Your second factor is removed." in answer.content.decode()
    assert not TOTPDevice.objects.exists() and not StaticDevice.objects.exists()
    assert give_password(Client())["Location"] == "/admin/"


@pytest.mark.parametrize("wish", ["remove", "codes"])
def test_a_wrong_proof_changes_nothing_and_counts(wish, verified, recovery, limits):
    for _ in range(10):
        assert error(verified.post(PAGE, {"do": wish, "code": "a wrong password"}))
        StaticDevice.objects.update(throttling_failure_count=0)
    assert verified.post(PAGE, {"do": wish, "code": PASSWORD}).status_code == 429
    assert TOTPDevice.objects.exists()
    assert set(StaticToken.objects.values_list("token", flat=True)) == set(recovery)


def test_new_recovery_codes_take_the_place_of_the_old(verified, recovery):
    page = verified.post(PAGE, {"do": "codes", "code": PASSWORD}).content.decode()
    codes = set(StaticToken.objects.values_list("token", flat=True))
    assert len(codes) == 10 and codes.isdisjoint(recovery)
    assert all(code in page for code in codes)


def test_removed_it_asks_for_no_code_in_sessions_that_go_on(verified, staff):
    second_factor.remove(staff, by=staff)
    assert is_in(verified)


def test_a_command_removes_it(staff, device):
    said = StringIO()
    call_command("remove_second_factor", "asha", stdout=said)
    assert said.getvalue() == "Removed the second factor of asha.\n"
    assert not TOTPDevice.objects.exists()
    assert LogEntry.objects.get().get_change_message() == "A command removed the second factor."


@pytest.mark.parametrize(("name", "message"), [("nobody", "There is no user 'nobody'."), ("asha", "no second factor")])
def test_the_command_says_where_there_is_nothing_to_remove(name, message, staff):
    with pytest.raises(CommandError, match=message):
        call_command("remove_second_factor", name)


# --- Where everybody needs one --------------------------------------------------------------------


@pytest.fixture
def required(settings):
    settings.REQUIRE_SECOND_FACTOR = True


def admin_pages() -> list[str]:
    """The paths of all pages of the admin, with 1 for every part that varies."""
    (prefix,) = (entry for entry in get_resolver().url_patterns if str(entry.pattern) == "admin/")

    def walk(entries, path):
        for entry in entries:
            here = path + re.sub(r"\(\?P<\w+>(\w+)[^)]*\)|<[^>]+>", r"\1", str(entry.pattern)).strip("^$")
            yield from walk(entry.url_patterns, here) if hasattr(entry, "url_patterns") else [here]

    return list(walk(prefix.url_patterns, "/admin/"))


def test_nothing_else_of_the_admin_opens_before_one_is_set_up(signed_in, required):
    pages = {page for page in admin_pages() if not page.startswith(("/admin/login/", "/admin/logout/", PAGE))}
    assert len(pages) > 40
    for page in pages:
        assert signed_in.get(page).get("Location", "").startswith(f"{PAGE}?next="), page


def test_one_is_led_to_set_it_up_and_then_to_where_one_was_going(staff, browser, required):
    answer = browser.post(
        "/admin/login/", {"username": "asha", "password": PASSWORD, "next": "/admin/auth/user/"}, follow=True
    )
    assert answer.redirect_chain[-1][0] == f"{PAGE}?next=%2Fadmin%2Fauth%2Fuser%2F"
    assert "Everybody who works here" in answer.content.decode()
    browser.post(PAGE, {"do": "begin", "next": "/admin/auth/user/"})
    form = {"do": "confirm", "code": code(key=draft_key()), "next": "/admin/auth/user/"}
    assert '<a class="button" href="/admin/auth/user/">' in browser.post(PAGE, form).content.decode()
    assert is_in(browser)


def test_whoever_has_one_is_not_held_up(device, browser, required):
    sign_in(browser)
    assert is_in(browser)


def test_one_can_sign_out_before_setting_it_up(signed_in, required):
    signed_in.post("/admin/logout/")
    assert "_auth_user_id" not in signed_in.session


def test_whoever_removes_it_sets_up_another(verified, required):
    verified.post(PAGE, {"do": "remove", "code": PASSWORD})
    assert verified.get("/admin/")["Location"].startswith(PAGE)


# --- Keeping quiet --------------------------------------------------------------------------------


def test_the_admin_has_no_page_of_devices_or_keys():
    assert not admin.site.is_registered(TOTPDevice)
    assert not admin.site.is_registered(StaticDevice)


def test_the_users_pages_show_no_secret(verified, staff, recovery):
    for name in ("change", "history", "delete"):
        page = verified.get(reverse(f"admin:auth_user_{name}", args=[staff.pk])).content.decode()
        assert SECRET not in page
        assert not any(code in page for code in recovery)


def test_the_logs_hold_neither_passwords_nor_codes(device, recovery, browser, caplog, settings):
    settings.LOG_JSON = True
    with caplog.at_level(logging.INFO, "crm.access"):
        give_password(browser)
        for given in (code(), recovery[0], "000000"):
            give_code(browser, given)
    assert caplog.records
    said = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert not any(secret in said for secret in (PASSWORD, code(), recovery[0], SECRET))


def test_a_session_asks_no_query_more_for_it(verified, django_assert_num_queries):
    with django_assert_num_queries(2):  # the session; its user, with the device
        verified.get("/admin/password_change/")


# --- In the admin of users ------------------------------------------------------------------------


@pytest.fixture
def colleague(user):
    """Has a second factor."""
    TOTPDevice.objects.create(user=user, name="Authenticator app", key=SECRET)
    return user


def remove_in_list(browser, *people):
    form = {"action": "remove_second_factor", "_selected_action": [person.pk for person in people]}
    return browser.post("/admin/auth/user/", form, follow=True)


def test_a_superuser_removes_it_for_whoever_has_lost_it(signed_in, staff, colleague):
    page = remove_in_list(signed_in, colleague, staff).content.decode()
    assert "Removed the second factor of kam." in page
    assert second_factor.device_of(colleague) is None
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.user_id) == (str(colleague.pk), staff.pk)


def test_where_there_is_nothing_to_remove_it_says_so(signed_in, user):
    assert "There was no second factor to remove." in remove_in_list(signed_in, user).content.decode()


def test_the_list_tells_who_has_one(signed_in, colleague):
    rows = signed_in.get("/admin/auth/user/").context["cl"].result_list
    assert {row.username: row.second_factor is not None for row in rows} == {"asha": False, "kam": True}


def test_nobody_else_is_offered_that(browser, colleague):
    viewer = get_user_model().objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_user"))
    browser.force_login(viewer)
    assert "remove_second_factor" not in browser.get("/admin/auth/user/").content.decode()
    remove_in_list(browser, colleague)
    assert second_factor.device_of(colleague) is not None
