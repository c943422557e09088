"""Lists open with the own rows of those who own leads, and with all rows where they have chosen that."""

import re
from html import unescape

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.cache import cache
from django.urls import reverse

from backoffice.accounts.roles import KAM
from backoffice.admin import changelist
from backoffice.models import WholeList
from backoffice.tests.support import CONTACTS, EVERY_LIST, INTERACTIONS, LEADS, ORDERS, PLANS, exported, text_of
from call.models import CallPlan
from contact.models import Contact
from lead.models import Restaurant
from track.models import Interaction

User = get_user_model()
LISTS = [LEADS, CONTACTS, INTERACTIONS, ORDERS, PLANS]
NAMES = {
    LEADS: "leads",
    CONTACTS: "contacts",
    INTERACTIONS: "interactions",
    ORDERS: "order details",
    PLANS: "call plans",
}


def account(name: str, owner=None, city: str = "Pune") -> Restaurant:
    """With a row in every list."""
    lead = Restaurant.objects.create(name=name, city=city, assigned_to=owner)
    Contact.objects.create(restaurant=lead, name="Asha Rao")
    CallPlan.objects.create(lead=lead, frequency="DAILY")
    order = {"product_details": "Oil", "quantity": 1, "total_price": 5}
    Interaction.log(lead=lead, interaction_type="ORDER", order=order)
    return lead


@pytest.fixture
def kam(user):
    """Owns two of five leads, and may do everything but see all leads with another ACCESS."""
    User.objects.filter(pk=user.pk).update(is_staff=True)
    user.user_permissions.set(Permission.objects.exclude(codename="view_all"))
    other = User.objects.create_user("other")
    for name, owner in [("Mine", user), ("Mine too", user), ("Other", other), ("Other too", other), ("Unowned", None)]:
        account(name, owner)
    return user


@pytest.fixture
def browser(client, kam):
    client.force_login(kam)
    return client


def count(answer) -> int:
    return answer.context["cl"].result_count


def whose(answer) -> str:
    """The line above the list, as text."""
    found = re.search('<div class="whose">(.*?)</div>', text_of(answer))
    return " ".join(re.sub("<[^>]*>", "", found[1]).split()) if found else ""


def link(answer, text: str) -> str:
    return unescape(re.search(f'<a href="([^"]*)"[^>]*>{text}</a>', answer.text)[1])


def choose(client, rows: str, path: str = LEADS):
    return client.post(f"{path}own-first/", {"rows": rows}, follow=True)


# --- How a list opens -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", LISTS)
def test_a_list_opens_with_the_own_rows_and_says_so(path, browser):
    answer = browser.get(path)
    assert count(answer) == 2
    assert whose(answer) == f"Your 2 {NAMES[path]} · Show all 5"


@pytest.mark.parametrize("path", LISTS)
def test_one_click_shows_all_and_one_leads_back(path, browser):
    answer = choose(browser, "all", path)
    assert (count(answer), whose(answer)) == (5, f"All 5 {NAMES[path]} that you see · Show only your 2")
    answer = choose(browser, "own", path)
    assert (count(answer), whose(answer)) == (2, f"Your 2 {NAMES[path]} · Show all 5")
    assert not WholeList.objects.exists()


def test_the_choice_outlasts_the_session_and_is_of_one_list_and_user(browser, client, kam):
    for _ in range(2):
        choose(browser, "all")
    client.logout()
    client.force_login(kam)
    assert [count(client.get(path)) for path in (LEADS, PLANS)] == [5, 2]
    other = User.objects.get(username="other")
    User.objects.filter(pk=other.pk).update(is_staff=True)
    other.user_permissions.set(Permission.objects.filter(codename="view_restaurant"))
    client.force_login(other)
    assert count(client.get(LEADS)) == 2


@pytest.mark.parametrize("path", ["/admin/lead/statuschange/", "/admin/lead/ownerchange/"])
def test_histories_open_with_all_rows(path, browser):
    assert not whose(browser.get(path))


def test_all_that_one_sees_follows_the_policy(browser, settings):
    settings.ACCESS = "own"
    assert whose(browser.get(LEADS)) == "Your 2 leads · Show all 2"
    assert count(choose(browser, "all")) == 2


@pytest.mark.parametrize("path", LISTS)
def test_who_owns_nothing_sees_all_as_ever(path, kam, admin_client):
    answer = admin_client.get(path)
    assert (count(answer), whose(answer)) == (5, "")
    assert "owner" not in answer.wsgi_request.GET


def test_a_superuser_who_owns_a_lead_begins_with_it(kam, admin_client, admin_user):
    account("Theirs", admin_user)
    assert whose(admin_client.get(LEADS)) == "Your 1 lead · Show all 6"


