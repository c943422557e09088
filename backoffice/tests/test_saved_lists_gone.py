"""Saved lists whose user, city, lead, choice or filter is gone: they open, and say so."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission

from backoffice.models import SavedList
from backoffice.tests.support import messages_of
from backoffice.tests.test_saved_lists import LISTS, open_list, rows, save, saved
from lead.models import Restaurant

User = get_user_model()


@pytest.fixture
def kam(user):
    User.objects.filter(pk=user.pk).update(is_staff=True)
    user.user_permissions.set(Permission.objects.exclude(codename="view_all"))
    return user


@pytest.fixture
def browser(client, kam):
    client.force_login(kam)
    return client


GONE_USER = "The user that this list names is gone, so it has no rows."


@pytest.mark.parametrize("typed", ["asha", "ASHA"])
def test_a_list_of_a_user_follows_their_name_and_says_when_they_are_gone(typed, browser, kam):
    asha, same = User.objects.create_user("asha"), User.objects.create_user("ashanti")
    for owner in (asha, same):
        Restaurant.objects.create(name=f"Of {owner}", assigned_to=owner)
    save(browser, f"owner={typed}")
    row = SavedList.objects.get()
    assert row.query == f"owner_id={asha.pk}"
    User.objects.filter(pk=asha.pk).update(username="new")
    assert (rows(answer := open_list(browser, row)), messages_of(answer)) == (["Of asha"], [])
    asha.delete()
    answer = open_list(browser, row)
    assert (answer.status_code, rows(answer), messages_of(answer)) == (200, [], [GONE_USER])


def test_a_list_of_a_group_that_is_gone_says_so(admin_client):
    group = Group.objects.create(name="Night shift")
    save(admin_client, f"groups__id__exact={group.pk}", model="auth.user")
    group.delete()
    answer = open_list(admin_client, SavedList.objects.get())
    gone = "The group that this list names is gone, so it has no rows."
    assert (answer.status_code, rows(answer), messages_of(answer)) == (200, [], [gone])


def test_a_part_of_a_name_that_no_user_has_any_more_says_so(browser, lead):
    User.objects.create_user("asha")
    save(browser, "owner=ash")
    User.objects.get(username="asha").delete()
    answer = open_list(browser, SavedList.objects.get())
    assert (rows(answer), messages_of(answer)) == ([], [GONE_USER])


def test_a_deactivated_user_is_not_gone(browser, kam, lead):
    row = saved(kam, query=f"owner_id={User.objects.create_user('asha', is_active=False).pk}")
    assert messages_of(open_list(browser, row)) == []


def test_a_city_without_a_lead_says_so(browser, kam, lead):
    row = saved(kam)
    assert (rows(answer := open_list(browser, row)), messages_of(answer)) == (["Bistro Anna"], [])
    lead.edit(city="Kochi")
    answer = open_list(browser, row)
    assert (rows(answer), messages_of(answer)) == ([], ["No lead that you see is in “Pune”, so the list has no rows."])


def test_a_city_of_hidden_leads_answers_as_one_without(browser, kam, settings, lead):
    row = saved(kam)
    settings.ACCESS = "own"
    lead.edit(assigned_to=None)
    assert messages_of(open_list(browser, row)) == ["No lead that you see is in “Pune”, so the list has no rows."]


def test_a_lead_that_is_gone_or_hidden_says_so(browser, kam, lead, settings):
    row = saved(kam, model="contact.contact", query=f"restaurant__id__exact={lead.pk}")
    assert messages_of(open_list(browser, row)) == []
    settings.ACCESS = "own"
    lead.edit(assigned_to=None)
    text = "The lead that this list names is gone, so it has no rows."
    assert messages_of(open_list(browser, row)) == [text]
    lead.delete()
    answer = open_list(browser, row)
    assert (answer.status_code, rows(answer), messages_of(answer)) == (200, [], [text])


def test_a_choice_that_is_gone_has_no_rows_and_says_so(browser, kam, lead):
    row = saved(kam, query="status=ASLEEP")
    answer = open_list(browser, row)
    text = "“ASLEEP” is no value of the filter “Status” any more, so the list has no rows."
    assert (answer.status_code, rows(answer), messages_of(answer)) == (200, [], [text])


@pytest.mark.parametrize(
    "query", ["mood=good", "lead_status=NEW", "mood=good&city=Pune", "owner__id__exact=1", "a&b=%FF"]
)
def test_a_parameter_that_is_gone_is_left_out_and_named(query, browser, kam, lead):
    """A row of the database may hold what no form let in."""
    answer = open_list(browser, saved(kam, query=query))
    assert answer.status_code == 200
    assert "e=1" not in answer.redirect_chain[-1][0]
    assert rows(answer) == ["Bistro Anna"]
    assert len(messages_of(answer)) == 1
    assert "which the list does not know any more. It is left out." in messages_of(answer)[0]


def test_a_list_without_known_parameters_is_not_narrowed_instead(browser, kam, lead):
    Restaurant.objects.create(name="Unowned")
    assert rows(open_list(browser, saved(kam, query="mood=good"))) == ["Bistro Anna", "Unowned"]


def test_a_table_that_is_gone_breaks_no_page(browser, kam):
    row = saved(kam, model="lead.gone")
    assert "Pune" in browser.get(LISTS).text
    assert browser.get(f"{LISTS}{row.pk}/open/").status_code == 403


def test_a_list_that_is_gone_meanwhile_is_not_changed(kam):
    row = saved(kam)
    SavedList.objects.all().delete()
    with pytest.raises(SavedList.DoesNotExist):
        row.edit(name="Near")
