"""The search box: what it finds, in which order, at what cost, and who has it on which pages."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice.quicksearch import search
from backoffice.tests.support import staff, text_of
from call.models import WorkProfile
from contact.models import Contact
from lead.models import Restaurant, Team

PATH = "/admin/search/"
SEES = ["lead.view_restaurant", "contact.view_contact"]
LOGS = [*SEES, "track.add_interaction", "track.add_orderdetails"]
BOX = '<form id="quick-search"'


@pytest.fixture
def browser(client, db):
    """Signed in as a user who may see leads and contacts, and record what happens."""
    client.force_login(staff(*LOGS))
    return client


@pytest.fixture
def me(browser):
    return get_user_model().objects.get(username="staff")


def make(*names: str, **fields) -> list[Restaurant]:
    return [Restaurant.objects.create(name=name, **fields) for name in names]


def leads(browser, text: str) -> list[str]:
    return [hit.lead.name for hit in browser.get(PATH, {"q": text}).context["found"].leads]


def people(browser, text: str) -> list[str]:
    return [hit.contact.name for hit in browser.get(PATH, {"q": text}).context["found"].people]


# --- The box ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/admin/", "/admin/recent/", "/admin/lead/restaurant/", "/admin/password_change/"])
def test_the_box_is_in_the_header_of_every_page(path, browser):
    page = text_of(browser.get(path))
    header = re.search("<header.*?</header>", page)[0]
    assert BOX in header
    assert 'action="/admin/search/"' in header
    assert "method=" not in header.split(BOX)[1].split(">")[0]


def test_pages_of_one_row_have_the_box_too(browser, lead):
    assert BOX in text_of(browser.get(f"/admin/lead/restaurant/{lead.pk}/change/"))


def test_the_login_page_and_popups_have_no_box(client, browser, db):
    assert BOX not in text_of(browser.get("/admin/lead/restaurant/?_popup=1"))
    client.logout()
    assert BOX not in text_of(client.get("/admin/login/"))


def test_users_who_may_not_see_leads_have_no_search(client, db):
    client.force_login(staff("contact.view_contact"))
    page = text_of(client.get("/admin/"))
    assert BOX not in page
    assert "quick-search.js" not in page
    assert client.get(PATH, {"q": "anna"}).status_code == 403


def test_anonymous_users_are_sent_to_sign_in(client, db):
    assert client.get(PATH, {"q": "anna"}).headers["Location"].startswith("/admin/login/?next=/admin/search/")


def test_a_page_with_the_box_costs_no_further_query(browser, me, monkeypatch):
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert browser.get("/admin/password_change/").status_code == 200
        return len(queries)

    count()
    with_box = count()
    monkeypatch.setattr("backoffice.site.has_quick_search", lambda user: False)
    assert with_box == count()


# --- Found --------------------------------------------------------------------------------------------


def test_a_lead_is_found_by_any_part_of_its_name(browser, lead):
    for text in ("bistro", "Bi", "b", "ANNA", "nna", "anna bis", "  bistro   anna ", "Bîstro"):
        assert leads(browser, text) == ["Bistro Anna"], text


def test_a_lead_is_found_by_city_and_mail_as_in_its_list(browser):
    make("Bistro Anna", city="Pune", email="rao@example.com")
    assert leads(browser, "pune") == leads(browser, "anna pune") == leads(browser, "rao@ex") == ["Bistro Anna"]


def test_one_or_two_letters_find_beginnings_alone(browser):
    make("Bistro Anna", "Anchor")
    assert leads(browser, "an") == ["Anchor"]
    assert leads(browser, "ann") == ["Bistro Anna"]
    assert leads(browser, "an a") == []


def test_a_person_is_found_with_role_and_lead(browser, contact):
    assert people(browser, "rao") == people(browser, "as") == ["Asha Rao"]
    page = text_of(browser.get(PATH, {"q": "asha"}))
    assert f'<a href="/admin/lead/restaurant/{contact.restaurant_id}/change/">Asha Rao, Manager</a>' in page
    assert "Bistro Anna, Pune · New · kam" in page


def test_people_are_shown_to_those_who_may_see_contacts(client, contact):
    contact.edit(phone="+91 98765 43210")
    client.force_login(staff("lead.view_restaurant"))
    assert people(client, "asha") == people(client, "+91 98765 43210") == []
    assert leads(client, "bistro") == ["Bistro Anna"]


def test_names_that_begin_so_come_first_and_own_ones_before_others(browser, me):
    make("Anna Z", "Cafe Anna", "Anna M")
    make("Old Anna", "Anna X", assigned_to=me)
    assert leads(browser, "anna") == ["Anna X", "Anna M", "Anna Z", "Old Anna", "Cafe Anna"]


def test_people_of_own_leads_come_first(browser, me):
    for name, owner in (("Zoe Anna", None), ("Anna B", None), ("Anna C", me), ("Yan Anna", me)):
        lead = Restaurant.objects.create(name="Cafe", assigned_to=owner)
        Contact.objects.create(restaurant=lead, name=name)
    assert people(browser, "anna") == ["Anna C", "Anna B", "Yan Anna", "Zoe Anna"]


def test_of_very_many_own_ones_the_newest_come_first(browser, me, monkeypatch):
    monkeypatch.setattr(search, "OWN", 2)
    make("Anna 3", "Anna 2", "Anna 1", assigned_to=me)
    make("Anna 0")
    assert leads(browser, "anna") == ["Anna 1", "Anna 2", "Anna 0", "Anna 3"]


def test_at_most_ten_of_each_kind_are_found_each_once(browser, me):
    make(*(f"Anna {number:02}" for number in range(12)), assigned_to=me)
    found = leads(browser, "anna")
    assert found == [f"Anna {number:02}" for number in range(10)]


def test_a_common_word_is_found_among_the_first_names(browser, monkeypatch):
    monkeypatch.setattr(search, "WALK", 5)
    make(*(f"{letter} Anna" for letter in "abcdefghijklmnop"))
    assert leads(browser, "anna") == [f"{letter} Anna" for letter in "abcdefghij"]


def test_signs_of_patterns_mean_themselves(browser):
    make("100% Bio", "100 Bio")
    assert leads(browser, "100%") == ["100% Bio"]
    assert leads(browser, "%%%") == leads(browser, "___") == leads(browser, "\\\\\\") == []


def test_what_is_beyond_the_bounds_is_said(browser):
    assert browser.get(PATH, {"q": "a" * 255}).context["found"].problem.startswith("Search for at most")
    assert "Null characters" in text_of(browser.get(PATH, {"q": "a\0b"}))


def test_what_was_typed_is_escaped_and_stays_in_the_box(browser):
    page = text_of(browser.get(PATH, {"q": '"><b>'}))
    assert "<b>" not in page
    assert 'value="&quot;&gt;&lt;b&gt;"' in page
    assert "Nothing was found for" in page


@pytest.mark.parametrize("text", ["", "   "])
def test_nothing_typed_finds_nothing(text, browser, lead):
    found = browser.get(PATH, {"q": text}).context["found"]
    assert (found.hits, found.problem) == ([], "")


# --- Phone numbers ------------------------------------------------------------------------------------

NOTATIONS = [
    "+91 98765 43210",
    "098765 43210",
    "0091-98765-43210",
    "tel:+919876543210",
    "Tel. (0)98765/43210",
    "९८७६५४३२१०",
]


@pytest.mark.parametrize("typed", NOTATIONS)
def test_a_number_finds_who_calls_however_it_is_written(typed, browser, me, lead, contact):
    WorkProfile.objects.create(user=me, country="IN")
    contact.edit(phone="+919876543210")
    lead.edit(phone="(91) 98765 43210")
    found = browser.get(PATH, {"q": typed}).context["found"]
    assert [(hit.contact, hit.match) for hit in found.people] == [(contact, "EXACT")]
    assert [hit.lead for hit in found.leads] == [lead]
    assert "this number" in text_of(browser.get(PATH, {"q": typed}))


def test_the_kind_of_match_is_said(browser, contact):
    contact.edit(phone="098765 43210")
    assert "the same national number" in text_of(browser.get(PATH, {"q": "+91 98765 43210"}))


def test_who_calls_is_before_the_lead(browser, lead, contact):
    lead.edit(phone="+91 98765 43210")
    contact.edit(phone="+91 98765 43210")
    page = text_of(browser.get(PATH, {"q": "+919876543210"}))
    assert page.index("<h2>People</h2>") < page.index("<h2>Leads</h2>")


@pytest.mark.parametrize("typed", ["987", "9876", "98765 43", "98765-432", "12-34"])
def test_a_part_of_a_number_is_found_while_it_is_typed(typed, browser, lead):
    lead.edit(phone="+91 98765-43 21234")
    assert leads(browser, typed) == ["Bistro Anna"]


def test_a_name_of_digits_is_found(browser):
    make("1920 Bar", "Bar 1920")
    assert leads(browser, "1920") == ["1920 Bar", "Bar 1920"]


# --- Access -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("access", ["team", "own"])
def test_only_visible_rows_are_found(access, browser, me, settings, user):
    settings.ACCESS = access
    mate = get_user_model().objects.create_user("mate")
    Team.establish(name="North", members=[me.pk, mate.pk])
    for name, owner in (("Anna mine", me), ("Anna of a mate", mate), ("Anna hidden", user)):
        lead = Restaurant.objects.create(name=name, assigned_to=owner, phone="+91 98765 43210")
        Contact.objects.create(restaurant=lead, name=name, phone="+91 98765 43210")
    expected = ["Anna mine", "Anna of a mate"] if access == "team" else ["Anna mine"]
    for text in ("an", "anna", "na", "+91 98765 43210", "9876"):
        if text != "na":
            assert leads(browser, text) == people(browser, text) == expected, text


# --- Buttons ------------------------------------------------------------------------------------------


def test_each_hit_offers_what_may_be_recorded(browser, contact):
    page = browser.get(PATH, {"q": "asha"}).content.decode()
    assert re.findall(r'aria-label="(Log[^"]*)"', page) == [
        "Log a visit: Asha Rao, Bistro Anna",
        "Log an order: Asha Rao, Bistro Anna",
        "Log a call: Asha Rao, Bistro Anna",
    ]
    address = f"/admin/log/?lead={contact.restaurant_id}&amp;contact={contact.pk}&amp;interaction_type=VISIT&amp;key="
    assert address in page


@pytest.mark.parametrize(
    ("permissions", "buttons"),
    [(SEES, []), (SEES + ["track.add_interaction"], ["Log a visit", "Log a call"]), (SEES + LOGS[3:], [])],
)
def test_the_permissions_decide_the_buttons(permissions, buttons, client, lead):
    client.force_login(staff(*permissions))
    page = client.get(PATH, {"q": "anna"}).content.decode()
    assert re.findall(r'aria-label="(Log[^"]*): Bistro Anna"', page) == buttons


def test_a_script_gets_the_results_without_the_page(browser, lead):
    answer = browser.get(PATH, {"q": "anna"}, headers={"X-Requested-With": "fetch"})
    assert "<html" not in answer.content.decode()
    assert "1 lead, 0 people" in text_of(answer)


# --- Cost ---------------------------------------------------------------------------------------------

# By what is typed: session, user and permissions; the steps until ten are found; the rows. Of numbers: by the same
# number and by its last digits, and the owners.
QUERIES = {"an": 11, "zzz": 15, "+91 98765 43210": 9}


@pytest.mark.parametrize("rows", [3, 30])
@pytest.mark.parametrize("text", QUERIES)
def test_the_number_of_queries_is_constant(text, rows, browser, user, me, django_assert_num_queries):
    Restaurant.objects.create(name="Zur Post", assigned_to=me)
    for number in range(rows):
        lead = Restaurant.objects.create(name=f"Anna {number}", assigned_to=user, phone="+91 98765 43210")
        Contact.objects.create(restaurant=lead, name=f"Anna {number}", phone="+91 98765 43210")
    with django_assert_num_queries(QUERIES[text]):
        browser.get(PATH, {"q": text}, headers={"X-Requested-With": "fetch"})


if connection.vendor == "postgresql":  # SQLite has no trigram index

    @pytest.mark.parametrize("model", [Restaurant, Contact])
    @pytest.mark.parametrize("access", ["all", "team"])
    def test_each_step_can_use_an_index(model, access, settings, user):
        """With `enable_seqscan` off PostgreSQL scans a whole table only where no index serves."""
        settings.ACCESS = access
        lead = "pk" if model is Restaurant else "restaurant"
        own = [each.pk for each in make("Anna", "Zur Post", assigned_to=user)]
        assert search.newest_of(user) == own[::-1]
        steps = search.Search(model.objects.all(), user, own, "anna", ["anna"], lead).steps()
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        for rows in steps:
            plan = rows.values_list("pk", flat=True)[:10].explain()
            assert "Seq Scan" not in plan, plan
