"""Users who leave: their leads go to a user or explicitly to nobody, and each lead's history says so."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from backoffice.admin.departures import NO_ANSWER
from backoffice.tests.support import LEADS, messages_of
from crm import dates
from crm.tests.support import form_of, signed_in
from lead.models import OwnerChange, Restaurant

User = get_user_model()


def path_of(user, page: str = "change") -> str:
    return reverse(f"admin:auth_user_{page}", args=[user.pk])


@pytest.fixture
def asha(db):
    return User.objects.create_user("asha")


def deactivate(client, user, **answer):
    form = form_of(client.get(path_of(user)), "user_form")
    form = {name: value for name, value in form.items() if name not in ("is_active", "groups", "user_permissions")}
    return client.post(path_of(user), {**form, **answer}, follow=True)


def errors_of(page) -> dict:
    return page.context["adminform"].form.errors


# --- Deactivating ---------------------------------------------------------------------------------


def test_an_owner_is_not_deactivated_without_an_answer(admin_client, user, lead):
    page = deactivate(admin_client, user)
    assert errors_of(page) == {"leads": [NO_ANSWER]}
    user.refresh_from_db()
    assert user.is_active
    assert "kam owns 1 lead. To whom do they go?" in page.content.decode()


@pytest.mark.parametrize("to", ["asha", "nobody"])
def test_the_leads_of_a_deactivated_user_go_where_the_answer_says(to, admin_client, admin_user, user, asha, lead):
    Restaurant.objects.create(name="Cafe Blau", assigned_to=user)
    answer = {"leads": "user", "leads_to": asha.pk} if to == "asha" else {"leads": "nobody"}
    page = deactivate(admin_client, user, **answer)
    user.refresh_from_db()
    lead.refresh_from_db()
    assert (user.is_active, lead.assigned_to) == (False, asha if to == "asha" else None)
    change = lead.owner_changes.get()
    assert (change.old_owner, change.new_owner, change.created_by) == (user, lead.assigned_to, admin_user)
    assert change.note == "The owner kam was deactivated."
    done = "Handed over to asha: 2 leads." if to == "asha" else "Without an owner now: 2 leads."
    assert done in messages_of(page)


def test_a_user_without_leads_is_deactivated_without_a_question(admin_client, user):
    deactivate(admin_client, user)
    user.refresh_from_db()
    assert not user.is_active


@pytest.mark.parametrize("heir", ["themselves", "inactive", "none"])
def test_the_new_owner_is_another_active_user(heir, admin_client, user, asha, lead):
    User.objects.filter(pk=asha.pk).update(is_active=heir != "inactive")
    given = {"themselves": {"leads_to": user.pk}, "inactive": {"leads_to": asha.pk}, "none": {}}[heir]
    page = deactivate(admin_client, user, leads="user", **given)
    assert list(errors_of(page)) == ["leads_to"]
    user.refresh_from_db()
    assert user.is_active


def test_the_leads_of_an_inactive_owner_can_go_to_another_later(admin_client, user, asha, lead):
    User.objects.filter(pk=user.pk).update(is_active=False)
    deactivate(admin_client, user, leads="user", leads_to=asha.pk)
    lead.refresh_from_db()
    assert lead.assigned_to == asha


def test_other_changes_of_an_owner_need_no_answer(admin_client, user, lead):
    page = deactivate(admin_client, user, is_active="on", first_name="Kamala")
    user.refresh_from_db()
    assert (user.first_name, user.is_active) == ("Kamala", True)
    assert page.status_code == 200


def test_only_active_users_are_offered_as_owners(admin_client, user, asha):
    User.objects.filter(pk=asha.pk).update(is_active=False)
    query = {"app_label": "lead", "model_name": "restaurant", "field_name": "assigned_to", "term": "a"}
    found = admin_client.get(reverse("admin:autocomplete"), query).json()["results"]
    assert {row["text"] for row in found} == {"admin", "kam"}


# --- Deleting -------------------------------------------------------------------------------------


def test_an_owner_is_not_deleted_without_an_answer(admin_client, user, lead):
    page = admin_client.post(path_of(user, "delete"), {"post": "yes"})
    assert page.context["form"].errors == {"leads": [NO_ANSWER]}
    assert User.objects.filter(pk=user.pk).exists()


@pytest.mark.parametrize("to", ["asha", "nobody"])
def test_the_leads_of_a_deleted_user_go_where_the_answer_says(to, admin_client, user, asha, lead):
    answer = {"leads": "user", "leads_to": asha.pk} if to == "asha" else {"leads": "nobody"}
    assert admin_client.post(path_of(user, "delete"), {"post": "yes", **answer}).status_code == 302
    lead.refresh_from_db()
    assert lead.assigned_to == (asha if to == "asha" else None)
    change = lead.owner_changes.get()
    assert (change.old_owner, change.old_owner_name, change.note) == (None, "kam", "The owner kam was deleted.")
    assert not User.objects.filter(username="kam").exists()


def test_a_lead_given_after_the_question_is_not_lost(admin_client, user, asha, lead, monkeypatch):
    def give(*args, **options):
        Restaurant.objects.create(name="Cafe Blau", assigned_to=user)
        return delete(*args, **options)

    delete = User.delete
    monkeypatch.setattr(User, "delete", give)
    admin_client.post(path_of(user, "delete"), {"post": "yes", "leads": "user", "leads_to": asha.pk})
    late = Restaurant.objects.get(name="Cafe Blau")
    assert (late.assigned_to, late.owner_changes.get().old_owner_name) == (None, "kam")


def test_users_are_deleted_and_deactivated_one_by_one(admin_client, user):
    """A bulk action would need one answer for many users."""
    actions = dict(
        admin_client.get(reverse("admin:auth_user_changelist")).context["action_form"].fields["action"].choices
    )
    assert set(actions) == {"", "remove_second_factor"}


@pytest.mark.parametrize("way", ["delete", "queryset"])
def test_each_lead_of_a_deleted_user_has_a_history_row_and_moves(way, user, asha):
    before = dates.now() - timedelta(days=1)
    leads = [Restaurant.objects.create(name=name, assigned_to=user, updated_at=before) for name in "ABC"]
    Restaurant.objects.create(name="D", assigned_to=asha, updated_at=before)
    pk = user.pk
    user.delete() if way == "delete" else User.objects.filter(pk=pk).delete()
    rows = OwnerChange.objects.order_by("lead").values_list("lead", "old_owner", "old_owner_name", "new_owner")
    assert list(rows) == [(lead.pk, None, "kam", None) for lead in leads]
    moved = Restaurant.objects.filter(updated_at__gt=before).order_by("pk")
    assert list(moved) == leads


# --- Unattended leads -----------------------------------------------------------------------------


def test_the_start_page_counts_the_leads_without_an_active_owner(admin_client, user, asha, lead):
    Restaurant.objects.create(name="Cafe Blau")
    Restaurant.objects.create(name="Cafe Rot", assigned_to=asha)
    User.objects.filter(pk=user.pk).update(is_active=False)
    words = admin_client.get("/admin/").content.decode()
    address = f"{LEADS}?unattended=1"
    assert f'<a href="{address}"><strong>2 leads</strong></a> without an active owner' in words
    listed = set(admin_client.get(address).context["cl"].queryset.values_list("pk", flat=True))
    of_api = {row["id"] for row in signed_in(asha).get("/lead/restaurants/?assigned_to=none").json()}
    assert listed == of_api == set(Restaurant.objects.unattended().values_list("pk", flat=True))
    assert len(listed) == 2