def test_a_kam_without_leads_begins_with_none(kam, client):
    new = User.objects.create_user("new", is_staff=True)
    new.groups.add(Group.objects.get(name=KAM))
    client.force_login(new)
    assert whose(client.get(LEADS)) == "Your 0 leads · Show all 5"


def test_a_count_beyond_the_bound_is_named_as_more(browser, monkeypatch):
    monkeypatch.setattr(changelist, "COUNTED", 3)
    assert whose(browser.get(LEADS)) == "Your 2 leads · Show all more than 3"


@pytest.mark.parametrize(
    ("method", "data", "status"),
    [("get", {}, 405), ("post", {}, 400), ("post", {"rows": "none"}, 400), ("post", {"rows": "all"}, 302)],
)
def test_only_a_choice_of_rows_is_stored(method, data, status, browser):
    assert getattr(browser, method)(f"{LEADS}own-first/", data).status_code == status
    assert WholeList.objects.count() == (status == 302)


def test_a_choice_takes_the_permission_to_see_the_list(client, db):
    client.force_login(User.objects.create_user("asha", is_staff=True))
    assert client.post(f"{LEADS}own-first/", {"rows": "all"}).status_code == 403
    assert not WholeList.objects.exists()


# --- What names a filter is not narrowed ----------------------------------------------------------


@pytest.mark.parametrize("query", ["status=NEW", "owner=", "unassigned=", "city=pune&owner=", "lead_status="])
def test_an_address_that_names_a_filter_is_not_narrowed(query, browser):
    if query == "lead_status=":  # Django's answer to what no list knows
        assert browser.get(f"{LEADS}?{query}").status_code == 302
    else:
        assert count(browser.get(f"{LEADS}?{query}")) == 5


def test_the_rows_of_one_lead_are_not_narrowed(browser):
    lead = Restaurant.objects.get(name="Other")
    assert count(browser.get(PLANS, {"lead__id__exact": lead.pk})) == 1


@pytest.mark.parametrize("whole", [False, True])
def test_every_figure_of_the_start_page_equals_its_list(whole, browser):
    if whole:
        for path in LISTS:
            choose(browser, "all", path)
    cache.clear()
    page = browser.get("/admin/overview/").text
    cache.clear()
    total = unescape(re.search('<a href="([^"]*)"><strong>5 leads</strong>', page)[1])
    assert count(browser.get(total)) == 5
    found = re.findall(
        '<a href="([^"]*)" aria-label="([^"]*): ([0-9]+) (leads?|orders?|accounts?|in the|today|overdue)', page
    )
    assert len(found) > 60
    for url, label, figure, _ in found:
        if figure != "0" or "New" in label:
            assert count(browser.get(unescape(url))) == int(figure), url


def test_a_search_goes_through_all_and_says_so(browser):
    page = browser.get(LEADS)
    assert 'type="hidden" name="owner"' not in page.text
    answer = browser.get(LEADS, {"q": "too"})
    assert (count(answer), whose(answer)) == (2, "All leads that you see were searched. Search only yours")
    answer = browser.get(LEADS + link(answer, "Search only yours"))
    assert (count(answer), whose(answer)) == (1, "Only your leads were searched. Search all that you see")
    assert 'type="hidden" name="owner" value="me"' in text_of(answer)
    assert count(browser.get(LEADS + link(answer, "Search all that you see"))) == 2


def test_a_search_of_who_owns_nothing_says_nothing(kam, admin_client):
    assert whose(admin_client.get(LEADS, {"q": "too"})) == ""


def test_a_filter_in_the_form_stays_within_the_own_rows(browser):
    """The form has the owner `me`, which can be seen and changed there."""
    account("Far", User.objects.get(username="kam"), city="Kochi")
    page = browser.get(LEADS)
    assert '<input type="text" name="owner" value="me"' in text_of(page)
    answer = browser.get(LEADS, {"owner": "me", "city": "kochi"})
    assert (count(answer), whose(answer)) == (1, "")
    assert "Owner: <strong>me</strong>" in text_of(answer)


def test_removing_the_last_filter_leads_to_no_fewer_rows(browser):
    answer = browser.get(LEADS, {"status": "NEW"})
    href = unescape(re.search('<a href="([^"]*)" aria-label="Remove the filter Status"', answer.text)[1])
    assert count(browser.get(LEADS + href)) == 5
    answer = browser.get(LEADS, {"status": "NEW", "owner": "me"})
    href = unescape(re.search('<a href="([^"]*)" aria-label="Remove the filter Status"', answer.text)[1])
    assert count(browser.get(LEADS + href)) == 2
    assert count(browser.get(LEADS + link(answer, "Clear all"))) == 5


