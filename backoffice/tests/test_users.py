"""The pages of users: superusers write, managers look, and a user who is deleted takes only what is their own."""

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from backoffice.accounts.roles import grant
from call.models import CallEvent, CallPlan, FeedAddress, WorkProfile
from crm.tests.support import form_of, send_form
from lead.models import OwnerChange, Restaurant, StatusChange
from track.models import Interaction, OrderDetails

LIST, ADD = reverse("admin:auth_user_changelist"), reverse("admin:auth_user_add")
User = get_user_model()


def path_of(user, page: str = "change") -> str:
    return reverse(f"admin:auth_user_{page}", args=[user.pk])


@pytest.fixture
def manager(db):
    grant(apps, "default")
    manager = User.objects.create_user("manager", is_staff=True)
    manager.groups.add(Group.objects.get(name="Manager"))
    return manager


# --- Who writes -----------------------------------------------------------------------------------


def test_a_superuser_makes_and_changes_users(admin_client):
    secret = "correct horse battery staple"
    answer = send_form(admin_client, ADD, "user_form", username="asha", password1=secret, password2=secret)
    asha = User.objects.get(username="asha")
    assert answer["Location"] == path_of(asha)

    group = Group.objects.get_or_create(name="KAM")[0]
    form = form_of(admin_client.get(path_of(asha)), "user_form")
    del form["user_permissions"]  # of which none are chosen
    admin_client.post(path_of(asha), {**form, "first_name": "Asha", "is_staff": "on", "groups": [group.pk]})

    asha.refresh_from_db()
    assert (asha.first_name, asha.is_staff, asha.is_superuser, list(asha.groups.all())) == (
        "Asha",
        True,
        False,
        [group],
    )


def test_only_superusers_change_users_despite_permissions(client, manager, user):
    manager.user_permissions.set(Permission.objects.filter(content_type__app_label="auth"))
    client.force_login(manager)
    me = {"username": "manager", "is_superuser": "on", "is_staff": "on", "is_active": "on", "groups": ["1"]}
    forms = {
        ADD: me,
        path_of(manager): me,
        path_of(user, "delete"): {"post": "yes"},
        reverse("admin:auth_user_password_change", args=[user.pk]): {"password1": "x", "password2": "x"},
    }
    assert {path: client.post(path, form).status_code for path, form in forms.items()} == dict.fromkeys(forms, 403)
    manager.refresh_from_db()
    assert not manager.is_superuser
    assert User.objects.filter(pk=user.pk).exists()


def test_a_manager_sees_users_without_secrets(client, manager, user):
    user.groups.add(Group.objects.get(name="KAM"))
    client.force_login(manager)
    listed = client.get(LIST).content.decode()
    page = client.get(path_of(user)).content.decode()
    assert "KAM" in listed
    assert "KAM" in page
    assert user.password not in page
    assert "md5" not in page
    assert "user_permissions" not in page
    assert form_of(client.get(path_of(user)), "user_form").keys() <= {"csrfmiddlewaretoken"}


def test_other_users_see_a_name_and_whether_it_is_active(client, manager, user):
    manager.groups.set(Group.objects.filter(name="KAM"))
    User.objects.filter(pk=user.pk).update(first_name="Asha", last_name="Rao", email="asha@example.com")
    client.force_login(manager)
    page = client.get(path_of(user))
    (fields,) = [fieldset.fields for fieldset in page.context["adminform"]]
    assert fields == ["username", "name", "is_active"]
    assert "Asha Rao" in page.content.decode()
    assert "asha@example.com" not in page.content.decode()


def test_other_users_cannot_read_the_history_of_an_account(client, manager, user):
    client.force_login(manager)
    assert client.get(path_of(user, "history")).status_code == 200
    assert path_of(user, "history") in client.get(path_of(user)).content.decode()
    manager.groups.set(Group.objects.filter(name="KAM"))
    assert client.get(path_of(user, "history")).status_code == 403
    assert path_of(user, "history") not in client.get(path_of(user)).content.decode()


@pytest.mark.parametrize(("role", "finds"), [("Manager", True), ("KAM", False)])
def test_a_user_who_sees_no_addresses_cannot_search_them(role, finds, client, manager, user):
    User.objects.filter(pk=user.pk).update(email="asha@example.com")
    manager.groups.set(Group.objects.filter(name=role))
    client.force_login(manager)
    query = {"app_label": "lead", "model_name": "restaurant", "field_name": "assigned_to"}
    found = client.get(reverse("admin:autocomplete"), {**query, "term": "asha@"}).json()["results"]
    assert [row["text"] for row in found] == ["kam"] * finds
    assert client.get(reverse("admin:autocomplete"), {**query, "term": "\0"}).json()["results"] == []


@pytest.mark.parametrize("rows", [3, 30])
def test_the_list_takes_as_many_queries_for_many_users(admin_client, rows, django_assert_num_queries):
    grant(apps, "default")
    for number in range(rows):
        User.objects.create_user(f"user{number}").groups.add(*Group.objects.all())
    with django_assert_num_queries(7):  # session, user, saved lists; the groups to filter by; count, rows, their groups
        assert admin_client.get(LIST).status_code == 200


# --- Deleting -------------------------------------------------------------------------------------


@pytest.fixture
def work(user, lead, contact, interaction, plan):
    """What `user` has left in every table."""
    interaction.edit(order={"product_details": "Oil", "quantity": 1, "total_price": 5}, by=user)
    lead.change_status("CONTACTED", by=user)
    lead.edit(assigned_to=None, by=user)
    lead.edit(assigned_to=user, by=user)
    plan.skip(by=user)
    return [Restaurant, StatusChange, OwnerChange, Interaction, OrderDetails, CallPlan, CallEvent]


def test_deleting_a_user_deletes_no_leads_history_or_interactions(admin_client, user, work, lead):
    before = {table: table.objects.count() for table in work}

    answer = admin_client.post(path_of(user, "delete"), {"post": "yes", "leads": "nobody"})

    assert answer.status_code == 302
    assert not User.objects.filter(pk=user.pk).exists()
    assert {table: table.objects.count() for table in work} == before | {OwnerChange: 3}
    lead.refresh_from_db()
    assert (lead.assigned_to, lead.created_by) == (None, None)
    assert lead.status_changes.get().created_by is None


def test_the_confirmation_shows_what_is_deleted_and_what_stays(admin_client, user, work):
    WorkProfile.objects.create(user=user, time_zone="Asia/Kolkata")
    FeedAddress.renew(user)
    answer = admin_client.get(path_of(user, "delete"))
    assert dict(answer.context["model_count"]) == {"users": 1, "work profiles": 1, "feed addresses": 1}
    page = answer.content.decode()
    assert "kam (Asia/Kolkata)" in page
    assert "Bistro Anna" not in page
    assert "kam owns 1 lead. To whom do they go?" in page


@pytest.mark.parametrize("leads", [3, 300])
def test_the_confirmation_takes_as_many_queries_for_many_rows(admin_client, user, leads, django_assert_num_queries):
    made = Restaurant.objects.bulk_create(Restaurant(name="A", assigned_to=user, created_by=user) for _ in range(leads))
    Interaction.objects.bulk_create(Interaction(lead=lead, interaction_type="CALL", created_by=user) for lead in made)
    WorkProfile.objects.create(user=user)
    with django_assert_num_queries(
        19
    ):  # session and user thrice, who it is, saved lists, the leads; each table that goes
        admin_client.get(path_of(user, "delete"))
