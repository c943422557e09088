"""My work profile: the first pages ask for it once, a page changes it by the API's rules, and all pages follow it."""

import re

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from backoffice.accounts.roles import grant
from backoffice.accounts.viewer import FIRST_DAYS, first_day_of_week, iso_code, locale_of
from backoffice.admin.my_work_profile import countries, zones
from backoffice.tests.support import text_of
from call.models import CallPlan, WorkProfile
from call.models.work_profile import supported_countries
from crm import dates
from track.models import Interaction

PATH, MY_DAY = "/admin/my-work-profile/", "/admin/my-day/"
QUESTION = "When and where do you work?"
KOLKATA = {"time_zone": "Asia/Kolkata", "working_days": ["1", "2", "3", "4", "5", "6"], "country": "IN"}


@pytest.fixture(autouse=True)
def roles(db):
    grant(apps, "default")
    cache.clear()


@pytest.fixture
def kam(user):
    user.is_staff = True
    user.save()
    user.groups.add(Group.objects.get(name="KAM"))
    return user


@pytest.fixture
def browser(kam, client):
    client.force_login(kam)
    return client


# --- Asking once ----------------------------------------------------------------------------------


def test_my_day_proposes_the_servers_zone_and_a_working_week(browser):
    page = browser.get(MY_DAY).text
    assert QUESTION in page
    assert re.search(r'<select name="time_zone" data-propose[^>]*>', page)
    assert '<option value="UTC" selected>UTC</option>' in page
    assert [day for day in "1234567" if re.search(f'name="working_days" value="{day}"[^>]*checked', page)] == list(
        "12345"
    )


def test_the_overview_asks_too_and_the_answer_leads_back(client, admin_user):
    client.force_login(admin_user)
    assert QUESTION in client.get("/admin/").text
    answer = client.post(PATH, {**KOLKATA, "back": "overview"})
    assert answer["Location"] == "/admin/overview/"
    assert QUESTION not in client.get("/admin/").text


def test_the_answer_is_written_and_leads_back_to_my_day(browser, kam):
    answer = browser.post(PATH, {**KOLKATA, "back": "my_day"})
    assert answer["Location"] == MY_DAY
    profile = WorkProfile.objects.get(user=kam)
    assert (profile.time_zone, profile.working_days, profile.country) == ("Asia/Kolkata", [1, 2, 3, 4, 5, 6], "IN")
    page = browser.get(MY_DAY).text
    assert QUESTION not in page
    assert "Saved. Times and days are in Asia/Kolkata now." in page


def test_not_now_is_remembered_for_the_user_and_writes_nothing(browser, kam, django_user_model):
    answer = browser.post(PATH, {"later": "1", "back": "my_day", "time_zone": "nonsense"})
    assert answer["Location"] == MY_DAY
    cookie = answer.cookies["work_profile_later"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/admin/", True, "Lax")
    assert QUESTION not in browser.get(MY_DAY).text
    assert not WorkProfile.objects.exists()
    other = django_user_model.objects.create_user("asha", is_staff=True)
    other.groups.add(Group.objects.get(name="KAM"))
    session = browser.cookies["work_profile_later"].value
    browser.force_login(other)
    browser.cookies["work_profile_later"] = session
    assert QUESTION in browser.get(MY_DAY).text


def test_read_only_is_not_questioned_and_changes_nothing(client, reader):
    reader.is_staff = True
    reader.save()
    client.force_login(reader)
    assert QUESTION not in client.get(MY_DAY).text
    page = client.get(PATH)
    assert page.status_code == 200 and 'class="button default"' not in page.text
    assert client.post(PATH, KOLKATA).status_code == 403
    assert client.post(PATH, {"later": "1"}).status_code == 403
    assert not WorkProfile.objects.exists()


def test_without_staff_status_there_is_no_page(client, user):
    client.force_login(user)
    assert client.get(PATH).status_code == 302
    assert client.post(PATH, KOLKATA).status_code == 302
    assert not WorkProfile.objects.exists()


# --- The page -------------------------------------------------------------------------------------


def test_the_page_changes_what_is_stored_and_moves_the_calls(browser, kam, lead):
    with timezone.override("UTC"):
        plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    browser.post(PATH, {**KOLKATA, "working_days": ["1"]})
    plan.refresh_from_db()
    assert plan.next_call_date.astimezone(dates.zone("Asia/Kolkata")).isoweekday() == 1
    stored = browser.get(PATH).context["form"].initial
    assert (stored["time_zone"], stored["working_days"], stored["country"]) == ("Asia/Kolkata", [1], "IN")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("time_zone", "Mars/Olympus", "Select a valid choice."),
        ("time_zone", "", "This field is required."),
        ("working_days", [], "This field is required."),
        ("working_days", ["8"], "Select a valid choice."),
        ("country", "XX", "Select a valid choice."),
    ],
)
def test_a_bad_value_names_its_field_and_writes_nothing(browser, kam, field, value, said):
    page = browser.post(PATH, {**KOLKATA, field: value})
    assert page.status_code == 200
    assert [said in error for error in page.context["form"].errors[field]] == [True]
    assert list(page.context["form"].errors) == [field]
    assert not WorkProfile.objects.exists()