@pytest.mark.parametrize("popup", ["_popup=1", "_popup=1&q=o", "_popup=1&_to_field=id"])
def test_a_chooser_in_a_popup_is_not_narrowed(popup, browser):
    answer = browser.get(f"{LEADS}?{popup}")
    assert (count(answer) >= 3, whose(answer)) == (True, "")


def test_autocompletion_is_not_narrowed(browser):
    query = {"app_label": "call", "model_name": "callplan", "field_name": "lead", "term": "other"}
    assert len(browser.get(reverse("admin:autocomplete"), query).json()["results"]) == 2


# --- The page leads to what it shows --------------------------------------------------------------


@pytest.mark.parametrize(("stored", "rows"), [("own", 2), ("all", 5)])
def test_the_links_of_a_page_outlast_a_choice_made_elsewhere(stored, rows, browser, monkeypatch):
    """Pages, order and export of a page that was opened before."""
    monkeypatch.setattr("backoffice.admin.lead.RestaurantAdmin.list_per_page", 1)
    answer = choose(browser, stored)
    [later, *_] = [unescape(url) for url in re.findall(r'href="(\?[^"]*p=2[^"]*)"', answer.text)]
    [order, *_] = [unescape(url) for url in re.findall(r'href="(\?[^"]*o=1[^"]*)"', answer.text)]
    export = unescape(re.search(f'href="{LEADS}export/([^"]*)"', answer.text)[1])
    choose(browser, "own" if stored == "all" else "all")
    assert count(browser.get(LEADS + later)) == count(browser.get(LEADS + order)) == rows
    assert len(exported(browser, f"{LEADS}export/csv/{export}")) == rows


@pytest.mark.parametrize(("stored", "rows"), [("own", 2), ("all", 5)])
def test_an_action_on_all_acts_on_what_the_page_shows(stored, rows, browser):
    page = choose(browser, stored)
    address = unescape(re.search('formaction="([^"]*)"', page.text)[1])
    choose(browser, "own" if stored == "all" else "all")
    chosen = {"action": "change_status", "_selected_action": [Restaurant.objects.get(name="Mine").pk]}
    chosen |= {"select_across": "1"}
    assert f"{rows} leads" in browser.post(LEADS + address, chosen).text
    answer = {"post": "yes", "status": "LOST", "shown": str(rows)}
    browser.post(LEADS + address, chosen | answer)
    assert Restaurant.objects.filter(lead_status="LOST").count() == rows


def test_a_lead_is_saved_and_leads_back_to_the_own_rows(browser):
    page = browser.get(LEADS).text
    change = unescape(re.search(r'href="(/admin/lead/restaurant/\d+/change/\?[^"]*)"', page)[1])
    answer = browser.get(change)
    close = unescape(re.search('<form[^>]* id="restaurant_form"', answer.text)[0])
    assert close
    assert "_changelist_filters=owner%3Dme" in change
    answer = browser.get(LEADS, {"owner": "me"})
    assert whose(answer) == "Your 2 leads · Show all 5"


def test_the_whole_list_is_shown_on_one_page(browser, monkeypatch):
    monkeypatch.setattr("backoffice.admin.lead.RestaurantAdmin.list_per_page", 1)
    assert len(browser.get(LEADS, {"all": ""}).context["cl"].result_list) == 2


# --- The owner `me` -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EVERY_LIST)
def test_the_owner_me_is_the_viewer(path, browser):
    lead = Restaurant.objects.get(name="Mine")
    lead.change_status("LOST")
    answer = browser.get(path, {"owner": "me", "city": "pune"})
    assert count(answer) == (1 if "statuschange" in path else 0 if "ownerchange" in path else 2)


def test_names_that_contain_me_are_found_by_more_of_the_name(browser):
    account("Hers", User.objects.create_user("mehta"))
    assert count(browser.get(LEADS, {"owner": "meh"})) == 1
    assert count(browser.get(LEADS, {"owner": "Me"})) == 1


# --- Cost -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [3, 30])
@pytest.mark.parametrize(
    ("query", "queries"),
    [
        ("", 8),  # session, user; how it opens; rows, their count, activity; all rows' count; saved lists
        ("owner=me", 7),
        ("owner=", 8),
        ("q=bistro", 8),  # the teams to save it for
    ],
)
def test_the_query_count_of_an_own_list_is_constant(query, queries, rows, client, db, django_assert_num_queries):
    owner = User.objects.create_superuser("owner")
    for number in range(rows):
        account(f"Bistro {number}", owner)
        account(f"Cafe {number}")
    client.force_login(owner)
    with django_assert_num_queries(queries):
        answer = client.get(f"{LEADS}?{query}")
    assert count(answer) == (2 * rows if query == "owner=" else rows)
