"""Teams over HTTP: a tree of users, written by users with the permission, read by those who belong to it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from crm.tests.support import client_of
from lead.models import Team

TEAMS = "/api/teams/"


@pytest.fixture
def writer(db):
    """May write teams, and belongs to none."""
    writer = get_user_model().objects.create_user("writer")
    writer.user_permissions.set(Permission.objects.filter(content_type__model="team"))
    return client_of(writer)


@pytest.fixture
def team(user):
    return Team.establish(name="West", members=[user.pk])


def path_of(team) -> str:
    return f"{TEAMS}{team.pk}/"


def test_a_team_needs_a_name_alone(writer):
    answer = writer.post(TEAMS, {"name": "West"}, format="json")
    assert (answer.status_code, answer.json()) == (
        201,
        {"id": answer.json()["id"], "name": "West", "parent": None, "members": [], "managers": []},
    )
    assert list(answer.json()) == ["id", "name", "parent", "members", "managers"]
    assert writer.post(TEAMS, {"members": []}, format="json").json() == {"name": ["This field is required."]}


def test_members_and_managers_are_user_ids_in_ascending_order(writer, user, reader, team):
    body = {"name": "Pune", "parent": team.pk, "members": [reader.pk, user.pk, user.pk], "managers": [user.pk]}
    shown = writer.post(TEAMS, body, format="json").json()
    assert shown == {**body, "id": shown["id"], "members": sorted([user.pk, reader.pk])}
    assert writer.get(f"{TEAMS}{shown['id']}/").json() == shown


def test_put_leaves_what_is_left_out_and_patch_replaces_a_list(writer, user, reader, team):
    assert writer.put(path_of(team), {"name": "South"}, format="json").json()["members"] == [user.pk]
    assert writer.patch(path_of(team), {"members": [reader.pk]}, format="json").json()["members"] == [reader.pk]
    assert writer.patch(path_of(team), {"members": []}, format="json").json()["members"] == []
    assert writer.put(path_of(team), {"members": []}, format="json").status_code == 400


@pytest.mark.parametrize("body", [{"members": [10**9]}, {"managers": [10**9]}, {"parent": 10**9}])
def test_an_unknown_id_is_refused_by_name_and_changes_nothing(body, writer, user, team):
    (name,) = body
    for method, path, sent in [("post", TEAMS, {"name": "A", **body}), ("patch", path_of(team), {"name": "A", **body})]:
        answer = getattr(writer, method)(path, sent, format="json")
        assert (answer.status_code, list(answer.json())) == (400, [name])
        assert "does not exist" in answer.json()[name][0]
    assert [(each.name, list(each.members.all())) for each in Team.objects.all()] == [("West", [user])]


@pytest.mark.parametrize("members", ["1", 1, {"1": 1}, [None], [True], ["x"], [[]]])
def test_members_that_are_no_list_of_ids_are_refused_by_name(members, writer, team):
    answer = writer.patch(path_of(team), {"members": members}, format="json")
    assert (answer.status_code, list(answer.json())) == (400, ["members"])


def test_a_team_is_not_below_itself(writer, team):
    lower = Team.establish(name="Lower", parent=team)
    lowest = Team.establish(name="Lowest", parent=lower)
    for parent in (team, lower, lowest):
        answer = writer.patch(path_of(team), {"name": "Changed", "parent": parent.pk}, format="json")
        assert (answer.status_code, answer.json()) == (400, {"parent": ["A team cannot be below itself."]})
    team.refresh_from_db()
    assert (team.name, team.parent) == ("West", None)
    assert writer.patch(path_of(lowest), {"parent": team.pk}, format="json").status_code == 200


def test_no_team_is_its_own_parent_in_the_database(team):
    with pytest.raises(IntegrityError), transaction.atomic():
        Team.objects.filter(pk=team.pk).update(parent=team)


def test_a_team_with_teams_below_it_is_not_deleted(writer, team):
    lower = Team.establish(name="Lower", parent=team)
    answer = writer.delete(path_of(team))
    assert (answer.status_code, "below it" in answer.json()["detail"]) == (409, True)
    assert "Retry-After" not in answer
    assert [writer.delete(path_of(each)).status_code for each in (lower, team)] == [204, 204]
    assert not Team.objects.exists()


def test_a_write_holds_only_for_the_team_that_one_has_seen(writer, user, team):
    tag = writer.get(path_of(team))["ETag"]
    team.edit(members=[])  # through its members alone it is another one
    answers = [
        writer.patch(path_of(team), {"name": "A"}, format="json", headers={"If-Match": tag}),
        writer.delete(path_of(team), headers={"If-Match": tag}),
    ]
    assert [answer.status_code for answer in answers] == [412, 412]
    tag = writer.get(path_of(team))["ETag"]
    assert writer.patch(path_of(team), {"name": "A"}, format="json", headers={"If-Match": tag}).status_code == 200


def test_a_change_of_members_moves_updated_at(writer, reader, team):
    writer.patch(path_of(team), {"members": [reader.pk]}, format="json")
    before = team.updated_at
    team.refresh_from_db()
    assert team.updated_at > before
    assert team.edit(members=[reader.pk]) == []


def test_one_reads_the_own_teams_and_those_below(api, writer, user, reader, team):
    Team.establish(name="Country", members=[reader.pk])
    lower = Team.establish(name="Lower", parent=team)
    managed = Team.establish(name="East", managers=[user.pk])
    assert [row["id"] for row in api.get(TEAMS).json()] == [team.pk, lower.pk, managed.pk]
    assert client_of(reader).get(path_of(team)).status_code == 404
    assert api.get(f"{TEAMS}?page=1")["X-Total-Count"] == "3"
    assert len(writer.get(TEAMS).json()) == 4


def test_users_who_see_every_lead_read_every_team(user, team):
    reads_all = get_user_model().objects.create_user("reads_all")
    assert client_of(reads_all).get(TEAMS).json() == []
    reads_all.user_permissions.add(Permission.objects.get(codename="view_all"))
    again = get_user_model().objects.get(pk=reads_all.pk)
    assert len(client_of(again).get(TEAMS).json()) == 1


def test_members_do_not_write_and_hear_so_before_anything_else(api, team):
    for method, path in [("post", TEAMS), ("put", path_of(team)), ("patch", path_of(team)), ("delete", path_of(team))]:
        assert getattr(api, method)(path, {"parent": "x"}, format="json").status_code == 403
        assert getattr(api, method)(f"{TEAMS}0/", {}, format="json").status_code == 403


def test_a_deleted_user_is_in_no_team(writer, user, team):
    user.delete()
    assert writer.get(path_of(team)).json()["members"] == []


def test_a_tree_may_be_deep(api, team):
    for depth in range(60):
        team = Team.establish(name=f"Level {depth}", parent=team)
    assert len(api.get(TEAMS).json()) == 61
    with pytest.raises(ValidationError, match="below itself"):
        Team.objects.get(name="West").edit(parent=team)


@pytest.mark.parametrize("teams", [3, 30])
def test_teams_cost_the_same_queries_however_many_there_are(teams, api, writer, user, team, django_assert_num_queries):
    for number in range(teams):
        team = Team.establish(name=f"Team {number}", parent=team, members=[user.pk])
    api.get(TEAMS)
    with django_assert_num_queries(6):  # the user, two of permissions, the teams, members, managers
        assert len(api.get(TEAMS).json()) == teams + 1
    with django_assert_num_queries(6):
        api.get(path_of(team))


if connection.vendor == "postgresql":  # SQLite lets one transaction write at a time

    @pytest.mark.django_db(transaction=True)
    def test_two_moves_at_once_make_no_ring():
        teams = [Team.establish(name=name) for name in ("A", "B")]
        barrier = threading.Barrier(2)

        def move(place: int) -> bool:
            try:
                with transaction.atomic():
                    barrier.wait()
                    teams[place].edit(parent=teams[1 - place])
                return True
            except ValidationError:
                return False
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(move, [0, 1])) == [False, True]
        assert Team.objects.filter(parent=None).count() == 1
