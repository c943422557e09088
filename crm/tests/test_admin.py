"""The admin pages of every table."""

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.urls import reverse

from call.models import CallPlan, WorkProfile
from contact.models import Contact
from crm.db.models import TimestampedModel
from crm.models import IdempotencyKey, RevokedToken, SignInAttempts
from lead.models import OwnerChange, Restaurant, StatusChange, Team
from track.models import Interaction, OrderDetails

TABLES = [Restaurant, StatusChange, OwnerChange, Contact, Interaction, OrderDetails, CallPlan, WorkProfile, Team]


def path_of(model, page: str, *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def fill(count: int) -> None:
    """Rows in every table, each with people and leads of its own."""
    for number in range(count):
        owner = get_user_model().objects.create_user(f"owner {Restaurant.objects.count()}")
        lead = Restaurant.objects.create(name=f"Bistro {number}", created_by=owner)
        lead.change_status("CONTACTED", by=owner)
        lead.edit(assigned_to=owner, by=owner)
        contact = Contact.objects.create(restaurant=lead, name="Asha Rao", phone="123-456-7890", created_by=owner)
        order = {"product_details": "Oil", "quantity": 1, "total_price": 5}
        Interaction.log(lead=lead, contact=contact, interaction_type="ORDER", order=order, created_by=owner)
        CallPlan.objects.create(lead=lead, frequency="DAILY", created_by=owner).skip(by=owner)
        WorkProfile.objects.create(user=owner)
        Team.establish(name=f"Team of {owner}", members=[owner.pk], managers=[owner.pk])


def test_every_table_of_the_domain_has_an_admin():
    assert {model for model in admin.site._registry if issubclass(model, TimestampedModel)} == set(TABLES)


@pytest.mark.parametrize("model", [RevokedToken, IdempotencyKey, SignInAttempts])
def test_tables_of_the_machinery_have_no_admin(model):
    assert not admin.site.is_registered(model)


@pytest.mark.parametrize("model", TABLES)
def test_every_list_and_every_row_can_be_opened(model, admin_client):
    fill(1)
    assert admin_client.get(path_of(model, "changelist")).status_code == 200
    assert admin_client.get(path_of(model, "change", model.objects.get().pk)).status_code == 200


@pytest.mark.parametrize("model", TABLES)
def test_the_search_of_every_list_finds_the_name_of_the_lead_or_person(model, admin_client):
    fill(1)
    term = {Contact: "asha", WorkProfile: "owner", Team: "owner"}.get(model, "bistro")
    found = admin_client.get(path_of(model, "changelist"), {"q": term})
    lost = admin_client.get(path_of(model, "changelist"), {"q": "nobody"})
    assert (found.context["cl"].result_count, lost.context["cl"].result_count) == (1, 0)


@pytest.mark.parametrize("term", ["x" * 300, "a b c d e f g h i j k l"])
def test_an_invalid_search_finds_no_row(term, admin_client):
    fill(1)
    answer = admin_client.get(path_of(Restaurant, "changelist"), {"q": term})
    assert answer.context["cl"].result_count == 0


@pytest.mark.parametrize("query", ["q=%00", "assigned_to__id__exact=abc", "assigned_to__id__exact=" + "9" * 20, "p=x"])
def test_an_invalid_query_string_breaks_no_list(query, admin_client):
    assert admin_client.get(f"{path_of(Restaurant, 'changelist')}?{query}", follow=True).status_code == 200


@pytest.mark.parametrize("pk", ["9" * 20, "abc", "_00"])
def test_an_invalid_id_redirects_to_the_list(pk, admin_client):
    answer = admin_client.get(path_of(Restaurant, "change", pk))
    assert (answer.status_code, answer["Location"]) == (302, path_of(Restaurant, "changelist"))


@pytest.mark.parametrize("rows", [3, 12])
@pytest.mark.parametrize("model", TABLES)
def test_a_list_queries_session_user_count_and_rows(model, rows, admin_client, django_assert_num_queries):
    fill(rows)
    more = {Contact: 1, Team: 1, Restaurant: 2, Interaction: 2, OrderDetails: 2, CallPlan: 1}
    # Of teams, how many users; of those with an owner, whether it opens with the own rows.
    with django_assert_num_queries(5 + more.get(model, 0)):  # with the saved lists of the navigation
        admin_client.get(path_of(model, "changelist"))


@pytest.mark.parametrize("model", TABLES)
def test_a_page_never_offers_all_rows_of_another_table_to_choose_from(model, admin_client):
    fill(20)
    page = admin_client.get(path_of(model, "change", model.objects.first().pk)).content.decode()
    assert page.count("Bistro ") < 20
    assert page.count("owner ") < 20


@pytest.mark.parametrize("value", ["abc", "9" * 30, "-1", "\x00"])
def test_a_choice_of_a_missing_row_is_an_error_of_its_field(value, admin_client):
    page = admin_client.post(path_of(Contact, "add"), {"restaurant": value, "name": "Asha Rao"})
    assert (page.status_code, Contact.objects.count()) == (200, 0)
    assert "restaurant" in page.context["adminform"].form.errors
