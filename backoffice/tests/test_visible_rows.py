"""With ACCESS other than all: what can be chosen, imported, exported, handed over and counted is what one sees."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice.tests.support import CONTACTS, INTERACTIONS, LEADS, csv_file, exported, import_file, outcomes, upload
from call.models import CallPlan
from contact.models import Contact
from crm import dates
from crm.tests.support import form_of
from lead.models import Restaurant, Team
from track.models import Interaction

User = get_user_model()
HIDDEN = "A contact of another lead"


@pytest.fixture(autouse=True)
def own(settings):
    settings.ACCESS = "own"
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def manager(user):
    """The manager of a team whose members are `user` and `mate`, who may do everything but see all leads."""
    manager = User.objects.create_user("manager", is_staff=True)
    manager.user_permissions.set(Permission.objects.exclude(codename="view_all"))
    mate = User.objects.create_user("mate")
    Team.establish(name="North", members=[user.pk, mate.pk], managers=[manager.pk])
    return manager


@pytest.fixture
def foreigner(db):
    return User.objects.create_user("foreigner")


@pytest.fixture
def hidden(foreigner):
    return Restaurant.objects.create(name="Cafe Blau", city="Kochi", assigned_to=foreigner)


@pytest.fixture
def browser(client, manager):
    client.force_login(manager)
    return client


def owner_of(lead) -> str:
    return str(Restaurant.objects.get(pk=lead.pk).assigned_to)


# --- Handing over ---------------------------------------------------------------------------------


def hand_over(client, to: str, **chosen):
    return client.post(LEADS, {"action": "hand_over", "post": "yes", "to": to, **chosen})


@pytest.mark.parametrize(("to", "goes"), [("mate", True), ("manager", True), ("foreigner", False), ("nobody", False)])
def test_leads_are_handed_over_to_those_whose_leads_one_sees(to, goes, browser, foreigner, lead):
    answer = hand_over(browser, to, _selected_action=[lead.pk])
    assert owner_of(lead) == (to if goes else "kam")
    if not goes:
        assert answer.context["form"].errors == {"to": ["No active user is called that."]}


@pytest.mark.parametrize("across", ["0", "1"])
def test_an_action_reaches_no_hidden_lead(across, browser, lead, hidden):
    hand_over(browser, "mate", _selected_action=[lead.pk, hidden.pk], select_across=across, shown="1")
    assert (owner_of(lead), owner_of(hidden)) == ("mate", "foreigner")


def test_an_owner_is_chosen_from_those_whose_leads_one_sees(browser, foreigner):
    query = {"app_label": "lead", "model_name": "restaurant", "field_name": "assigned_to", "term": "a"}
    found = browser.get(reverse("admin:autocomplete"), query).json()["results"]
    assert {row["text"] for row in found} == {"kam", "manager", "mate"}


@pytest.mark.parametrize(("to", "goes"), [("mate", True), ("foreigner", False)])
def test_the_form_of_a_lead_takes_no_other_owner(to, goes, browser, foreigner, lead):
    path = f"{LEADS}{lead.pk}/change/"
    form = {**form_of(browser.get(path), "restaurant_form"), "assigned_to": User.objects.get(username=to).pk}
    answer = browser.post(path, form)
    assert owner_of(lead) == (to if goes else "kam")
    if not goes:
        text = "Select a valid choice. That choice is not one of the available choices."
        assert answer.context["adminform"].form.errors == {"assigned_to": [text]}


def test_a_form_leaves_an_inactive_owner_as_it_is(browser, user, lead):
    User.objects.filter(pk=user.pk).update(is_active=False)
    path = f"{LEADS}{lead.pk}/change/"
    form = form_of(browser.get(path), "restaurant_form")
    assert form["assigned_to"] == str(user.pk)
    assert browser.post(path, {**form, "city": "Mumbai"}).status_code == 302
    assert (owner_of(lead), Restaurant.objects.get(pk=lead.pk).city) == ("kam", "Mumbai")


# --- Import and export ----------------------------------------------------------------------------


def test_an_export_has_the_visible_rows(browser, lead, hidden):
    Contact.objects.create(restaurant=hidden, name="Ben Roy")
    assert [row["name"] for row in exported(browser)] == ["Bistro Anna"]
    assert exported(browser, f"{CONTACTS}export/csv/") == []


@pytest.mark.parametrize("pk", ["hidden", "missing"])
def test_an_import_knows_no_hidden_lead(pk, browser, hidden):
    preview = upload(browser, csv_file(["id", "name"], [hidden.pk if pk == "hidden" else 99_999, "Cafe Rot"]))
    assert [problem.message for problem in outcomes(preview)[0].problems] == ["There is no lead with this id."]


@pytest.mark.parametrize(("owner", "problem"), [("foreigner", True), ("nobody", True), ("mate", False)])
def test_an_import_knows_the_owners_whose_leads_one_sees(owner, problem, browser, foreigner, lead):
    file = csv_file(["id", "name", "assigned_to"], [lead.pk, lead.name, owner])
    if problem:
        messages = [each.message for each in outcomes(upload(browser, file))[0].problems]
        assert messages == ["There is no user with this name."]
    else:
        import_file(browser, file)
    assert owner_of(lead) == ("kam" if problem else owner)


# --- A contact that works for a hidden lead by now ------------------------------------------------


@pytest.fixture
def moved(interaction, contact, hidden):
    contact.edit(restaurant=hidden)
    return interaction


def test_a_contact_of_a_hidden_lead_is_not_named(browser, moved, lead):
    paths = [INTERACTIONS, f"{INTERACTIONS}{moved.pk}/change/", f"{LEADS}{lead.pk}/change/"]
    pages = [browser.get(path).content.decode() for path in paths]
    assert ["Asha Rao" in page for page in pages] == [False] * 3
    assert [HIDDEN.lower() in page.lower() for page in pages] == [True] * 3


def test_a_reader_is_not_shown_a_contact_of_a_hidden_lead(browser, manager, moved):
    manager.user_permissions.set(Permission.objects.filter(codename__in=["view_interaction", "view_contact"]))
    page = browser.get(f"{INTERACTIONS}{moved.pk}/change/").content.decode()
    assert ("Asha Rao" in page, HIDDEN in page) == (False, True)


def test_saving_an_interaction_names_no_hidden_contact(browser, moved):
    path = f"{INTERACTIONS}{moved.pk}/change/"
    answer = browser.post(path, form_of(browser.get(path), "interaction_form"))
    text = f"{HIDDEN} does not belong to Bistro Anna."
    assert answer.context["adminform"].form.errors == {"contact": [text]}


def test_a_call_is_recorded_with_a_visible_contact(browser, plan, hidden):
    stranger = Contact.objects.create(restaurant=hidden, name="Ben Roy")
    answer = browser.post(f"/admin/call/callplan/{plan.pk}/record_call/", {"contact": stranger.pk})
    assert answer.context["form"].errors["contact"] == [
        "Select a valid choice. That choice is not one of the available choices."
    ]


# --- Figures --------------------------------------------------------------------------------------


def test_the_figures_of_the_start_page_are_those_of_visible_leads(browser, lead, hidden):
    Restaurant.objects.create(name="Cafe Rot")  # unowned: seen by managers
    for row in (lead, hidden):
        CallPlan.objects.create(lead=row, frequency="DAILY", next_call_date=dates.now())
        Interaction.log(lead=row, interaction_type="ORDER")
    page = browser.get("/admin/").content.decode()
    assert "<strong>2 leads</strong>" in page
    assert "<strong>1 lead</strong></a> without an active owner" in page
    assert "<strong>1 order</strong>" in page
    assert ("kam" in page, "foreigner" in page) == (True, False)


def test_users_who_see_other_rows_share_no_cached_figures(browser, client, foreigner, lead, hidden):
    assert "<strong>1 lead</strong>" in browser.get("/admin/").content.decode()
    foreigner.is_staff = True
    foreigner.save()
    foreigner.user_permissions.set(Permission.objects.filter(codename="view_restaurant"))
    hidden.edit(potential_revenue=4_321)
    client.force_login(foreigner)
    assert "4,321" in client.get("/admin/").content.decode()


def test_adherence_shows_the_own_row_and_those_of_managed_users(browser, lead, hidden):
    for row in (lead, hidden):
        CallPlan.objects.create(lead=row, frequency="DAILY", next_call_date=dates.now() - timedelta(days=2))
    page = browser.get("/admin/adherence/").content.decode()
    assert ("kam" in page, "foreigner" in page) == (True, False)


def test_recent_actions_name_no_lead_that_was_given_away(browser, manager, lead, foreigner):
    LogEntry.objects.log_actions(manager.pk, [lead], CHANGE, "Called.")
    assert "Bistro Anna" in browser.get("/admin/recent/").content.decode()
    lead.edit(assigned_to=foreigner)
    assert "Bistro Anna" not in browser.get("/admin/recent/").content.decode()


# --- Cost -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [LEADS, f"{LEADS}<pk>/change/", CONTACTS, INTERACTIONS, "/admin/"])
def test_a_page_queries_the_policy_once_and_with_all_never(path, browser, lead, settings):
    path = path.replace("<pk>", str(lead.pk))
    counts = []
    for settings.ACCESS in ("all", "own"):
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(path).status_code == 200
        counts.append(len(queries))
        assert sum("WITH RECURSIVE tree" in query["sql"] for query in queries) == (settings.ACCESS == "own")
    assert counts[1] == counts[0] + 1
