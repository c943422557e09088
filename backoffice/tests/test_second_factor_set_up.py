"""The second factor of an account: setting it up, new recovery codes, removing it, and what superusers do with it."""

import re
from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from backoffice.accounts import second_factor
from backoffice.tests.support import (
    SECOND_FACTOR,
    SECRET,
    code_error,
    draft_key,
    give_password,
    is_signed_in,
    totp_code,
)
from crm.tests import PASSWORD

pytestmark = pytest.mark.usefixtures("noon")


# --- Setting up -----------------------------------------------------------------------------------


def set_up(browser) -> list[str]:
    """Sets a second factor up and returns the recovery codes that the page shows."""
    browser.post(SECOND_FACTOR, {"do": "begin"})
    page = browser.post(SECOND_FACTOR, {"do": "confirm", "code": totp_code(key=draft_key())}).content.decode()
    return re.findall(r"<li><code>(\w+)</code></li>", page)


def test_looking_at_the_page_changes_nothing(signed_in):
    page = signed_in.get(SECOND_FACTOR).content.decode()
    assert "Set up" in page
    assert not TOTPDevice.objects.exists()


def test_setting_up_shows_the_secret_to_read_to_click_and_to_scan(signed_in, superuser):
    page = signed_in.post(SECOND_FACTOR, {"do": "begin"}, follow=True).content.decode()
    device = TOTPDevice.objects.get()
    secret = re.search(r'<p class="secret"><code>([A-Z2-7 ]+)</code>', page)[1].replace(" ", "")
    assert (
        device.config_url
        == f"otpauth://totp/KAM%20CRM%3Aasha?secret={secret}&algorithm=SHA1&digits=6&period=30&issuer=KAM%20CRM"
    )
    assert device.config_url.replace("&", "&amp;") in page
    assert '<svg class="qr-code" role="img"' in page and "style=" not in page.split("qr-code")[1].split("</svg>")[0]


def test_until_it_is_confirmed_the_password_alone_signs_in(signed_in):
    signed_in.post(SECOND_FACTOR, {"do": "begin"})
    another = Client()
    assert give_password(another)["Location"] == "/admin/"


def test_a_wrong_code_confirms_nothing(signed_in):
    signed_in.post(SECOND_FACTOR, {"do": "begin"})
    assert code_error(signed_in.post(SECOND_FACTOR, {"do": "confirm", "code": "000000"}))
    assert not TOTPDevice.objects.filter(confirmed=True).exists()


def test_the_right_code_confirms_and_shows_recovery_codes_once(signed_in):
    codes = set_up(signed_in)
    assert len(set(codes)) == 10
    assert set(codes) == set(StaticToken.objects.values_list("token", flat=True))
    page = signed_in.get(SECOND_FACTOR).content.decode()
    assert "10 recovery codes left" in page
    assert not any(code in page for code in codes)


def test_the_secret_is_not_shown_again(signed_in):
    signed_in.post(SECOND_FACTOR, {"do": "begin"})
    key = draft_key()
    signed_in.post(SECOND_FACTOR, {"do": "confirm", "code": totp_code(key=key)})
    page = signed_in.get(SECOND_FACTOR).content.decode()
    assert "otpauth:" not in page and "qr-code" not in page and "secret" not in page


def test_the_session_that_sets_it_up_goes_on_and_all_others_end(signed_in, superuser):
    elsewhere = Client()
    elsewhere.force_login(superuser)
    before = signed_in.cookies["sessionid"].value
    set_up(signed_in)
    assert (is_signed_in(signed_in), is_signed_in(elsewhere)) == (True, False)
    assert signed_in.cookies["sessionid"].value != before


def test_a_session_ended_by_the_set_up_leads_to_the_login_page(signed_in, superuser):
    elsewhere = Client()
    elsewhere.force_login(superuser)
    set_up(signed_in)
    answer = elsewhere.get("/admin/", follow=True)
    assert answer.redirect_chain == [("/admin/login/?next=/admin/", 302)]
    assert "not authorized" not in answer.content.decode()


def test_setting_up_can_be_cancelled(signed_in):
    signed_in.post(SECOND_FACTOR, {"do": "begin"})
    signed_in.post(SECOND_FACTOR, {"do": "cancel"})
    assert not TOTPDevice.objects.exists()


def test_a_second_device_requires_removing_the_first(signed_in, superuser):
    set_up(signed_in)
    first = TOTPDevice.objects.get()
    signed_in.post(SECOND_FACTOR, {"do": "begin"})
    assert TOTPDevice.objects.get() == first
    TOTPDevice.objects.create(user=superuser, name="planted", key=SECRET, confirmed=False)
    assert code_error(signed_in.post(SECOND_FACTOR, {"do": "confirm", "code": totp_code()}))
    assert second_factor.device_of(superuser) == first


