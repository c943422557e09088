"""The forms that add a lead or a contact warn of duplicates, and lose nothing that was typed."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from backoffice.tests.support import staff
from contact.models import Contact
from crm.tests.support import form_of, send_form
from lead.models import Restaurant

LEAD, PERSON = "restaurant_form", "contact_form"
WARNING = "Nothing was saved: this may be a duplicate."
TYPED = {"name": "Bistro Ana", "city": "Pune", "notes": "Wants rice.", "contacts-TOTAL_FORMS": "1"}
TYPED |= {"contacts-0-name": "Ben Das", "contacts-0-phone": "5554729"}
TYPED |= {"initial-contacts-0-name": "", "initial-contacts-0-phone": ""}


@pytest.fixture
def add() -> str:
    return reverse("admin:lead_restaurant_add")


@pytest.fixture
def add_person(lead) -> str:
    return f"{reverse('admin:contact_contact_add')}?restaurant={lead.pk}&back=lead"


def candidates(answer) -> list[tuple[str, str]]:
    found = answer.context["adminform"].form.candidates
    return [(each["text"], each["href"]) for each in found]


def test_a_lead_like_another_one_is_not_saved_at_first(admin_client, add, lead):
    lead.edit(phone="5554729", assigned_to=None)
    answer = send_form(admin_client, add, LEAD, **TYPED)
    href = reverse("admin:lead_restaurant_change", args=[lead.pk])
    assert candidates(answer) == [("Bistro Anna (Pune): New, without an owner", href)]
    page = answer.content.decode()
    assert WARNING in page and f'href="{href}" target="_blank" rel="noopener"' in page
    assert "5554729" in page and "Names alike." in page
    assert Restaurant.objects.count() == 1


def test_nothing_typed_is_lost_and_it_is_saved_anyway(admin_client, add, lead):
    answer = send_form(admin_client, add, LEAD, **TYPED)
    form = form_of(answer, LEAD)
    assert {name: form[name] for name in TYPED} == TYPED
    assert admin_client.post(add, {**form, "_anyway": "1"}).status_code == 302
    saved = Restaurant.objects.get(name="Bistro Ana")
    assert saved.notes == "Wants rice."
    assert [person.name for person in saved.contacts.all()] == ["Ben Das"]


def test_changed_so_that_it_is_like_none_it_is_saved(admin_client, add, lead):
    form = form_of(send_form(admin_client, add, LEAD, **TYPED), LEAD)
    assert admin_client.post(add, {**form, "name": "Cafe Blau"}).status_code == 302


def test_enter_looks_for_duplicates_again(admin_client, add, lead):
    """It presses the first button of the form."""
    page = send_form(admin_client, add, LEAD, **TYPED).content.decode()
    buttons = re.findall(r'<input type="submit"[^>]* name="(\w+)"', page[page.index(f'id="{LEAD}"') :])
    assert (buttons[0], buttons[-1]) == ("_save", "_anyway")


def test_with_other_errors_it_is_saved_neither_way(admin_client, add, lead):
    for further in ({}, {"_anyway": "1"}):
        answer = send_form(admin_client, add, LEAD, **{**TYPED, "email": "a@b", **further})
        assert (answer.status_code, list(answer.context["adminform"].form.errors)) == (200, ["email"])
    answer = send_form(admin_client, add, LEAD, **{**TYPED, "contacts-0-name": "", "_anyway": "1"})
    assert (answer.status_code, len(candidates(answer)), WARNING in answer.content.decode()) == (200, 1, False)


def test_a_change_is_not_warned_of(admin_client, lead):
    other = Restaurant.objects.create(name="Cafe Blau")
    page = reverse("admin:lead_restaurant_change", args=[other.pk])
    assert send_form(admin_client, page, LEAD, name="Bistro Anna", city="Pune").status_code == 302


def test_hidden_leads_are_neither_shown_nor_in_the_way(client, add, lead, settings):
    settings.ACCESS = "own"
    client.force_login(staff("lead.add_restaurant", "lead.view_restaurant"))
    assert send_form(client, add, LEAD, name="Bistro Ana", city="Pune").status_code == 302
    assert Restaurant.objects.count() == 2


def test_who_may_not_open_leads_sees_them_without_links(client, add, lead):
    client.force_login(staff("lead.add_restaurant"))
    answer = send_form(client, add, LEAD, name="Bistro Ana", city="Pune")
    assert [href for _, href in candidates(answer)] == [""]


@pytest.mark.parametrize("count", [3, 30])
def test_the_likeliest_ten_are_shown(count, admin_client, add):
    Restaurant.objects.bulk_create(Restaurant(name="Bistro Anna", city="Pune") for _ in range(count))
    assert len(candidates(send_form(admin_client, add, LEAD, **TYPED))) == min(count, 10)


def test_a_person_who_is_there_already_is_saved_anyway_only(admin_client, add_person, lead, contact):
    answer = send_form(admin_client, add_person, PERSON, name="A. Rao", address="12 MG Road")
    href = reverse("admin:contact_contact_change", args=[contact.pk])
    assert candidates(answer) == [("Asha Rao, Manager (Bistro Anna)", href)]
    assert WARNING in answer.content.decode() and Contact.objects.count() == 1
    form = form_of(answer, PERSON)
    assert (form["restaurant"], form["name"], form["address"]) == (str(lead.pk), "A. Rao", "12 MG Road")
    answer = admin_client.post(add_person, {**form, "_anyway": "1"})
    assert answer.headers["Location"] == reverse("admin:lead_restaurant_change", args=[lead.pk])
    assert Contact.objects.count() == 2


def test_a_person_unlike_the_others_is_saved_at_once(admin_client, add_person, contact):
    assert send_form(admin_client, add_person, PERSON, name="Ben Das").status_code == 302
    assert get_user_model().objects.count() == 2 and Contact.objects.count() == 2