def test_another_country_has_other_regions(browser, kam):
    profile = WorkProfile.objects.create(user=kam, country="IN", region="MH")
    assert "MH" in dict(browser.get(PATH).context["form"].fields["region"].choices)
    browser.post(PATH, {**KOLKATA, "region": "KA"})
    profile.refresh_from_db()
    assert profile.region == "KA"
    browser.post(PATH, {**KOLKATA, "country": "DE", "region": "KA"})
    profile.refresh_from_db()
    assert (profile.country, profile.region) == ("DE", "")


def test_what_is_stored_by_other_ways_stays_a_choice(browser, kam):
    profile = WorkProfile.objects.create(user=kam, time_zone="Etc/GMT-3", country="IND")
    browser.post(PATH, {"time_zone": "Etc/GMT-3", "working_days": ["7"], "country": "IND"})
    profile.refresh_from_db()
    assert (profile.time_zone, profile.country, profile.working_days) == ("Etc/GMT-3", "IND", [7])


def test_every_choice_is_one_that_the_api_takes():
    known = supported_countries()
    assert {code for code, _name in countries()} <= set(known)
    assert len(countries()) == 250
    assert ("BA", "Bosnia and Herzegovina") in countries() and ("CD", "DR Congo") in countries()
    assert {name for name, _label in zones()} <= dates.ZONES
    assert {"Asia/Kolkata", "Asia/Calcutta", "America/Sao_Paulo", "UTC"} <= dict(zones()).keys()


# --- Pages follow it ------------------------------------------------------------------------------


def test_pages_say_which_zone_and_lead_to_the_work_profile(browser, kam, lead, plan):
    hint = '<a href="/admin/my-work-profile/">UTC</a>, the server’s zone: set your own'
    for path in ("/admin/overview/", MY_DAY, "/admin/lead/restaurant/"):
        assert hint in browser.get(path).text, path
    form = browser.get(reverse("admin:call_callplan_change", args=[plan.pk])).text
    assert 'Time zone: <a href="/admin/my-work-profile/">UTC</a>.' in form
    WorkProfile.objects.create(user=kam, time_zone="Asia/Kolkata")
    for path in ("/admin/overview/", MY_DAY, "/admin/lead/restaurant/"):
        page = browser.get(path).text
        assert '<a href="/admin/my-work-profile/">Asia/Kolkata</a>' in page, path
        assert "set your own" not in page


def test_all_pages_are_in_the_zone_of_the_viewer(browser, kam, lead):
    WorkProfile.objects.create(user=kam, time_zone="Asia/Kolkata")
    visit = Interaction.log(lead=lead, interaction_type="VISIT", date="2024-12-27T18:31:00Z")
    page = browser.get(reverse("admin:track_interaction_change", args=[visit.pk])).text
    assert "VISIT 2024-12-28" in page
    assert 'value="2024-12-28"' in page and 'value="00:01:00"' in page
    assert timezone.get_current_timezone_name() == "UTC"


def test_amounts_are_in_the_format_of_the_country_with_the_currency(browser, kam, lead, settings):
    settings.CURRENCY = "INR"
    WorkProfile.objects.create(user=kam, country="IN")
    lead.edit(potential_revenue="1234567.80")
    assert "12,34,567.80\xa0INR" in browser.get("/admin/lead/restaurant/").text
    assert "12,34,567.80\xa0INR" in browser.get("/admin/overview/").text
    form = browser.get(reverse("admin:lead_restaurant_change", args=[lead.pk])).text
    assert "Potential revenue (INR)" in form
    assert 'value="1234567.80"' in form
    german = browser.get("/admin/lead/restaurant/", headers={"Accept-Language": "de"})
    assert "1.234.567,80\xa0INR" in german.text