def test_the_users_history_shows_set_up_and_removal(signed_in, superuser):
    set_up(signed_in)
    signed_in.post(SECOND_FACTOR, {"do": "remove", "code": PASSWORD})
    entries = LogEntry.objects.order_by("pk")
    assert [(entry.object_id, entry.user_id, entry.get_change_message()) for entry in entries] == [
        (str(superuser.pk), superuser.pk, "Set up the second factor."),
        (str(superuser.pk), superuser.pk, "Removed the second factor."),
    ]


def test_an_unknown_action_does_nothing(signed_in):
    for form in ({}, {"do": "dance"}):
        assert signed_in.post(SECOND_FACTOR, form)["Location"] == SECOND_FACTOR


# --- Removing, and new codes ----------------------------------------------------------------------


@pytest.mark.parametrize("proof", ["the password", "a code", "a recovery code"])
def test_removing_takes_the_password_or_a_code(proof, verified, recovery):
    given = {"the password": PASSWORD, "a code": totp_code(30), "a recovery code": recovery[0]}[proof]
    answer = verified.post(SECOND_FACTOR, {"do": "remove", "code": given}, follow=True)
    assert "Your second factor is removed." in answer.content.decode()
    assert not TOTPDevice.objects.exists() and not StaticDevice.objects.exists()
    assert give_password(Client())["Location"] == "/admin/"


@pytest.mark.parametrize("action", ["remove", "codes"])
def test_a_wrong_proof_changes_nothing_and_counts(action, verified, recovery, limits):
    for _ in range(10):
        assert code_error(verified.post(SECOND_FACTOR, {"do": action, "code": "a wrong password"}))
        StaticDevice.objects.update(throttling_failure_count=0)
    assert verified.post(SECOND_FACTOR, {"do": action, "code": PASSWORD}).status_code == 429
    assert TOTPDevice.objects.exists()
    assert set(StaticToken.objects.values_list("token", flat=True)) == set(recovery)


def test_new_recovery_codes_replace_the_old(verified, recovery):
    page = verified.post(SECOND_FACTOR, {"do": "codes", "code": PASSWORD}).content.decode()
    codes = set(StaticToken.objects.values_list("token", flat=True))
    assert len(codes) == 10 and codes.isdisjoint(recovery)
    assert all(code in page for code in codes)


def test_open_sessions_go_on_after_removal(verified, superuser):
    second_factor.remove(superuser, by=superuser)
    assert is_signed_in(verified)


def test_a_command_removes_it(superuser, device):
    output = StringIO()
    call_command("remove_second_factor", "asha", stdout=output)
    assert output.getvalue() == "Removed the second factor of asha.\n"
    assert not TOTPDevice.objects.exists()
    assert LogEntry.objects.get().get_change_message() == "A command removed the second factor."


@pytest.mark.parametrize(("name", "message"), [("nobody", "There is no user 'nobody'."), ("asha", "no second factor")])
def test_the_command_reports_when_there_is_nothing_to_remove(name, message, superuser):
    with pytest.raises(CommandError, match=message):
        call_command("remove_second_factor", name)


# --- In the admin of users ------------------------------------------------------------------------


@pytest.fixture
def other(user):
    """Has a second factor."""
    TOTPDevice.objects.create(user=user, name="Authenticator app", key=SECRET)
    return user


def remove_in_list(browser, *users):
    form = {"action": "remove_second_factor", "_selected_action": [user.pk for user in users]}
    return browser.post("/admin/auth/user/", form, follow=True)


def test_a_superuser_removes_it_for_another_user(signed_in, superuser, other):
    page = remove_in_list(signed_in, other, superuser).content.decode()
    assert "Removed the second factor of kam." in page
    assert second_factor.device_of(other) is None
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.user_id) == (str(other.pk), superuser.pk)


def test_the_action_reports_when_there_is_nothing_to_remove(signed_in, user):
    assert "There was no second factor to remove." in remove_in_list(signed_in, user).content.decode()


def test_the_list_shows_which_users_have_one(signed_in, other):
    rows = signed_in.get("/admin/auth/user/").context["cl"].result_list
    assert {row.username: row.second_factor is not None for row in rows} == {"asha": False, "kam": True}


def test_only_superusers_are_offered_the_removal(browser, other):
    viewer = get_user_model().objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_user"))
    browser.force_login(viewer)
    assert "remove_second_factor" not in browser.get("/admin/auth/user/").content.decode()
    remove_in_list(browser, other)
    assert second_factor.device_of(other) is not None
