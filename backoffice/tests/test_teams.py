"""The pages of teams: who sees and writes them, the tree without a ring, and what a deletion asks."""

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from backoffice.admin.departures import NO_ANSWER
from backoffice.tests.support import messages_of, staff
from crm.tests.support import form_of
from lead.models import Restaurant, Team

LIST, ADD = reverse("admin:lead_team_changelist"), reverse("admin:lead_team_add")
User = get_user_model()


def path_of(team, page: str = "change") -> str:
    return reverse(f"admin:lead_team_{page}", args=[team.pk])


@pytest.fixture
def north(user):
    return Team.establish(name="North", members=[user.pk])


def save(client, team, **changes):
    """The page of the team after the form was sent with the changes; a list chooses several users."""
    form = form_of(client.get(path_of(team)), "team_form")
    return client.post(path_of(team), {**form, "members": [], "managers": [], **changes}, follow=True)


def test_a_team_gets_its_parent_members_and_managers(admin_client, admin_user, user, north):
    form = {"name": "West", "parent": north.pk, "members": [user.pk], "managers": [admin_user.pk]}
    assert admin_client.post(ADD, form).status_code == 302
    west = Team.objects.get(name="West")
    assert (west.parent, [*west.members.all()], [*west.managers.all()]) == (north, [user], [admin_user])
    assert west.created_by == admin_user


def test_the_list_shows_parent_and_numbers(admin_client, user, admin_user, north):
    Team.establish(name="West", parent=north, members=[user.pk, admin_user.pk], managers=[user.pk])
    words = admin_client.get(LIST).content.decode()
    assert '<td class="field-member_count">2</td><td class="field-manager_count">1</td>' in words
    assert '<td class="field-member_count">1</td><td class="field-manager_count">0</td>' in words
    assert '<td class="field-parent nowrap">North</td>' in words


def test_a_form_leaves_members_that_it_did_not_change(admin_client, admin_user, user, north):
    page = admin_client.get(path_of(north))
    form = form_of(page, "team_form")
    north.members.add(admin_user)  # a simultaneous change
    del form["managers"]  # of whom none are chosen
    admin_client.post(path_of(north), {**form, "name": "Far north"})
    north.refresh_from_db()
    assert (north.name, set(north.members.all())) == ("Far north", {user, admin_user})


@pytest.mark.parametrize("parent", ["itself", "below"])
def test_a_ring_of_parents_is_an_error_of_the_field(parent, admin_client, north):
    west = Team.establish(name="West", parent=north)
    page = save(admin_client, north, parent={"itself": north, "below": west}[parent].pk)
    assert page.context["adminform"].form.errors == {"parent": ["A team cannot be below itself."]}
    north.refresh_from_db()
    assert north.parent is None


def test_a_ring_that_another_user_closes_meanwhile_is_a_conflict(admin_client, north, monkeypatch):
    west = Team.establish(name="West")
    monkeypatch.setattr(Team, "clean", lambda self: north.edit(parent=west))
    page = save(admin_client, west, parent=north.pk)
    assert messages_of(page) == ["A simultaneous change got in the way. Nothing was changed; please look again."]


def test_members_are_found_by_name(admin_client, user):
    query = {"app_label": "lead", "model_name": "team", "field_name": "members", "term": "kam"}
    assert admin_client.get(reverse("admin:autocomplete"), query).json()["results"][0]["text"] == "kam"


@pytest.mark.parametrize("term", ["nor", "\0"])
def test_a_parent_is_found_by_name(term, admin_client, north):
    query = {"app_label": "lead", "model_name": "team", "field_name": "parent", "term": term}
    found = admin_client.get(reverse("admin:autocomplete"), query).json()["results"]
    assert [row["text"] for row in found] == (["North"] if term == "nor" else [])


