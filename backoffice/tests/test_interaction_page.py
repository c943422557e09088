"""The page of an interaction: what happened and what was ordered, on one form."""

from decimal import Decimal

import pytest
from django.urls import reverse

from contact.models import Contact
from crm.tests.support import send_form
from lead.models import Restaurant
from track.models import Interaction

ADD = reverse("admin:track_interaction_add")
FORM = "interaction_form"
ORDER = {"order-0-product_details": "50 units of Product A", "order-0-quantity": "50", "order-0-total_price": "500"}


@pytest.fixture
def stranger(db):
    other = Restaurant.objects.create(name="Cactus Comidas para llevar")
    return Contact.objects.create(restaurant=other, name="Patricio Simpson")


def test_adding_an_interaction_with_order_redirects_to_the_lead(admin_client, lead, contact):
    path = f"{ADD}?lead={lead.pk}&back=lead"
    answer = send_form(admin_client, path, FORM, contact=str(contact.pk), interaction_type="VISIT", **ORDER)
    assert answer["Location"] == reverse("admin:lead_restaurant_change", args=[lead.pk])
    interaction = Interaction.objects.get()
    assert (interaction.lead, interaction.contact, interaction.order_placed) == (lead, contact, True)
    assert interaction.order.total_price == Decimal(500)


def test_the_contact_field_offers_the_contacts_of_the_lead(admin_client, lead, contact, stranger):
    page = admin_client.get(ADD, {"lead": lead.pk}).content.decode()
    assert "Asha Rao</option>" in page
    assert "Patricio Simpson" not in page


def test_the_contact_field_without_a_lead_is_an_autocomplete(admin_client, contact):
    page = admin_client.get(ADD).content.decode()
    assert "Asha Rao" not in page
    assert 'data-field-name="contact"' in page


def test_a_contact_of_another_lead_is_refused(admin_client, lead, stranger):
    path = f"{ADD}?lead={lead.pk}"
    answer = send_form(admin_client, path, FORM, contact=str(stranger.pk), interaction_type="VISIT")
    assert list(answer.context["adminform"].form.errors) == ["contact"]
    assert not Interaction.objects.exists()


def test_the_contact_field_offers_some_contacts_and_accepts_all(admin_client, lead):
    Contact.objects.bulk_create(Contact(restaurant=lead, name=f"Contact {number}") for number in range(300))
    path = f"{ADD}?lead={lead.pk}"
    assert admin_client.get(path).content.decode().count("Contact ") <= 201
    last = Contact.objects.last()
    send_form(admin_client, path, FORM, contact=str(last.pk), interaction_type="VISIT")
    interaction = Interaction.objects.get()
    assert interaction.contact == last
    send_form(
        admin_client, reverse("admin:track_interaction_change", args=[interaction.pk]), FORM, details="Wants oil."
    )
    interaction.refresh_from_db()
    assert (interaction.contact, interaction.details) == (last, "Wants oil.")


def test_an_interaction_keeps_its_contact_when_saved(admin_client, interaction, contact):
    path = reverse("admin:track_interaction_change", args=[interaction.pk])
    send_form(admin_client, path, FORM, details="Wants oil.")
    interaction.refresh_from_db()
    assert (interaction.details, interaction.contact) == ("Wants oil.", contact)


@pytest.mark.parametrize("lead", ["0", "x", "9" * 30])
def test_the_add_form_ignores_an_invalid_lead(lead, admin_client):
    assert admin_client.get(ADD, {"lead": lead}).status_code == 200


@pytest.mark.parametrize("date", ["2024-12-24", "x"])
def test_the_add_form_ignores_a_date_in_the_address(date, admin_client):
    assert admin_client.get(ADD, {"date": date}).status_code == 200


@pytest.mark.parametrize(
    "change", [{"order-0-quantity": "0"}, {"order-0-total_price": "x"}, {"order-0-product_details": ""}]
)
def test_an_interaction_with_an_invalid_order_is_not_saved(change, admin_client, lead):
    answer = send_form(admin_client, f"{ADD}?lead={lead.pk}", FORM, interaction_type="VISIT", **{**ORDER, **change})
    assert answer.status_code == 200
    assert not Interaction.objects.exists()
