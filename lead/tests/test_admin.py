import pytest
from django.urls import reverse

from crm.tests.support import form_of, send_form
from lead.models import Restaurant, StatusChange

ADD = reverse("admin:lead_restaurant_add")


def page_of(lead) -> str:
    return reverse("admin:lead_restaurant_change", args=[lead.pk])


def test_a_new_lead_belongs_to_the_user_who_creates_it(admin_client, admin_user):
    send_form(admin_client, ADD, "restaurant_form", name="Bistro Anna", potential_revenue="5000")
    lead = Restaurant.objects.get()
    assert (lead.assigned_to, lead.created_by, lead.lead_status) == (admin_user, admin_user, "NEW")
    assert not lead.status_changes.exists()


def test_a_changed_status_leaves_history_with_its_user(admin_client, admin_user, lead):
    send_form(admin_client, page_of(lead), "restaurant_form", lead_status="CONTACTED")
    change = lead.status_changes.get()
    assert (change.old_status, change.new_status, change.created_by) == ("NEW", "CONTACTED", admin_user)


def test_a_form_sent_back_as_it_was_changes_nothing(admin_client, lead):
    before = Restaurant.objects.values().get()
    assert send_form(admin_client, page_of(lead), "restaurant_form").status_code == 302
    assert Restaurant.objects.values().get() == before


def test_a_form_undoes_nothing_that_happened_since_it_was_opened(admin_client, lead):
    form = form_of(admin_client.get(page_of(lead)), "restaurant_form")
    lead.change_status("NEGOTIATING")
    lead.edit(notes="Likes oil.")
    assert admin_client.post(page_of(lead), {**form, "city": "Mumbai"}).status_code == 302
    lead.refresh_from_db()
    assert (lead.city, lead.lead_status, lead.notes) == ("Mumbai", "NEGOTIATING", "Likes oil.")
    assert lead.status_changes.count() == 1


def test_a_lead_is_found_by_the_digits_of_its_phone(admin_client, lead):
    lead.edit(phone="(5) 555-4729")
    page = admin_client.get(reverse("admin:lead_restaurant_changelist"), {"q": "5555 4729"})
    assert page.context["cl"].result_count == 1


def test_a_renamed_lead_is_found_by_its_new_name(admin_client, lead):
    send_form(admin_client, page_of(lead), "restaurant_form", name="Berglunds snabbköp")
    page = admin_client.get(reverse("admin:lead_restaurant_changelist"), {"q": "snabbkop"})
    assert page.context["cl"].result_count == 1


def test_a_deleted_lead_takes_its_history_along(admin_client, lead, interaction, plan):
    lead.change_status("LOST")
    answer = admin_client.post(reverse("admin:lead_restaurant_delete", args=[lead.pk]), {"post": "yes"})
    assert answer.status_code == 302
    assert not Restaurant.objects.exists()
    assert not StatusChange.objects.exists()


def test_chosen_leads_are_deleted_together(admin_client, lead):
    lead.change_status("LOST")
    other = Restaurant.objects.create(name="Cactus Comidas para llevar")
    chosen = {"action": "delete_selected", "_selected_action": [lead.pk, other.pk], "post": "yes"}
    admin_client.post(reverse("admin:lead_restaurant_changelist"), chosen)
    assert not Restaurant.objects.exists()


@pytest.mark.parametrize("page", ["change", "delete"])
def test_the_history_of_a_status_is_there_to_read(page, admin_client, lead):
    lead.change_status("LOST")
    change = StatusChange.objects.get()
    path = reverse(f"admin:lead_statuschange_{page}", args=[change.pk])
    assert admin_client.post(path, {"new_status": "NEW", "post": "yes"}).status_code == 403
    assert StatusChange.objects.get().new_status == "LOST"


def test_the_status_history_is_read_only(admin_client):
    assert admin_client.get(reverse("admin:lead_statuschange_add")).status_code == 403
