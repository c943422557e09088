"""Durations and pipeline agree with a diary, which is written half-day by half-day, whatever happens to the leads."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from statistics import median

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from crm.tests.support import client_of
from lead.models import LeadStatus, LostReason, Restaurant
from lead.owners import Owners

START = datetime(2024, 2, 26, tzinfo=UTC)  # over a leap day
HALF_DAY, SECOND = timedelta(hours=12), timedelta(seconds=1)
FORWARD = LeadStatus.values[:5]

numbers = st.integers(0, 4)
statuses = st.sampled_from(LeadStatus.values)
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


class PipelineMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.clock = time_machine.travel(START, tick=False)
        self.traveller = self.clock.start()
        self.now = START
        users = get_user_model().objects
        self.owners = [None, users.create_user("asha").pk, users.create_user("ben").pk]
        self.api = client_of(users.get(username="asha"))
        self.models: dict[int, ModelLead] = {}

    def teardown(self) -> None:
        self.clock.stop()
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    def go_on(self, by: timedelta) -> None:
        self.now += by
        self.traveller.move_to(self.now)

    def one(self, number: int) -> tuple[Restaurant, ModelLead]:
        pk, model = list(self.models.items())[number % len(self.models)]
        return Restaurant.objects.get(pk=pk), model

    def has_leads(self) -> bool:
        return bool(self.models)

    @precondition(lambda self: len(self.models) < 5)
    @rule(status=statuses, owner=owners)
    def create(self, status, owner):
        self.go_on(SECOND)
        lead = Restaurant.objects.create(name="Bistro", lead_status=status, assigned_to_id=self.owners[owner])
        creation = Move(self.now.date(), None, status, self.owners[owner])
        self.models[lead.pk] = ModelLead(status, self.owners[owner], moves=[creation])

    @precondition(has_leads)
    @rule(number=numbers, status=statuses, reason=st.sampled_from(["", *LostReason.values]))
    def move(self, number, status, reason):
        self.go_on(SECOND)
        lead, model = self.one(number)
        reason = reason if status == "LOST" else ""
        if lead.change_status(status, reason=reason):
            model.moves.append(Move(self.now.date(), model.status, status, model.owner, reason, model.stay))
            model.status, model.stay = status, 0

    @precondition(has_leads)
    @rule(number=numbers, owner=owners)
    def give(self, number, owner):
        self.go_on(SECOND)
        lead, model = self.one(number)
        lead.edit(assigned_to=self.owners[owner])
        model.owner = self.owners[owner]

    @precondition(lambda self: len(self.models) > 1)
    @rule(number=numbers)
    def delete(self, number):
        lead, _ = self.one(number)
        del self.models[lead.pk]
        lead.delete()

    @rule(half_days=st.integers(1, 7))
    def wait(self, half_days):
        self.go_on(half_days * HALF_DAY)
        for model in self.models.values():
            model.half_days[model.status] += half_days
            model.stay += half_days

    # --- What is asked ------------------------------------------------------------------------

    @precondition(has_leads)
    @rule(number=numbers)
    def ask_for_durations(self, number):
        lead, model = self.one(number)
        rows = self.api.get(f"/lead/restaurants/{lead.pk}/durations/").json()
        assert [(row["status"], row["days"], row["entered"]) for row in rows] == [
            (status, model.half_days[status] / 2, sum(move.new == status for move in model.moves))
            for status in LeadStatus.values
        ]
        assert [row["status"] for row in rows if row["since"]] == [model.status]

    @rule(first=st.integers(0, 12), length=st.integers(0, 20), owner=owners)
    def ask_for_pipeline(self, first, length, owner):
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

    @precondition(has_leads)
    @rule(number=numbers)
    def ask_for_owners(self, number):
        lead, model = self.one(number)
        owners = Owners.of([lead.pk])
        history = {move.created_at: move for move in lead.status_changes.all()}
        moments = [lead.created_at, *sorted(history)]
        assert [owners.at(lead.pk, moment).id for moment in moments] == [move.owner for move in model.moves]


@pytest.mark.django_db
def test_durations_and_pipeline_agree_with_a_diary():
    run_state_machine_as_test(
        PipelineMachine,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