def test_read_only_sees_the_amounts_of_a_page_with_the_currency(client, reader, lead, interaction, settings):
    settings.CURRENCY = "INR"
    reader.is_staff = True
    reader.save()
    client.force_login(reader)
    lead.edit(potential_revenue="5000")
    interaction.write_order(product_details="Oil", quantity=1, total_price="12.50")
    for row, amount in ((lead, "5,000.00"), (interaction, "12.50"), (interaction.order, "12.50")):
        path = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
        assert f"{amount}\xa0INR" in client.get(path).text


def test_amounts_of_my_day_have_the_currency(browser, kam, lead, settings):
    settings.CURRENCY = "INR"
    CallPlan.objects.create(lead=lead, frequency="WEEKLY", next_call_date=dates.now())
    order = Interaction.log(lead=lead, interaction_type="ORDER", order_placed=True, date="2026-01-01T10:00:00Z")
    order.write_order(product_details="Oil", quantity=1, total_price="1234.50")
    assert "Order 1 Jan 2026, 1,234.50 INR" in text_of(browser.get(MY_DAY))


@pytest.mark.parametrize(
    ("country", "language", "day"),
    [
        ("", "en", 0),
        ("", "de", 1),
        ("IN", "en", 0),
        ("DE", "en", 1),
        ("BR", "de", 0),
        ("EG", "en", 6),
        ("DEU", "en", 1),
    ],
)
def test_the_calendars_begin_the_week_as_the_country_does(browser, kam, country, language, day):
    WorkProfile.objects.create(user=kam, country=country)
    script = browser.get("/admin/jsi18n/", headers={"Accept-Language": language}).text
    assert f'"FIRST_DAY_OF_WEEK": {day}' in script


def test_the_days_of_the_week_are_of_known_countries_once():
    codes = [code for found in FIRST_DAYS.values() for code in found.split()]
    assert len(codes) == len(set(codes))
    assert set(codes) <= {code for code, _name in countries()}
    assert first_day_of_week("DE") == 1


def test_a_country_is_known_by_two_letters():
    assert [iso_code(code) for code in ("IN", "IND", "UK", "GBR", "XX")] == ["IN", "IN", "GB", "GB", ""]
    assert locale_of("de", "CH") == "de-ch" and locale_of("en", "") == "en"


def test_forms_are_read_in_the_format_in_which_they_are_shown(browser, kam, lead):
    WorkProfile.objects.create(user=kam, country="IN")
    visit = Interaction.log(lead=lead, interaction_type="VISIT", date="2024-12-27T10:00:00Z", created_by=kam)
    path = reverse("admin:track_interaction_change", args=[visit.pk])
    page = browser.get(path)
    assert 'value="27/12/2024"' in page.text
    form = page.context["adminform"].form
    body = {f"{name}": form[name].value() for name in ("lead", "interaction_type", "details")}
    dates_of = {
        "date_0": "03/02/2025",
        "date_1": "10:00:00",
        "initial-date_0": "27/12/2024",
        "initial-date_1": "10:00:00",
    }
    inline = {f"order-{name}": value for name, value in (("TOTAL_FORMS", 0), ("INITIAL_FORMS", 0))}
    browser.post(path, {**body, **dates_of, **inline})
    visit.refresh_from_db()
    assert visit.date.date().isoformat() == "2025-02-03"
    assert translation.get_language() in ("en", "en-in")


def test_the_profile_costs_no_query_of_its_own(browser, kam):
    browser.get("/admin/recent/")
    with CaptureQueriesContext(connection) as without:
        browser.get("/admin/recent/")
    WorkProfile.objects.create(user=kam, time_zone="Asia/Kolkata", country="IN")
    with CaptureQueriesContext(connection) as with_profile:
        browser.get("/admin/recent/")
    assert len(with_profile) == len(without)
    read = [query["sql"] for query in with_profile if "call_workprofile" in query["sql"]]
    assert len(read) == 1 and "auth_user" in read[0]
