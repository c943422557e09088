"""Durations and pipeline agree with a diary, which is written half-day by half-day, whatever happens to the leads."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from statistics import median

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.db import transaction
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from crm.tests.rows import Cast
from crm.tests.support import client_of
from lead.models import LeadStatus, LostReason, Restaurant
from lead.owners import Owners

START = datetime(2024, 2, 26, tzinfo=UTC)  # over a leap day
HALF_DAY, SECOND = timedelta(hours=12), timedelta(seconds=1)
FORWARD = LeadStatus.values[:5]

numbers = st.integers(0, 2)
statuses = st.sampled_from(["NEW", "CONTACTED", "NEGOTIATING", "LOST"])  # few, so that some are entered again
owners = st.integers(0, 2)


@dataclass
class Move:
    """What the diary says of a move, or of a creation, whose `old` is None."""

    day: date
    old: str | None
    new: str
    owner: int | None
    reason: str = ""
    half_days: int = 0  # in the status that was left


@dataclass
class ModelLead:
    status: str
    owner: int | None
    half_days: Counter = field(default_factory=Counter)  # by status
    stay: int = 0  # half-days in the present status
    moves: list[Move] = field(default_factory=list)


class Business:
    """Some leads, what happens to them, and the diary of it."""

    def __init__(self) -> None:
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.clock = time_machine.travel(START, tick=False)
        self.traveller = self.clock.start()
        self.now = START
        users = get_user_model().objects
        self.owners = [None, users.create_user("asha").pk, users.create_user("ben").pk]
        self.api = client_of(users.get(username="asha"))
        self.models: dict[int, ModelLead] = {}

    def close(self) -> None:
        self.clock.stop()
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    def go_on(self, by: timedelta) -> None:
        self.now += by
        self.traveller.move_to(self.now)

    def one(self, number: int) -> tuple[Restaurant, ModelLead]:
        pk, model = list(self.models.items())[number % len(self.models)]
        return Restaurant.objects.get(pk=pk), model

    def create(self, status, owner):
        self.go_on(SECOND)
        lead = Restaurant.objects.create(name="Bistro", lead_status=status, assigned_to_id=self.owners[owner])
        creation = Move(self.now.date(), None, status, self.owners[owner])
        self.models[lead.pk] = ModelLead(status, self.owners[owner], moves=[creation])

    def move(self, number, status, reason):
        self.go_on(SECOND)
        lead, model = self.one(number)
        reason = reason if status == "LOST" else ""
        if lead.change_status(status, reason=reason):
            model.moves.append(Move(self.now.date(), model.status, status, model.owner, reason, model.stay))
            model.status, model.stay = status, 0

    def give(self, number, owner):
        self.go_on(SECOND)
        lead, model = self.one(number)
        lead.edit(assigned_to=self.owners[owner])
        model.owner = self.owners[owner]

    def delete(self, number):
        if len(self.models) == 1:
            return
        lead, _ = self.one(number)
        del self.models[lead.pk]
        lead.delete()

    def wait(self, half_days):
        self.go_on(half_days * HALF_DAY)
        for model in self.models.values():
            model.half_days[model.status] += half_days
            model.stay += half_days

    # --- Comparisons --------------------------------------------------------------------------

    def compare(self, first, length):
        for number in range(len(self.models)):
            self.compare_durations(number)
            self.compare_owners(number)
        for owner in range(3):
            self.compare_pipeline(first, length, owner)

    def compare_durations(self, number):
        lead, model = self.one(number)
        rows = self.api.get(f"/lead/restaurants/{lead.pk}/durations/").json()
        assert [(row["status"], row["days"], row["entered"]) for row in rows] == [
            (status, model.half_days[status] / 2, sum(move.new == status for move in model.moves))
            for status in LeadStatus.values
        ]
        assert [row["status"] for row in rows if row["since"]] == [model.status]

    def compare_pipeline(self, first, length, owner):
        days = [START.date() + timedelta(days=first), START.date() + timedelta(days=first + length)]
        query = {"from": days[0], "to": days[1]} | ({"owner": self.owners[owner]} if owner else {})
        chosen = None if owner == 0 else self.owners[owner]
        moves = [
            move
            for model in self.models.values()
            for move in model.moves
            if days[0] <= move.day <= days[1] and (chosen is None or move.owner == chosen)
        ]
        assert self.api.get("/lead/pipeline/", query).json() == [
            self.expected(status, moves, chosen) for status in LeadStatus.values
        ]

    def expected(self, status: str, moves: list[Move], owner: int | None) -> dict:
        present = [model for model in self.models.values() if owner is None or model.owner == owner]
        left = [move for move in moves if move.old == status]
        lost = Counter(move.reason or "UNKNOWN" for move in left if move.new == "LOST")
        forward = [
            move for move in left if move.new in FORWARD and FORWARD.index(move.new) > LeadStatus.values.index(status)
        ]
        return {
            "status": status,
            "now": sum(model.status == status for model in present),
            "entered": sum(move.new == status for move in moves),
            "created": sum(move.old is None and move.new == status for move in moves),
            "left": len(left),
            "to": {other: sum(move.new == other for move in left) for other in LeadStatus.values},
            "lost_reasons": {reason: lost[reason] for reason in [*LostReason.values, "UNKNOWN"]},
            "median_days": median(move.half_days / 2 for move in left) if left else None,
            "conversion": round(len(forward) / len(left), 4) if left and status in FORWARD[:4] else None,
        }

    def compare_owners(self, number):
        lead, model = self.one(number)
        owners = Owners.of([lead.pk])
        history = {move.created_at: move for move in lead.status_changes.all()}
        moments = [lead.created_at, *sorted(history)]
        assert [owners.at(lead.pk, moment).id for moment in moments] == [move.owner for move in model.moves]


actions = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 7)),
        st.tuples(st.just("move"), numbers, statuses, st.sampled_from(["", "PRICE", "OTHER"])),
        st.tuples(st.just("move"), numbers, statuses, st.just("")),
        st.tuples(st.just("give"), numbers, owners),
        st.tuples(st.just("create"), statuses, owners),
        st.tuples(st.just("delete"), numbers),
    ),
    min_size=15,
    max_size=30,
)


@pytest.mark.django_db
@settings(max_examples=14, deadline=None, derandomize=True, phases=[Phase.generate])
@given(actions, st.sampled_from([0, 0, 3, 8]), st.sampled_from([5, 12, 90]))
def test_durations_and_pipeline_agree_with_a_diary(actions, first, length):
    business = Business()
    try:
        business.create("NEW", 1)
        business.create("CONTACTED", 2)
        for name, *values in actions:
            getattr(business, name)(*values)
        business.compare(first, length)
    finally:
        business.close()


@pytest.mark.parametrize(
    ("person", "moves"), [("owner", 1), ("above", 1), ("view_all", 1), ("teammate", 0), ("beside", 0), ("outsider", 1)]
)
def test_moves_stay_with_their_owner_where_a_lead_was_given_away(person, moves, db, settings):
    """To the outsider, who sees the lead with its history now; in reports one sees the own row and those of managed."""
    settings.ACCESS = "own"
    cast = Cast.create()
    owner = cast.users["owner"]
    lead = Restaurant.objects.create(name="Cafe Blau", assigned_to=owner)
    lead.change_status("NEGOTIATING")
    lead.edit(assigned_to=cast.users["outsider"])
    rows = client_of(cast.users[person]).get(f"/lead/pipeline/?owner={owner.pk}").json()
    shown = {row["status"]: row for row in rows}
    assert (shown["NEW"]["left"], shown["NEGOTIATING"]["entered"], shown["NEGOTIATING"]["now"]) == (moves, moves, 0)


def test_moves_stay_with_the_owner_of_a_lead_that_was_merged(api, user, django_user_model):
    other = django_user_model.objects.create_user("asha")
    ours, theirs, third = (
        Restaurant.objects.create(name=name, assigned_to=owner)
        for name, owner in {"Bistro Anna": user, "Bistro Ana": other, "Cafe Blau": user}.items()
    )
    theirs.change_status("NEGOTIATING")
    third.change_status("LOST")
    ours.change_status("CONTACTED")

    def left() -> list[dict]:
        rows = [api.get(f"/lead/pipeline/?owner={owner.pk}").json()[0] for owner in (user, other)]
        return [{status: count for status, count in row["to"].items() if count} for row in rows]

    before = left()
    assert before == [{"CONTACTED": 1, "LOST": 1}, {"NEGOTIATING": 1}]
    ours.merge(theirs.pk)
    assert left() == before
    ours.change_status("LOST")
    assert left() == before
    ours.unmerge(theirs.pk)
    assert left() == before
