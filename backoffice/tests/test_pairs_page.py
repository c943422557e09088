"""The page of the leads that may be one: merging a pair, saying that they are two, and taking that back."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model

from backoffice.admin import pairs
from backoffice.tests.support import messages_of, staff, text_of
from lead.models import NotDuplicate, Restaurant

PAGE = "/admin/lead/restaurant/duplicates/"


@pytest.fixture
def twin(lead) -> Restaurant:
    return Restaurant.objects.create(name="Bistro Ana", city="Pune", assigned_to=lead.assigned_to)


def shown(client) -> list[tuple[int, int]]:
    found = client.get(PAGE).context["pairs"]
    return [tuple(each["lead"].pk for each in pair["leads"]) for pair in found]


def say(client, one: int, other: int, **more: str):
    return client.post(PAGE, {"first": one, "second": other, **more}, follow=True)


def test_the_list_of_leads_leads_to_it(admin_client):
    assert f'href="{PAGE}"' in text_of(admin_client.get("/admin/lead/restaurant/"))


def test_a_pair_is_shown_with_its_reasons_and_the_way_to_merge_it(admin_client, lead, twin):
    Restaurant.objects.create(name="Udupi Palace", city="Pune")
    assert shown(admin_client) == [(lead.pk, twin.pk)]
    page = text_of(admin_client.get(PAGE))
    assert "Names alike." in page
    assert f'href="/admin/lead/restaurant/{lead.pk}/merge/?other={twin.pk}"' in page


def test_two_different_leads_are_shown_no_more_until_that_is_taken_back(admin_client, lead, twin):
    answer = say(admin_client, lead.pk, twin.pk)
    assert messages_of(answer) == ["Bistro Anna and Bistro Ana are different. This is remembered."]
    assert shown(admin_client) == []
    assert NotDuplicate.objects.get().created_by.username == "admin"
    (said,) = answer.context["different"]
    assert [each["lead"].pk for each in said["leads"]] == [lead.pk, twin.pk]

    answer = say(admin_client, twin.pk, lead.pk, take_back="1")
    assert messages_of(answer) == ["It is no longer said that Bistro Ana and Bistro Anna are different."]
    assert shown(admin_client) == [(lead.pk, twin.pk)]
    assert LogEntry.objects.count() == 2


@pytest.mark.parametrize("second", ["", "x", "99999999", "0"])
def test_of_a_lead_that_does_not_exist_nothing_is_said(second, admin_client, lead):
    answer = say(admin_client, lead.pk, second)
    assert "doesn’t exist" in " ".join(messages_of(answer))
    assert not NotDuplicate.objects.exists()


def test_a_lead_is_not_different_from_itself(admin_client, lead):
    assert messages_of(say(admin_client, lead.pk, lead.pk)) == ["Choose another lead."]


def test_who_may_not_change_leads_sees_the_pairs_without_buttons(client, lead, twin):
    client.force_login(staff("lead.view_restaurant"))
    assert shown(client) == [(lead.pk, twin.pk)]
    page = text_of(client.get(PAGE))
    assert "Not a duplicate" not in page and "Compare and merge" not in page
    assert say(client, lead.pk, twin.pk).status_code == 403
    assert not NotDuplicate.objects.exists()


def test_who_may_not_see_leads_does_not_see_the_page(client, db):
    client.force_login(staff("contact.view_contact"))
    assert client.get(PAGE).status_code == 403


def test_pairs_with_a_hidden_lead_are_not_shown(client, lead, twin, settings):
    settings.ACCESS = "own"
    user = staff("lead.view_restaurant", "lead.change_restaurant")
    client.force_login(user)
    lead.edit(assigned_to=user.pk)
    assert shown(client) == []
    say(client, lead.pk, twin.pk)
    assert not NotDuplicate.objects.exists()
    NotDuplicate.say(lead, twin.pk, by=get_user_model().objects.first())
    assert client.get(PAGE).context["different"] == []


def test_more_pairs_are_on_further_pages(admin_client, lead, twin, monkeypatch, django_assert_max_num_queries):
    for number in range(3):
        Restaurant.objects.create(name="Bistro Ana", city="Pune", phone=f"555 00{number}7{number}")
    monkeypatch.setattr(pairs, "PAGE", 4)
    assert len(shown(admin_client)) == 4
    with django_assert_max_num_queries(20):
        answer = admin_client.get(PAGE, {"page": 2})
    assert len(answer.context["pairs"]) == 4 and "Page 2 of 3" in text_of(answer)
