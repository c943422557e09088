from django.urls import reverse

from contact.models import Contact
from crm.tests.support import send_form


def test_a_new_contact_remembers_who_made_it(admin_client, admin_user, lead):
    send_form(
        admin_client, reverse("admin:contact_contact_add"), "contact_form", restaurant=str(lead.pk), name="Asha Rao"
    )
    contact = Contact.objects.get()
    assert (contact.restaurant, contact.name, contact.created_by) == (lead, "Asha Rao", admin_user)


def test_a_contact_moves_to_another_lead(admin_client, contact, user):
    other = type(contact.restaurant).objects.create(name="Cactus Comidas para llevar")
    path = reverse("admin:contact_contact_change", args=[contact.pk])
    send_form(admin_client, path, "contact_form", restaurant=str(other.pk))
    contact.refresh_from_db()
    assert (contact.restaurant, contact.name) == (other, "Asha Rao")


def test_a_contact_is_found_by_the_digits_of_its_phone(admin_client, contact):
    page = admin_client.get(reverse("admin:contact_contact_changelist"), {"q": "1234567890"})
    assert page.context["cl"].result_count == 1


def test_leads_are_offered_as_one_types(admin_client, lead):
    query = {"app_label": "contact", "model_name": "contact", "field_name": "restaurant", "term": "anna"}
    answer = admin_client.get(reverse("admin:autocomplete"), query)
    assert [offer["text"] for offer in answer.json()["results"]] == ["Bistro Anna"]
