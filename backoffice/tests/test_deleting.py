"""The page before a deletion: it names a few related rows and counts many."""

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import OperationalError
from django.urls import reverse

from backoffice.accounts.roles import grant
from backoffice.admin.base import CONFLICT_MESSAGE, TimestampedAdmin
from contact.models import Contact
from crm.tests.support import form_of
from lead.models import Restaurant
from track.models import Interaction, OrderDetails


def path_of(row, page: str = "delete") -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk])


@pytest.fixture
def kam_client(db, client):
    """Of a KAM, who deletes interactions and plans."""
    grant(apps, "default")
    kam = get_user_model().objects.create_user("asha", is_staff=True)
    kam.groups.add(Group.objects.get(name="KAM"))
    client.force_login(kam)
    return client


@pytest.mark.parametrize("count", [30, 300])
def test_the_delete_page_query_count_is_constant(admin_client, lead, count, django_assert_num_queries):
    made = Interaction.objects.bulk_create(
        Interaction(lead=lead, interaction_type="ORDER", order_placed=True) for _ in range(count)
    )
    OrderDetails.objects.bulk_create(
        OrderDetails(interaction=each, product_details="Oil", quantity=1, total_price=5, order_date=each.date)
        for each in made
    )
    # Session, user, lead, saved lists; each table that goes; counts of the two that are many.
    with django_assert_num_queries(20):
        answer = admin_client.get(path_of(lead))
    assert dict(answer.context["model_count"]) == {"leads": 1, "interactions": count, "order details": count}
    page = answer.content.decode()
    assert page.count(f"and {count - 20} more") == 2
    assert page.count("1 × Oil") == 20


def test_the_delete_page_links_to_few_related_rows(admin_client, lead, contact, plan):
    page = admin_client.get(path_of(lead)).content.decode()
    for row in (lead, contact, plan):
        assert f'<a href="{path_of(row, "change")}">{row}</a>' in page


def test_the_delete_page_escapes_names(admin_client, lead):
    Contact.objects.create(restaurant=lead, name="<b>Asha</b>")
    page = admin_client.get(path_of(lead)).content.decode()
    assert "<b>Asha" not in page
    assert "&lt;b&gt;Asha" in page


def test_the_delete_page_omits_rows_that_are_not_deleted(admin_client, contact, interaction):
    assert dict(admin_client.get(path_of(contact)).context["model_count"]) == {"contacts": 1}


def test_bulk_delete_confirms_all_selected_rows_together(admin_client, lead, contact):
    Restaurant.objects.create(name="Cafe Blau")
    chosen = {"action": "delete_selected", "_selected_action": [row.pk for row in Restaurant.objects.all()]}
    page = admin_client.post(reverse("admin:lead_restaurant_changelist"), chosen).content.decode()
    for row in (*Restaurant.objects.all(), contact):
        assert f'<a href="{path_of(row, "change")}">{row}</a>' in page


def test_the_delete_permission_covers_related_rows(kam_client, interaction, plan):
    interaction.write_order(product_details="50 units", quantity=50, total_price=500)
    plan.skip()
    assert kam_client.get(path_of(interaction)).context["perms_lacking"] == set()
    for row in (interaction, plan):
        assert kam_client.post(path_of(row), {"post": "yes"}).status_code == 302
    assert (Interaction.objects.count(), OrderDetails.objects.count()) == (0, 0)


# --- Meanwhile ------------------------------------------------------------------------------------


def test_saving_a_simultaneously_deleted_row_shows_a_message(admin_client, lead, monkeypatch):
    path = path_of(lead, "change")
    form = form_of(admin_client.get(path), "restaurant_form")
    found = TimestampedAdmin.get_object

    def find_and_lose(self, *args):
        obj = found(self, *args)
        Restaurant.objects.filter(pk=obj.pk).delete()
        return obj

    monkeypatch.setattr(TimestampedAdmin, "get_object", find_and_lose)
    answer = admin_client.post(path, {**form, "city": "Mumbai"}, follow=True)

    assert answer.status_code == 200
    assert len(list(answer.context["messages"])) == 1


def test_deleting_a_locked_row_shows_a_message_and_keeps_it(admin_client, lead, monkeypatch):
    def held(self, *args, **kwargs):
        raise OperationalError("database is locked")

    monkeypatch.setattr(Restaurant, "delete", held)
    answer = admin_client.post(path_of(lead), {"post": "yes"}, follow=True)
    assert [str(message) for message in answer.context["messages"]] == [CONFLICT_MESSAGE]
    assert Restaurant.objects.filter(pk=lead.pk).exists()


def test_bulk_delete_locks_rows_in_the_order_of_their_ids(admin_client, monkeypatch):
    leads = [Restaurant.objects.create(name=name) for name in "ABC"]
    deleted = []
    monkeypatch.setattr(Restaurant, "delete", lambda self: deleted.append(self.pk))
    chosen = {"action": "delete_selected", "_selected_action": [lead.pk for lead in leads], "post": "yes"}
    admin_client.post(reverse("admin:lead_restaurant_changelist"), chosen)
    assert deleted == sorted(lead.pk for lead in leads)
