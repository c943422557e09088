"""Saved lists: saving what a list shows, opening it, sharing it."""

import re
from html import unescape
from urllib.parse import quote

import pytest
from django.contrib.admin.sites import site
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import IntegrityError, transaction

from backoffice.models import SavedList, WholeList
from backoffice.tests.support import CONTACTS, EVERY_LIST, LEADS, PLANS, messages_of, text_of
from backoffice.tests.test_site import sidebar
from call.models import CallPlan
from contact.models import Contact
from crm.api.permissions import READ_ONLY_GROUP
from lead.models import Restaurant, Team

User = get_user_model()
LISTS = "/admin/backoffice/savedlist/"
ADD = f"{LISTS}add/"


@pytest.fixture
def kam(user):
    User.objects.filter(pk=user.pk).update(is_staff=True)
    user.user_permissions.set(Permission.objects.exclude(codename="view_all"))
    return user


@pytest.fixture
def mate(db):
    mate = User.objects.create_user("mate", is_staff=True)
    mate.user_permissions.set(Permission.objects.exclude(codename="view_all"))
    return mate


@pytest.fixture
def team(kam, mate):
    """`mate` manages it."""
    return Team.establish(name="North", members=[kam.pk], managers=[mate.pk])


@pytest.fixture
def browser(client, kam):
    client.force_login(kam)
    return client


def saved(owner, name: str = "Pune", model: str = "lead.restaurant", query: str = "city=Pune", **fields) -> SavedList:
    return SavedList.objects.create(owner=owner, name=name, model=model, query=query, **fields)


def save(client, query: str, name: str = "Pune", model: str = "lead.restaurant", **fields):
    return client.post(ADD, {"name": name, "model": model, "query": query, **fields}, follow=True)


def open_list(client, row: SavedList):
    return client.get(f"{LISTS}{row.pk}/open/", follow=True)


def rows(answer) -> list[str]:
    return sorted(map(str, answer.context["cl"].result_list))


def errors(answer) -> dict[str, list[str]]:
    return answer.context["adminform"].form.errors


def open_as(client, user, row: SavedList):
    client.force_login(user)
    return open_list(client, row)


# --- Saving ---------------------------------------------------------------------------------------


def test_the_form_above_a_filtered_list_saves_it(browser, kam, lead, team):
    Restaurant.objects.create(name="Far", city="Kochi")
    page = browser.get(LEADS, {"city": "pune", "status": "NEW", "o": "-1", "p": "1", "owner": ""})
    form = re.search('<details class="saving">.*?</details>', page.text, re.DOTALL)[0]
    assert f'action="{ADD}"' in form
    hidden = {
        name: unescape(value) for name, value in re.findall('type="hidden" name="(model|query)" value="([^"]*)"', form)
    }
    assert re.findall('<option value="([^"]*)">([^<]*)<', form) == [("", "Nobody"), (str(team.pk), "North")]
    answer = browser.post(ADD, {**hidden, "name": " Near ", "team": team.pk}, follow=True)
    row = SavedList.objects.get()
    assert (row.name, row.owner, row.team, row.model) == ("Near", kam, team, "lead.restaurant")
    assert row.query == "city=pune&o=-1&status=NEW"
    assert messages_of(answer) == ["Saved as “Near”."]
    assert rows(answer) == ["Bistro Anna"]
    assert "Saved list <strong>Near</strong>, shared with North" in text_of(answer)
    assert '<details class="saving">' not in answer.text


@pytest.mark.parametrize("path", EVERY_LIST)
def test_every_list_with_filters_is_saved_and_opened(path, browser, lead):
    model = ".".join(path.split("/")[2:4])
    answer = save(browser, "city=pune&owner=me", model=model)
    assert answer.redirect_chain[-1][0] == f"{path}?city=pune&owner=me"
    assert answer.status_code == 200


def test_only_what_the_list_knows_is_saved(browser, lead):
    owner = f"assigned_to__id__exact={lead.assigned_to_id}"
    answer = save(browser, f"city=Pune&p=3&all=&e=1&_popup=1&junk=1&lead_status=NEW&type=&o=9x&{owner}")
    assert SavedList.objects.get().query == f"{owner}&city=Pune"
    assert rows(answer) == ["Bistro Anna"]


def test_a_search_and_the_rows_of_one_lead_can_be_saved(browser, lead):
    Contact.objects.create(restaurant=lead, name="Ben")
    answer = save(browser, f"restaurant__id__exact={lead.pk}&q=ben", model="contact.contact")
    assert answer.redirect_chain[-1][0] == f"{CONTACTS}?q=ben&restaurant__id__exact={lead.pk}"
    assert rows(answer) == ["Ben"]


