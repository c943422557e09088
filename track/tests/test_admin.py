from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.urls import reverse

from backoffice.admin.base import CONFLICT_MESSAGE
from backoffice.admin.interaction import InteractionAdmin
from contact.models import Contact
from crm.tests.support import form_of, send_form
from lead.models import Restaurant
from track.models import Interaction, OrderDetails

ADD = reverse("admin:track_interaction_add")
ORDER = {"order-0-product_details": "50 units of Product A", "order-0-quantity": "50", "order-0-total_price": "500"}


def page_of(interaction) -> str:
    return reverse("admin:track_interaction_change", args=[interaction.pk])


def send(client, path, **changes):
    return send_form(client, path, "interaction_form", **changes)


def test_a_new_interaction_remembers_who_made_it(admin_client, admin_user, lead, contact):
    send(admin_client, ADD, lead=str(lead.pk), contact=str(contact.pk), interaction_type="VISIT")
    interaction = Interaction.objects.get()
    assert (interaction.lead, interaction.contact, interaction.created_by) == (lead, contact, admin_user)
    assert not interaction.order_placed


def test_an_interaction_of_type_order_has_an_order_placed(admin_client, lead):
    send(admin_client, ADD, lead=str(lead.pk), interaction_type="ORDER")
    assert Interaction.objects.get().order_placed


@pytest.mark.parametrize("missing", [None, "order-0-order_date_0"])
def test_an_order_is_written_with_its_interaction(missing, admin_client, lead):
    date = {"order-0-order_date_0": "2024-12-25", "order-0-order_date_1": "12:00:00"}
    when = {"date_0": "2024-12-25", "date_1": "12:00:00"}
    order = ORDER if missing else ORDER | date
    send(admin_client, ADD, lead=str(lead.pk), interaction_type="VISIT", **when, **order)
    interaction = Interaction.objects.get()
    assert interaction.order_placed
    assert (interaction.order.quantity, interaction.order.total_price) == (50, Decimal("500.00"))
    assert interaction.order.order_date == datetime(2024, 12, 25, 12, tzinfo=UTC)


def test_an_order_is_replaced_on_its_interaction(admin_client, admin_user, interaction):
    interaction.write_order(product_details="Oil", quantity=1, total_price=Decimal(5))
    send(admin_client, page_of(interaction), **{"order-0-quantity": "2"})
    order = OrderDetails.objects.get()
    assert (order.quantity, order.product_details) == (2, "Oil")


def test_an_order_is_taken_back_on_its_interaction(admin_client, interaction):
    interaction.write_order(product_details="Oil", quantity=1, total_price=Decimal(5))
    send(admin_client, page_of(interaction), **{"order-0-DELETE": "on"})
    assert not OrderDetails.objects.exists()
    assert Interaction.objects.exists()


def test_a_quantity_of_none_is_refused(admin_client, interaction):
    answer = send(admin_client, page_of(interaction), **(ORDER | {"order-0-quantity": "0"}))
    assert answer.status_code == 200
    assert not OrderDetails.objects.exists()


def test_a_contact_of_another_lead_is_refused(admin_client, interaction):
    other = Restaurant.objects.create(name="Cactus Comidas para llevar")
    stranger = Contact.objects.create(restaurant=other, name="Patricio Simpson")
    answer = send(admin_client, page_of(interaction), contact=str(stranger.pk))
    assert answer.context["adminform"].form.errors == {"contact": ["Patricio Simpson does not belong to Bistro Anna."]}


def test_an_order_is_edited_among_all_orders(admin_client, interaction):
    interaction.write_order(product_details="Oil", quantity=1, total_price=Decimal(5))
    order = OrderDetails.objects.get()
    path = reverse("admin:track_orderdetails_change", args=[order.pk])
    send_form(admin_client, path, "orderdetails_form", total_price="6.50")
    order.refresh_from_db()
    assert (order.total_price, order.quantity) == (Decimal("6.50"), 1)


# --- Concurrent changes while the page is open ------------------------------------------------------


def test_an_order_that_the_user_left_alone_stays_as_it_is_by_now(admin_client, interaction):
    interaction.write_order(product_details="Oil", quantity=1, total_price=Decimal(5))
    form = form_of(admin_client.get(page_of(interaction)), "interaction_form")
    interaction.write_order(product_details="Oil", quantity=3, total_price=Decimal(9))
    admin_client.post(page_of(interaction), {**form, "details": "Spoke to the chef."})
    assert Interaction.objects.get().details == "Spoke to the chef."
    assert (OrderDetails.objects.get().quantity, OrderDetails.objects.get().total_price) == (3, 9)

    admin_client.post(page_of(interaction), {**form, "order-0-quantity": "2"})
    assert (OrderDetails.objects.get().quantity, OrderDetails.objects.get().total_price) == (2, 9)


def test_a_person_of_the_lead_that_it_was_before_is_refused(admin_client, interaction, contact):
    Interaction.objects.update(contact=None)
    form = form_of(admin_client.get(page_of(interaction)), "interaction_form")
    other = Restaurant.objects.create(name="Cactus Comidas para llevar")
    Interaction.objects.update(lead=other)
    answer = admin_client.post(page_of(interaction), {**form, "contact": contact.pk}, follow=True)
    assert [str(message) for message in answer.context["messages"]] == [CONFLICT_MESSAGE]
    assert (Interaction.objects.get().lead, Interaction.objects.get().contact) == (other, None)


@pytest.mark.parametrize("gone", ["lead", "contact"])
def test_a_lead_or_contact_deleted_meanwhile_is_a_400_that_names_it(admin_client, lead, contact, monkeypatch, gone):
    create = InteractionAdmin.create

    def lose_and_create(admin, **fields) -> Interaction:
        {"lead": lead, "contact": contact}[gone].delete()
        return create(admin, **fields)

    monkeypatch.setattr(InteractionAdmin, "create", lose_and_create)
    answer = send(admin_client, ADD, lead=str(lead.pk), contact=str(contact.pk), interaction_type="EMAIL")
    assert (answer.status_code, answer.url) == (302, ADD)
    assert str(CONFLICT_MESSAGE) in admin_client.get(ADD).content.decode()
    assert not Interaction.objects.exists()
