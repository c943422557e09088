"""People, teams and leads move about, and what each user sees agrees with an oracle that knows only the tree."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import ProtectedError
from django.test import override_settings
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from call.models import CallEvent, CallPlan
from contact.models import Contact
from crm.tests.support import client_of
from lead.models import OwnerChange, Restaurant, StatusChange, Team
from track.models import Interaction, OrderDetails

NOW = datetime(2026, 1, 14, 9, tzinfo=UTC)
YESTERDAY = NOW - timedelta(days=1)
PERIOD = "?from=2026-01-01&to=2026-01-14"
NAMES = ["anna", "ben", "chloe", "dev", "eva"]
LISTS = ["/lead/restaurants/", "/contact/contacts/", "/track/interactions/", "/track/interactions/orders/", "/call/"]

numbers = st.integers(0, 7)  # places in a list, which may be shorter
few = st.sets(st.sampled_from(NAMES), max_size=2)
modes = st.sampled_from(["team", "own"])


class Tree:
    """The oracle: sets and a recursion over parents."""

    def __init__(self) -> None:
        self.parents: dict[int, int | None] = {}
        self.members: dict[int, set[str]] = {}
        self.managers: dict[int, set[str]] = {}
        self.owners: dict[int, str | None] = {}  # of leads, and of each the one of yesterday
        self.first_owners: dict[int, str | None] = {}
        self.active = dict.fromkeys(NAMES, True)  # deleted users are not in it
        self.sees_all = {"eva"}

    def is_below(self, team: int | None, top: int) -> bool:
        return team is not None and (team == top or self.is_below(self.parents[team], top))

    def managed_by(self, user: str) -> set[str]:
        tops = [team for team, managers in self.managers.items() if user in managers]
        return {
            each for team in self.members for top in tops if self.is_below(team, top) for each in self.members[team]
        }

    def owners_seen_by(self, user: str, mode: str) -> set[str]:
        teammates = {each for members in self.members.values() if user in members for each in members}
        return {user} | self.managed_by(user) | (teammates if mode == "team" else set())

    def sees(self, user: str, owner: str | None, mode: str) -> bool:
        if not self.active.get(user):
            return False
        if user in self.sees_all:
            return True
        if owner is None:
            return any(user in managers for managers in self.managers.values())
        return owner in self.owners_seen_by(user, mode)

    def leads_of(self, user: str, mode: str) -> set[int]:
        return {lead for lead, owner in self.owners.items() if self.sees(user, owner, mode)}

    def unattended(self) -> set[int]:
        return {lead for lead, owner in self.owners.items() if owner is None or not self.active[owner]}

    def figures_for(self, user: str) -> Counter:
        """By the name of yesterday's owner, one call planned and one touch for each lead."""
        seen = self.managed_by(user) | {user}
        shown = {lead: owner for lead, owner in self.first_owners.items() if user in self.sees_all or owner in seen}
        return Counter(owner for owner in shown.values() if user in self.sees_all or owner in self.active)


class AccessMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.clock = time_machine.travel(NOW, tick=False)
        self.clock.start()
        self.tree = Tree()
        self.users = {name: get_user_model().objects.create_user(name) for name in NAMES}
        self.users["eva"].user_permissions.add(Permission.objects.get(codename="view_all"))
        self.names = {user.pk: name for name, user in self.users.items()}

    def teardown(self) -> None:
        self.clock.stop()
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    def ids(self, names: set[str]) -> list[int]:
        return [self.users[name].pk for name in names if name in self.users]

    def known(self, names: set[str]) -> set[str]:
        return {name for name in names if name in self.users}

    def one(self, rows, number: int):
        rows = list(rows)
        return rows[number % len(rows)]

    def has_teams(self) -> bool:
        return bool(self.tree.parents)

    # --- What happens -------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        for name in [*NAMES, None]:
            self.create_lead(name)
        self.create_team(0, {"anna", "ben"}, {"dev"})

    @rule(owner=st.none() | st.sampled_from(NAMES))
    def create_lead(self, owner: str | None) -> None:
        owner = owner if owner in self.users else None
        lead = Restaurant.objects.create(name="Bistro", assigned_to=self.users.get(owner))
        Contact.objects.create(restaurant=lead, name="Bistro's cook")
        Interaction.log(lead=lead, interaction_type="CALL", date=YESTERDAY, order_placed=True)
        CallPlan.objects.create(lead=lead, frequency="DAILY", next_call_date=YESTERDAY)
        self.tree.owners[lead.pk] = self.tree.first_owners[lead.pk] = owner

    @rule(parent=numbers, members=few, managers=few)
    def create_team(self, parent: int, members: set[str], managers: set[str]) -> None:
        above = self.one([None, *self.tree.parents], parent)
        people = {"members": self.ids(members), "managers": self.ids(managers)}
        team = Team.establish(name="Team", parent_id=above, **people)
        self.tree.parents[team.pk] = above
        self.tree.members[team.pk], self.tree.managers[team.pk] = self.known(members), self.known(managers)

    @precondition(has_teams)
    @rule(team=numbers, members=few, managers=st.none() | few)
    def change_people(self, team: int, members: set[str], managers: set[str] | None) -> None:
        pk = self.one(self.tree.parents, team)
        given = {"members": members} if managers is None else {"members": members, "managers": managers}
        Team.objects.get(pk=pk).edit(**{name: self.ids(people) for name, people in given.items()})
        for name, people in given.items():
            getattr(self.tree, name)[pk] = self.known(people)

    @precondition(has_teams)
    @rule(team=numbers, parent=numbers)
    def move_team(self, team: int, parent: int) -> None:
        pk, above = self.one(self.tree.parents, team), self.one([None, *self.tree.parents], parent)
        if self.tree.is_below(above, pk):
            with pytest.raises(ValidationError), transaction.atomic():
                Team.objects.get(pk=pk).edit(parent=above)
        else:
            Team.objects.get(pk=pk).edit(parent=above)
            self.tree.parents[pk] = above

    @precondition(has_teams)
    @rule(team=numbers)
    def delete_team(self, team: int) -> None:
        pk = self.one(self.tree.parents, team)
        if pk in self.tree.parents.values():
            with pytest.raises(ProtectedError), transaction.atomic():
                Team.objects.get(pk=pk).delete()
            return
        Team.objects.get(pk=pk).delete()
        for table in (self.tree.parents, self.tree.members, self.tree.managers):
            del table[pk]

    @rule(of=st.none() | st.sampled_from(NAMES), to=st.sampled_from(NAMES))
    def hand_over(self, of: str | None, to: str) -> None:
        if to not in self.users or (of and of not in self.users):
            return
        giver = self.users[of].pk if of else None
        if of == to or not self.tree.active[to]:
            with pytest.raises(ValidationError), transaction.atomic():
                Restaurant.objects.hand_over(giver, self.users[to].pk)
            return
        moved = Restaurant.objects.hand_over(giver, self.users[to].pk)
        self.tree.owners |= dict.fromkeys(moved, to)

    @rule(lead=numbers, to=st.none() | st.sampled_from(NAMES))
    def assign(self, lead: int, to: str | None) -> None:
        pk, to = self.one(self.tree.owners, lead), to if to in self.users else None
        Restaurant.objects.get(pk=pk).edit(assigned_to=self.users.get(to))
        self.tree.owners[pk] = to

    @rule(name=st.sampled_from(NAMES), active=st.booleans())
    def set_active(self, name: str, active: bool) -> None:
        if name in self.users:
            self.users[name].is_active = self.tree.active[name] = active
            self.users[name].save()

    @rule(name=st.sampled_from(NAMES[1:4]))
    def delete_user(self, name: str) -> None:
        if len(self.users) > 3 and name in self.users:
            self.users.pop(name).delete()
            del self.tree.active[name]
            for people in [*self.tree.members.values(), *self.tree.managers.values()]:
                people.discard(name)
            self.tree.owners = {lead: owner if owner != name else None for lead, owner in self.tree.owners.items()}

    # --- What is seen -------------------------------------------------------------------------

    @invariant()
    def rows_follow_their_lead(self) -> None:
        for mode in ("team", "own"):
            with override_settings(ACCESS=mode):
                for name, user in self.users.items():
                    seen = set(Restaurant.objects.visible_to(user).values_list("pk", flat=True))
                    assert seen == self.tree.leads_of(name, mode), (mode, name)

    @rule(name=st.sampled_from(NAMES), mode=modes)
    def every_answer_agrees(self, name: str, mode: str) -> None:
        if not self.tree.active.get(name):
            return
        client, leads = client_of(self.users[name]), self.tree.leads_of(name, mode)
        with override_settings(ACCESS=mode):
            for path in LISTS:
                rows = client.get(path).json()
                assert {row.get("lead", row.get("restaurant", row["id"])) for row in rows} == leads, path
                found = client.get(f"{path}?search=bistro&page_size=1")
                assert found["X-Total-Count"] == str(len(leads)) == str(len(rows)), path
            for owner in [None, *NAMES]:
                mine = {lead for lead in leads if self.tree.owners[lead] == owner}
                pk = self.users[owner].pk if owner in self.users else 10**9
                if owner:
                    assert {row["id"] for row in client.get(f"/lead/restaurants/?assigned_to={pk}").json()} == mine
                    self.check_agenda(client, name, owner, pk, mode)
            none = client.get("/lead/restaurants/?assigned_to=none").json()
            assert {row["id"] for row in none} == leads & self.tree.unattended()
            for path, column in ("/call/adherence/", "missed"), ("/track/performance/", "touches"):
                shown = {
                    self.names.get(row["owner"]) or row.get("former_owner"): row[column]
                    for row in client.get(path + PERIOD).json()
                }
                assert shown == self.tree.figures_for(name), path
            for model in (StatusChange, OwnerChange, CallEvent, OrderDetails):
                visible = model.objects.visible_to(self.users[name])
                lead = model.owner_path.rpartition("__")[0]
                assert set(visible.values_list(lead, flat=True)) <= leads

    def check_agenda(self, client, viewer: str, owner: str, pk: int, mode: str) -> None:
        agenda = client.get(f"/call/agenda/?owner={pk}").json()
        shown = {part: {entry["lead"]["id"] for entry in agenda[part]} for part in ("overdue", "unattended")}
        leads = self.tree.leads_of(viewer, mode)
        looked_after = self.tree.leads_of(owner, mode) if self.tree.sees(viewer, owner, mode) else set()
        assert shown == {
            "overdue": {lead for lead in leads if self.tree.owners[lead] == owner},
            "unattended": leads & looked_after & self.tree.unattended(),
        }
        assert agenda["today"] == agenda["upcoming"] == agenda["unplanned"] == []


def test_what_everybody_sees_agrees_with_the_tree(db):
    run_state_machine_as_test(
        AccessMachine,
        settings=settings(
            max_examples=6,
            stateful_step_count=14,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