@pytest.mark.parametrize("query", ["", "o=-1", "p=2", "junk=1", "city=", "restaurant__id__exact=x", "q=%00"])
def test_a_list_without_a_filter_is_not_saved(query, browser):
    answer = save(browser, query or "o=1")
    assert answer.status_code == 200
    assert errors(answer) == {"__all__": ["Filter the list first: without a filter there is nothing to save."]}
    assert not SavedList.objects.exists()


@pytest.mark.parametrize("path", [LEADS, f"{LEADS}?o=1", f"{LEADS}?owner=", f"{LEADS}?_popup=1&status=NEW"])
def test_a_list_without_a_filter_offers_no_form(path, browser, lead):
    assert '<details class="saving">' not in browser.get(path).text


@pytest.mark.parametrize("query", ["date_from=x", "city=%00", "order_placed=7", "owner_id=0"])
def test_an_invalid_filter_is_not_saved(query, browser):
    answer = save(browser, query, model="track.interaction")
    assert errors(answer) == {"__all__": ["One of the filters is invalid. Correct it first."]}
    assert not SavedList.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", " "),
        ("name", "x" * 101),
        ("name", "a\0b"),
        ("team", "0"),
        ("team", "x"),
        ("query", "x" * 2001),
    ],
)
def test_bad_input_is_refused_at_its_field(field, value, browser):
    fields = {"name": "Pune", "model": "lead.restaurant", "query": "city=Pune", field: value}
    assert field in errors(browser.post(ADD, fields))
    assert not SavedList.objects.exists()


@pytest.mark.parametrize("model", ["lead.team", "auth.group", "nowhere", "lead.owner"])
def test_only_a_list_with_filters_is_saved(model, browser):
    assert errors(save(browser, "q=a", model=model)) == {"__all__": ["There is no such list."]}


def test_a_name_is_unique_among_the_own_lists(browser, mate, kam):
    saved(mate)
    save(browser, "city=Pune")
    assert errors(save(browser, "city=Kochi")) == {"name": ["There is a saved list of this name already."]}
    assert SavedList.objects.count() == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        saved(kam)


def test_without_a_name_in_time_the_second_of_two_is_refused(browser, kam, monkeypatch):
    """Both have passed the form; the constraint decides."""
    monkeypatch.setattr("backoffice.admin.saving.SavedListForm.clean_name", lambda form: form.cleaned_data["name"])
    saved(kam)
    answer = browser.post(ADD, {"name": "Pune", "model": "lead.restaurant", "query": "city=Pune"})
    assert answer.status_code == 302
    assert SavedList.objects.count() == 1


def test_a_list_is_not_added_without_its_page(browser):
    answer = browser.get(ADD, follow=True)
    assert messages_of(answer) == ["Filter a list, then save it on its page."]
    assert f'href="{ADD}' not in answer.text


# --- Who opens what -------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["open", "change", "delete", "history"])
def test_a_private_list_of_another_is_as_a_missing_one(page, browser, mate):
    pk = saved(mate).pk
    answer = browser.get(f"{LISTS}{pk}/{page}/", follow=True)
    text = f"Saved list with ID “{pk}” doesn’t exist. Perhaps it was deleted?"
    assert [text.lower()] == [each.lower() for each in messages_of(answer)]
    assert "Pune" not in answer.text


def test_a_private_list_of_another_cannot_be_deleted(browser, mate):
    pk = saved(mate).pk
    browser.post(f"{LISTS}{pk}/delete/", {"post": "yes"})
    browser.post(f"{LISTS}{pk}/change/", {"name": "Mine now"})
    assert SavedList.objects.get().name == "Pune"


@pytest.mark.parametrize("person", ["kam", "mate", "outsider"])
def test_a_shared_list_is_seen_by_members_and_managers(person, client, kam, mate, team):
    owner = User.objects.create_user("owner", is_staff=True)
    outsider = User.objects.create_user("outsider", is_staff=True)
    outsider.user_permissions.set(Permission.objects.filter(codename="view_restaurant"))
    Team.establish(name="South", members=[outsider.pk])
    row = saved(owner, team=team)
    client.force_login({"kam": kam, "mate": mate, "outsider": outsider}[person])
    shown = dict(sidebar(client.get("/admin/recent/").text))["Saved lists"]
    assert shown == [*["Pune (owner)"] * (person != "outsider"), "All saved lists"]
    chain = open_list(client, row).redirect_chain
    assert (chain[-1][0] == f"{LEADS}?city=Pune") == (person != "outsider")