def test_who_may_only_view_teams_sees_the_own_ones_and_those_below(client, db):
    viewer = staff("lead.view_team")
    own = Team.establish(name="Own", managers=[viewer.pk])
    Team.establish(name="Below", parent=own)
    other = Team.establish(name="Other")
    client.force_login(viewer)
    words = client.get(LIST).content.decode()
    assert ("Own" in words, "Below" in words, "Other" in words) == (True, True, False)
    assert client.get(path_of(other))["Location"] == LIST


# --- Deletion -------------------------------------------------------------------------------------


def test_a_team_with_teams_below_it_is_not_deleted(admin_client, north):
    Team.establish(name="West", parent=north)
    page = admin_client.post(path_of(north, "delete"), {"post": "yes"})
    assert "Teams are below “North”." in page.content.decode()
    assert Team.objects.count() == 2


def test_bulk_deletion_refuses_a_team_with_teams_below_it(admin_client, north):
    west = Team.establish(name="West", parent=north)
    chosen = {"action": "delete_selected", "_selected_action": [north.pk, west.pk]}
    assert "These teams are above others: North." in admin_client.post(LIST, chosen).content.decode()
    admin_client.post(LIST, {**chosen, "post": "yes"})
    assert Team.objects.count() == 2


def test_a_team_whose_members_own_nothing_is_deleted_without_a_question(admin_client, north):
    assert "leads" not in admin_client.get(path_of(north, "delete")).context["form"].fields
    assert admin_client.post(path_of(north, "delete"), {"post": "yes"}).status_code == 302
    assert not Team.objects.exists()


def delete_by_page(client, team, **answer):
    return client.post(path_of(team, "delete"), {"post": "yes", **answer})


def delete_by_action(client, team, **answer):
    chosen = {"action": "delete_selected", "_selected_action": [team.pk], "post": "yes"}
    return client.post(LIST, {**chosen, **answer})


both = pytest.mark.parametrize("delete", [delete_by_page, delete_by_action])


@both
def test_the_deletion_of_a_team_asks_where_its_leads_go(delete, admin_client, north, lead):
    page = delete(admin_client, north)
    assert page.context["form"].errors == {"leads": [NO_ANSWER]}
    assert "The members own 1 lead. To whom do they go?" in page.content.decode()
    assert Team.objects.exists()


@both
@pytest.mark.parametrize("answer", ["stay", "user", "nobody"])
def test_the_leads_of_a_deleted_team_go_where_the_answer_says(answer, delete, admin_client, admin_user, north, lead):
    heir = {"leads_to": admin_user.pk} if answer == "user" else {}
    assert delete(admin_client, north, leads=answer, **heir).status_code == 302
    lead.refresh_from_db()
    assert not Team.objects.exists()
    assert lead.assigned_to == {"stay": north.created_by or lead.created_by, "user": admin_user, "nobody": None}[answer]
    notes = list(lead.owner_changes.values_list("note", "created_by"))
    assert notes == ([] if answer == "stay" else [("The team North was deleted.", admin_user.pk)])


def test_without_the_hand_over_permission_leads_can_only_stay(client, north, lead):
    client.force_login(staff("lead.delete_team", "lead.view_team"))
    form = client.get(path_of(north, "delete")).context["form"]
    assert [answer for answer, _ in form.fields["leads"].choices] == ["stay"]
    assert client.post(path_of(north, "delete"), {"post": "yes", "leads": "nobody"}).status_code == 200
    assert client.post(path_of(north, "delete"), {"post": "yes", "leads": "stay"}).status_code == 302


@pytest.mark.parametrize("answer", [{"leads": "user", "leads_to": 0}, {"leads": "user"}, {"leads": "x"}])
def test_an_invalid_answer_deletes_nothing(answer, admin_client, north, lead):
    page = delete_by_page(admin_client, north, **answer)
    assert page.context["form"].errors.keys() <= {"leads", "leads_to"}
    assert page.context["form"].errors
    assert Restaurant.objects.get().assigned_to == lead.assigned_to
    assert Team.objects.exists()
