"""The form of a lead with its contacts and plans."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse

from backoffice.admin.lead_inlines import NewestFormSet
from backoffice.tests.support import staff
from call.models import CallPlan
from contact.models import Contact
from crm.tests.support import form_of, send_form
from lead.models import Restaurant

NOW = datetime(2024, 12, 28, 9, 30, tzinfo=UTC)
FORM = "restaurant_form"
VIEW = "lead.view_restaurant"
CHANGE = "lead.change_restaurant"


@pytest.fixture(autouse=True)
def frozen():
    with time_machine.travel(NOW, tick=False):
        yield


def page_of(lead) -> str:
    return reverse("admin:lead_restaurant_change", args=[lead.pk])


def test_contacts_and_plans_are_added_on_the_lead_page(admin_client, admin_user, lead):
    rows = {
        "contacts-TOTAL_FORMS": "1",
        "contacts-0-name": "Asha Rao",
        "contacts-0-phone": "123-456-7890",
        "call_plans-TOTAL_FORMS": "1",
        "call_plans-0-frequency": "WEEKLY",
    }
    assert send_form(admin_client, page_of(lead), FORM, **rows).status_code == 302
    contact, plan = lead.contacts.get(), lead.call_plans.get()
    assert (contact.name, contact.phone, contact.created_by) == ("Asha Rao", "123-456-7890", admin_user)
    assert (plan.frequency, plan.created_by, plan.next_call_date) == (
        "WEEKLY",
        admin_user,
        datetime(2025, 1, 4, tzinfo=UTC),
    )


def test_a_new_lead_is_created_with_contacts_and_plans(admin_client):
    rows = {
        "name": "Bistro Anna",
        "contacts-TOTAL_FORMS": "1",
        "contacts-0-name": "Asha Rao",
        "call_plans-TOTAL_FORMS": "1",
        "call_plans-0-frequency": "DAILY",
    }
    send_form(admin_client, reverse("admin:lead_restaurant_add"), FORM, **rows)
    lead = Restaurant.objects.get()
    assert (lead.contacts.get().name, lead.call_plans.get().frequency) == ("Asha Rao", "DAILY")


def test_a_lead_form_does_not_undo_simultaneous_changes(admin_client, lead, contact, plan):
    form = form_of(admin_client.get(page_of(lead)), FORM)
    contact.edit(phone="5 555 4729")
    plan.record_call(NOW)
    Contact.objects.create(restaurant=lead, name="John Doe")
    changes = {"contacts-0-role": "Chef", "call_plans-0-notes": "Mornings."}
    assert admin_client.post(page_of(lead), {**form, **changes}).status_code == 302
    contact.refresh_from_db()
    plan.refresh_from_db()
    assert (contact.role, contact.phone) == ("Chef", "5 555 4729")
    assert (plan.notes, plan.last_called, plan.next_call_date) == ("Mornings.", NOW, NOW + timedelta(days=1))
    assert lead.contacts.count() == 2


def test_a_changed_plan_date_on_the_lead_page_is_logged(admin_client, admin_user, lead, plan):
    date = {"call_plans-0-next_call_date_0": "2025-02-03", "call_plans-0-next_call_date_1": "10:00:00"}
    send_form(admin_client, page_of(lead), FORM, **date)
    event = plan.events.get()
    assert (event.kind, event.due, event.created_by) == (
        "RESCHEDULED",
        datetime(2025, 2, 3, 10, tzinfo=UTC),
        admin_user,
    )


def test_contacts_and_plans_are_deleted_on_the_lead_page(admin_client, lead, interaction, plan):
    send_form(admin_client, page_of(lead), FORM, **{"contacts-0-DELETE": "on", "call_plans-0-DELETE": "on"})
    interaction.refresh_from_db()
    assert interaction.contact is None
    assert not Contact.objects.exists()
    assert not CallPlan.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"contacts-0-name": ""}, "name"),
        ({"contacts-0-email": "nobody"}, "email"),
        ({"call_plans-0-frequency": "HOURLY"}, "frequency"),
        ({"call_plans-0-next_call_date_0": "", "call_plans-0-next_call_date_1": ""}, "next_call_date"),
        ({"call_plans-0-next_call_date_0": "1999-01-01"}, "next_call_date"),
    ],
)
def test_an_invalid_inline_row_shows_a_field_error_and_saves_nothing(changes, field, admin_client, lead, contact, plan):
    answer = send_form(admin_client, page_of(lead), FORM, city="Mumbai", **changes)
    assert answer.status_code == 200
    errors = [each for formset in answer.context["inline_admin_formsets"] for each in formset.formset.errors]
    assert [name for each in errors for name in each] == [field]
    lead.refresh_from_db()
    assert lead.city == "Pune"


def test_the_lead_page_shows_the_newest_contacts_and_links_to_all(admin_client, lead):
    Contact.objects.bulk_create(Contact(restaurant=lead, name=f"Contact {number}") for number in range(200))
    answer = admin_client.get(page_of(lead))
    assert len(answer.context["inline_admin_formsets"][0].formset.initial_forms) == 20
    assert f"/admin/contact/contact/?restaurant__id__exact={lead.pk}" in answer.content.decode()
    page = admin_client.get(f"/admin/contact/contact/?restaurant__id__exact={lead.pk}")
    assert page.context["cl"].result_count == 200


def test_the_shown_contacts_are_saved_when_newer_ones_exist(admin_client, lead):
    Contact.objects.bulk_create(Contact(restaurant=lead, name=f"Contact {number}") for number in range(30))
    form = form_of(admin_client.get(page_of(lead)), FORM)
    Contact.objects.create(restaurant=lead, name="John Doe")
    assert admin_client.post(page_of(lead), {**form, "contacts-0-name": "Asha Rao"}).status_code == 302
    assert Contact.objects.filter(name="Asha Rao").get().pk == int(form["contacts-0-id"])


def test_a_lead_form_with_a_deleted_contact_shows_an_error(admin_client, lead, contact):
    form = form_of(admin_client.get(page_of(lead)), FORM)
    contact.delete()
    answer = admin_client.post(page_of(lead), {**form, "city": "Mumbai"})
    assert "One of them was deleted in the meantime." in answer.content.decode()


@pytest.mark.parametrize("pk", ["", "x", "0", "9" * 30, "stranger"])
def test_an_inline_row_of_another_lead_is_not_written(pk, admin_client, lead, contact):
    stranger = Contact.objects.create(restaurant=Restaurant.objects.create(name="Cactus"), name="Patricio Simpson")
    pk = str(stranger.pk) if pk == "stranger" else pk
    send_form(admin_client, page_of(lead), FORM, **{"contacts-0-id": pk, "contacts-0-name": "Asha"})
    assert not Contact.objects.filter(name="Asha").exists()


@pytest.mark.parametrize(
    "permissions",
    [
        [CHANGE],
        [CHANGE, "contact.view_contact", "call.view_callplan"],
        ["contact.change_contact", "call.change_callplan"],
    ],
)
def test_inline_rows_require_their_permission(permissions, client, admin_client, lead, contact, plan):
    form = form_of(admin_client.get(page_of(lead)), FORM)
    client.force_login(staff(VIEW, *permissions))
    client.post(
        page_of(lead),
        {**form, "contacts-0-name": "John Doe", "call_plans-0-notes": "Hello.", "contacts-0-DELETE": "on"},
    )
    contact.refresh_from_db()
    plan.refresh_from_db()
    assert (contact.name, plan.notes) == ("Asha Rao", "")


def test_a_contact_deleted_while_saving_shows_a_message(admin_client, lead, contact, monkeypatch):
    form = form_of(admin_client.get(page_of(lead)), FORM)
    write = NewestFormSet.write

    def write_too_late(self, by):
        Contact.objects.filter(pk=contact.pk).delete()
        write(self, by)

    monkeypatch.setattr(NewestFormSet, "write", write_too_late)
    answer = admin_client.post(page_of(lead), {**form, "city": "Mumbai", "contacts-0-role": "Chef"}, follow=True)
    assert "Nothing was changed" in str(list(answer.context["messages"])[0])
    lead.refresh_from_db()
    assert lead.city == "Pune"


def test_a_form_that_claims_millions_of_inline_rows_is_answered_fast(admin_client, lead):
    """It would take hours."""
    answer = send_form(admin_client, page_of(lead), FORM, **{"contacts-INITIAL_FORMS": "9" * 12})
    assert answer.status_code in (200, 302)