def test_who_did_not_save_a_shared_list_does_not_change_it(browser, mate, team):
    row = saved(mate, team=team)
    answer = open_list(browser, row)
    assert "Saved list <strong>Pune</strong>, shared with North by mate" in text_of(answer)
    for page in ("change", "delete"):
        assert browser.post(f"{LISTS}{row.pk}/{page}/", {"post": "yes", "name": "Mine now"}).status_code == 403
    page = text_of(browser.get(LISTS))
    assert f"{LISTS}{row.pk}/open/" in page
    assert f"{LISTS}{row.pk}/change/" not in page
    assert SavedList.objects.get().name == "Pune"


def test_a_shared_list_shows_no_row_that_its_opener_may_not_see(client, kam, mate, settings, lead):
    settings.ACCESS = "own"
    other = Restaurant.objects.create(name="Cafe Rot", city="Pune", assigned_to=User.objects.create_user("other"))
    team = Team.establish(name="All", members=[kam.pk, mate.pk, other.assigned_to_id])
    row = saved(mate, team=team)
    assert rows(open_as(client, kam, row)) == ["Bistro Anna"]
    assert rows(open_as(client, mate, row)) == []


def test_the_owner_me_of_a_shared_list_is_its_opener(client, kam, mate, team, lead):
    Restaurant.objects.create(name="Theirs", city="Pune", assigned_to=mate)
    row = saved(mate, query="city=Pune&owner=me", team=team)
    assert rows(open_as(client, kam, row)) == ["Bistro Anna"]
    assert rows(open_as(client, mate, row)) == ["Theirs"]


def test_a_list_that_one_may_not_view_is_neither_shown_nor_opened(client, mate, team):
    reader = User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.set(Permission.objects.filter(codename="view_contact"))
    team.members.add(reader)
    row = saved(mate, team=team)
    client.force_login(reader)
    assert dict(sidebar(client.get("/admin/").text))["Saved lists"] == ["All saved lists"]
    assert client.get(f"{LISTS}{row.pk}/open/").status_code == 403
    assert errors(save(client, "city=Pune")) == {"__all__": ["There is no such list."]}


def test_a_member_of_read_only_saves_lists(client, db):
    reader = User.objects.create_user("reader", is_staff=True)
    reader.groups.add(Group.objects.get(name=READ_ONLY_GROUP))
    client.force_login(reader)
    assert save(client, "city=Pune").redirect_chain[-1][0] == f"{LEADS}?city=Pune"


def test_who_may_view_no_list_has_no_saved_lists(client, db):
    client.force_login(User.objects.create_user("asha", is_staff=True))
    assert client.get(LISTS).status_code == client.post(ADD, {}).status_code == 403
    assert "Saved lists" not in client.get("/admin/").text


def test_a_superuser_may_end_what_others_share(admin_client, mate, team):
    shared, private = saved(mate, team=team), saved(mate, name="Private")
    page = text_of(admin_client.get(LISTS))
    assert ("Pune" in page, "Private" in page) == (True, False)
    admin_client.post(f"{LISTS}{shared.pk}/delete/", {"post": "yes"})
    assert list(SavedList.objects.all()) == [private]


# --- Renaming, sharing, deleting ------------------------------------------------------------------


def test_a_list_is_renamed_and_shared_and_stays_what_it_is(browser, kam, team):
    row = saved(kam)
    path = f"{LISTS}{row.pk}/change/"
    assert f'<option value="{team.pk}">North</option>' in browser.get(path).text
    answer = browser.post(path, {"name": "Near", "team": team.pk, "query": "city=Kochi", "model": "call.callplan"})
    row.refresh_from_db()
    assert (answer.status_code, row.name, row.team) == (302, "Near", team)
    assert (row.model, row.query) == ("lead.restaurant", "city=Pune")


def test_a_list_is_shared_with_no_team_that_one_does_not_see(browser, kam):
    row, foreign = saved(kam), Team.establish(name="South")
    kam.user_permissions.remove(*Permission.objects.filter(codename__endswith="_team"))
    answer = browser.post(f"{LISTS}{row.pk}/change/", {"name": "Pune", "team": foreign.pk})
    assert list(errors(answer)) == ["team"]


def test_a_list_stays_shared_with_a_team_that_its_owner_has_left(browser, kam, team):
    row = saved(kam, team=team)
    kam.user_permissions.remove(*Permission.objects.filter(codename__endswith="_team"))
    team.members.remove(kam)
    assert f'<option value="{team.pk}" selected>North</option>' in browser.get(f"{LISTS}{row.pk}/change/").text


