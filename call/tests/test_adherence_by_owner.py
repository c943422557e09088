"""Adherence by the owner at that time, against an oracle that writes down what is planned before each thing happens."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth import get_user_model

from call.adherence import adherence
from call.models import CallPlan, WorkProfile
from crm import dates
from crm.tests.support import client_of
from lead.models import Restaurant

START = datetime(2025, 11, 3, 6, tzinfo=UTC)
ZONES = {"a": "Asia/Kolkata", "b": "America/New_York", "c": "UTC", "d": "Pacific/Auckland"}
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


@pytest.fixture
def clock(db):
    with time_machine.travel(START, tick=False) as clock:
        yield clock


@pytest.fixture
def ben(db):
    return get_user_model().objects.create_user("ben")


def rows(client, first, last):
    return client.get(f"/call/adherence/?from={first}&to={last}").json()


def test_a_missed_call_stays_with_the_owner_who_missed_it(clock, user, ben, lead):
    CallPlan.objects.create(lead=lead, frequency="WEEKLY")  # due on 10 November
    clock.move_to("2025-12-01T12:00:00Z")
    Restaurant.objects.hand_over(user.pk, ben.pk)
    clock.move_to("2025-12-05T12:00:00Z")
    (november,) = rows(client_of(ben), "2025-11-01", "2025-11-30")
    assert (november["owner"], november["planned"], november["missed"]) == (user.pk, 1, 1)
    Restaurant.objects.filter(pk=lead.pk).update(assigned_to=None)
    user.delete()
    (november,) = rows(client_of(ben), "2025-11-01", "2025-11-30")
    assert (november["owner"], november["former_owner"], november["missed"]) == (None, "kam", 1)
    assert list(november)[-1] == "former_owner"


def test_a_merge_moves_no_missed_call_to_another_owner(clock, user, ben, lead):
    """Of a plan that came with the other lead, and of lines that came with its plan of the same frequency."""
    other = Restaurant.objects.create(name="Bistro Ana", assigned_to=ben)
    CallPlan.objects.create(lead=lead, frequency="WEEKLY")
    for frequency in ("WEEKLY", "MONTHLY"):
        CallPlan.objects.create(lead=other, frequency=frequency, next_call_date=START + timedelta(days=3)).skip()
    clock.move_to("2025-12-01T12:00:00Z")
    period = ("2025-11-01", "2025-11-08")
    before = rows(client_of(user), *period)
    assert [(row["owner"], row["planned"], row["skipped"]) for row in before] == [(ben.pk, 2, 2)]
    lead.merge(other.pk)
    assert rows(client_of(user), *period) == before


def test_a_date_that_moves_with_the_owners_zone_is_one_occurrence(clock, user, ben, lead):
    WorkProfile.objects.create(user=user, time_zone="Europe/Berlin", working_days=EVERY_DAY)
    WorkProfile.objects.create(user=ben, time_zone="Asia/Kolkata", working_days=EVERY_DAY)
    plan = CallPlan.objects.create(lead=lead, frequency="WEEKLY")
    plan.edit(frequency="DAILY")  # a line of the log; the date stays
    clock.move_to("2025-11-05T12:00:00Z")
    lead.edit(assigned_to=ben)
    clock.move_to("2025-11-20T12:00:00Z")
    assert [(row["owner"], row["planned"]) for row in rows(client_of(ben), "2025-11-01", "2025-11-19")] == [(ben.pk, 1)]


@dataclass
class Planned:
    moment: datetime
    owner: str | None  # on whose calendar it was computed
    called: datetime | None = None


class Diary:
    """What a plan's user would write down: whose the lead is, and what became of each planned date.

    With a user goes the work profile: dates of deleted users are those of the server's zone.
    """

    def __init__(self, plan: CallPlan, owner: str | None) -> None:
        self.plan, self.owner = plan, owner
        self.owners = [(START - timedelta(days=1), owner)]
        self.done: list[Planned] = []

    def now_planned(self) -> Planned:
        self.plan.refresh_from_db()
        return Planned(self.plan.next_call_date, self.owner)

    def call(self) -> None:
        planned = self.now_planned()
        planned.called = dates.now()
        self.plan.record_call(dates.now())
        self.done.append(planned)

    def owned_by(self, owner: str | None) -> None:
        self.owner = owner
        self.owners.append((dates.now(), owner))

    def counts(self, first: date, last: date, users: Iterable[str]) -> dict[str | None, Counter]:
        """Day by day: what was planned for it, whose it was, and whether a call came by it."""
        counts: dict[str | None, Counter] = defaultdict(Counter)
        zones = {name: ZoneInfo(ZONES[name] if name in users else "UTC") for name in (None, *ZONES)}
        for step in range((last - first).days + 1):
            day = first + timedelta(days=step)
            everything = [*self.done, self.now_planned()]
            planned = [each for each in everything if each.moment.astimezone(zones[each.owner]).date() == day]
            if not planned:
                continue
            owner = [owner for since, owner in self.owners if since <= planned[-1].moment][-1]
            zone, called = zones[planned[-1].owner], planned[0].called
            end = min(last, dates.now().astimezone(zone).date())
            if called and called.astimezone(zone).date() <= day:
                counts[owner]["on_time"] += 1
            elif called and called.astimezone(zone).date() <= end:
                counts[owner]["late"] += 1
            elif day <= end:
                counts[owner]["missed"] += 1
        return counts


@pytest.mark.parametrize("seed", range(6))
def test_adherence_agrees_with_the_diaries(seed, clock):
    random = Random(seed)
    users = {name: get_user_model().objects.create_user(name) for name in ZONES}
    for name, user in users.items():
        WorkProfile.objects.create(user=user, time_zone=ZONES[name], working_days=EVERY_DAY)
    diaries = []
    for _ in range(5):
        owner = random.choice([None, *users])
        lead = Restaurant.objects.create(name="A", assigned_to=users.get(owner))
        plan = CallPlan.objects.create(lead=lead, frequency=random.choice(["DAILY", "DAILY", "WEEKLY"]))
        diaries.append(Diary(plan, owner))
    for _ in range(14):
        clock.shift(timedelta(hours=random.choice([1, 5, 9, 14, 30])))
        match random.randrange(7):
            case 0 if len(users) > 2 and random.random() < 0.5:
                name = random.choice(list(users))
                users.pop(name).delete()
                for diary in diaries:
                    if diary.owner == name:
                        diary.owned_by(None)
            case 0 | 1 | 2:
                diary, to = random.choice(diaries), random.choice([None, *users])
                Restaurant.objects.get(pk=diary.plan.lead_id).edit(assigned_to=users.get(to))
                diary.owned_by(to)
            case _:
                random.choice(diaries).call()
    names = {user.pk: name for name, user in users.items()}
    for first, days in (date(2025, 11, 3), 30), (date(2025, 11, 5), 0), (date(2025, 11, 6), 3), (date(2025, 11, 4), 6):
        last = first + timedelta(days=days)
        expected: dict[str | None, Counter] = defaultdict(Counter)
        for diary in diaries:
            for owner, counts in diary.counts(first, last, users).items():
                expected[owner] += counts
        shown = {
            names.get(row["owner"], row.get("former_owner")): Counter(
                {name: row[name] for name in ("on_time", "late", "missed") if row[name]}
            )
            for row in adherence(first, last)
        }
        assert shown == dict(expected), (first, last)