def test_a_list_is_deleted_by_its_owner(browser, kam):
    row = saved(kam)
    assert "Are you sure" in browser.get(f"{LISTS}{row.pk}/delete/").text
    browser.post(f"{LISTS}{row.pk}/delete/", {"post": "yes"})
    assert not SavedList.objects.exists()


def test_without_its_team_a_list_is_private(admin_client, kam, team):
    row = saved(kam, team=team)
    team.delete()
    row.refresh_from_db()
    assert row.team is None


def test_a_users_lists_and_choices_go_with_the_user(admin_client, mate, team):
    saved(mate, team=team)
    WholeList.choose(mate, "lead.restaurant", whole=True)
    page = admin_client.get(f"/admin/auth/user/{mate.pk}/delete/").text
    assert "Saved lists" in page
    admin_client.post(f"/admin/auth/user/{mate.pk}/delete/", {"post": "yes"})
    assert not (SavedList.objects.exists() or WholeList.objects.exists() or User.objects.filter(pk=mate.pk).exists())


# --- The navigation -------------------------------------------------------------------------------


def test_names_are_escaped_and_cannot_leave_the_page(browser, kam):
    saved(kam, name="<script>alert(1)</script>", query=f"city={quote('<b>')}")
    for path in ("/admin/recent/", LISTS, f"{LEADS}?city=%3Cb%3E"):
        page = browser.get(path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_the_lists_are_in_order_of_their_names(browser, kam, mate, team):
    for owner, name in [(kam, "B"), (mate, "A"), (kam, "C")]:
        saved(owner, name=name, team=team)
    shown = dict(sidebar(browser.get("/admin/recent/").text))["Saved lists"]
    assert shown == ["A (mate)", "B", "C", "All saved lists"]


@pytest.mark.parametrize("count", [3, 30])
def test_pages_cost_the_same_queries_however_many_lists(count, browser, kam, team, django_assert_num_queries):
    for number in range(count):
        saved(kam, name=f"List {number}", team=team)
    browser.get("/admin/recent/")
    with django_assert_num_queries(6):  # session, user, their permissions twice, the lists; the actions
        browser.get("/admin/recent/")
    with django_assert_num_queries(7):
        assert len(rows(browser.get(LISTS))) == count


@pytest.mark.parametrize("count", [3, 30])
def test_opening_costs_the_same_queries_however_many_lists(count, browser, kam, lead, django_assert_num_queries):
    for number in range(count):
        row = saved(kam, name=f"List {number}", query=f"city=Pune&owner_id={kam.pk}")
    with django_assert_num_queries(8):  # session, user, their permissions twice; the list; its user twice, its city
        browser.get(f"{LISTS}{row.pk}/open/")


def test_the_lists_that_can_be_saved_are_those_with_filters():
    labels = {model._meta.label_lower for model, model_admin in site._registry.items() if model_admin.list_filter}
    assert labels == {*(".".join(path.split("/")[2:4]) for path in EVERY_LIST), "auth.user", "backoffice.import"}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/admin/auth/user/", "is_staff__exact=1&q=adm"),
        ("/admin/auth/user/", "groups__isnull=True"),
        ("/admin/backoffice/import/", "kind__exact=leads"),
    ],
)
def test_a_list_with_filters_of_django_is_saved_and_opened(path, query, admin_client):
    assert '<details class="saving">' in admin_client.get(f"{path}?{query}").text
    answer = save(admin_client, f"{query}&password__exact=x&is_staff__regex=1", model=".".join(path.split("/")[2:4]))
    assert (answer.redirect_chain[-1][0], answer.status_code) == (f"{path}?{query}", 200)
    assert '<p class="saved">' in answer.text


def test_a_list_with_filters_of_django_offers_no_form_without_any(admin_client):
    assert '<details class="saving">' not in admin_client.get("/admin/auth/user/").text


# --- Demo data ------------------------------------------------------------------------------------


def test_demo_lists_open(client, db, settings):
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", "testserver"]
    call_command("demo", leads=20, force=True)
    call_command("demo", leads=1, force=True)
    client.force_login(User.objects.get(username="admin"))
    found = SavedList.objects.all()
    assert len(found) == 3
    for row in found:
        answer = open_list(client, row)
        assert (answer.status_code, messages_of(answer)) == (200, [])


def test_a_plan_list_of_calls_opens_at_its_plans(browser, kam, lead):
    plan = CallPlan.objects.create(lead=lead, frequency="DAILY")
    answer = open_list(browser, saved(kam, model="call.callplan", query="owner=me&frequency=DAILY"))
    assert answer.redirect_chain[-1][0] == f"{PLANS}?frequency=DAILY&owner=me"
    assert answer.context["cl"].result_list == [plan]
