"""Whatever happens to plans, in whatever order: their dates are what a simple model computes."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import prefetch_related_objects
from holidays import country_holidays
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from call.models import CallPlan, WorkProfile
from lead.models import Restaurant
from track.models import Interaction

START = datetime(2024, 1, 29, 9, 30, tzinfo=UTC)  # month ends, a leap day and both changes of the clocks lie ahead
ZONES = ["UTC", "Asia/Kolkata", "America/New_York", "Europe/Berlin", "Pacific/Kiritimati"]
TOUCHES = {"CALL", "VISIT", "MEETING"}
INDIAN = set(country_holidays("IN", years=range(2024, 2033)))

frequencies = st.sampled_from(["DAILY", "WEEKLY", "BIWEEKLY", "MONTHLY"])
plan_numbers = st.integers(0, 1)
minutes_back = st.integers(-30 * 60, 60 * 24 * 60)  # from 30 hours ahead to two months ago
minutes_ahead = st.integers(1, 60 * 24 * 60)


class ModelPlan:
    """What ought to be: all that happened, in the order in which it was recorded, computed again each time."""

    def __init__(self, made: datetime, frequency: str, override: datetime | None) -> None:
        self.made, self.frequency, self.override, self.entries, self.paused = made, frequency, override, [], False

    def dates(self, owner: dict) -> tuple[datetime | None, datetime, bool]:
        """`last_called`, `next_call_date`, and whether the latter is computed."""
        zone = ZoneInfo(owner["zone"])
        called, decided, frequency, computed = None, None, self.frequency, True
        anchor, due = self.from_day(self.made.astimezone(zone).date(), frequency, owner)
        if self.override:
            anchor = due = self.override
            decided, computed = self.made, False
        for entry in self.entries:
            kind, moment = entry["kind"], entry["moment"]
            if kind == "touch" and (called is None or moment > called or (entry["on_plan"] and moment == called)):
                called = anchor = moment
                if entry["on_plan"] or decided is None or moment >= decided:
                    due, decided, computed = self.nth_after(anchor, frequency, owner, moment), None, True
            elif kind == "patch":
                frequency, computed = entry.get("frequency", frequency), False
                due, decided = entry["due"], moment
                called = entry.get("called", called)
                anchor = called or due
            elif kind == "snooze":
                due, decided, computed = entry["due"], moment, False
                anchor = called or anchor
            elif kind == "skip":
                due, decided, computed = self.nth_after(anchor, frequency, owner, due), moment, True
            elif kind == "frequency":
                frequency, decided, computed = entry["frequency"], None, True
                if called:
                    anchor, due = called, self.nth_after(called, frequency, owner, called)
                else:
                    anchor, due = self.from_day(moment.astimezone(zone).date(), frequency, owner)
        return called, due, computed

    def from_day(self, day: date, frequency: str, owner: dict) -> tuple[datetime, datetime]:
        zone = ZoneInfo(owner["zone"])
        due = working(step(day, frequency, 1), owner)
        return tuple(datetime.combine(each, time(), zone).astimezone(UTC) for each in (day, due))

    def nth_after(self, anchor: datetime, frequency: str, owner: dict, after: datetime) -> datetime:
        local = anchor.astimezone(ZoneInfo(owner["zone"]))
        for number in range(1, 5000):
            day = working(step(local.date(), frequency, number), owner)
            due = datetime.combine(day, local.time(), local.tzinfo).astimezone(UTC)
            if due > after:
                return due
        raise AssertionError("no date")


@cache
def step(day: date, frequency: str, times: int) -> date:
    """The calendar walked a day at a time; a month's step ends where the month has no such day."""
    if frequency == "MONTHLY":
        first = day.replace(day=1)
        for _ in range(times):
            first += timedelta(days=monthrange(first.year, first.month)[1])
        return first.replace(day=min(day.day, monthrange(first.year, first.month)[1]))
    for _ in range({"DAILY": 1, "WEEKLY": 7, "BIWEEKLY": 14}[frequency] * times):
        day += timedelta(days=1)
    return day


def day_off(day: date, owner: dict) -> bool:
    is_leave = any(first <= day <= last for first, last in owner["leave"])
    return day.isoweekday() not in owner["days"] or is_leave or (owner["country"] == "IN" and day in INDIAN)


def working(day: date, owner: dict) -> date:
    while day_off(day, owner):
        day += timedelta(days=1)
    return day


class PlanMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.now = START
        self.clock = time_machine.travel(self.now, tick=False)
        self.traveller = self.clock.start()

    def teardown(self) -> None:
        self.clock.stop()
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @initialize(first=frequencies, second=frequencies, override=st.none() | minutes_ahead)
    def make(self, first, second, override):
        users = [get_user_model().objects.create(username=name) for name in ("anna", "ben")]
        self.users = users
        self.owners = [{"zone": "UTC", "days": set(range(1, 8)), "leave": [], "country": ""} for _ in users]
        self.owner = 0
        self.lead = Restaurant.objects.create(name="Bistro", assigned_to=users[0])
        self.touches: dict[int, dict] = {}
        self.models, self.plans = [], []
        for frequency, due in ((first, None), (second, override and self.now + timedelta(minutes=override))):
            plan = CallPlan.objects.create(lead=self.lead, frequency=frequency, next_call_date=due)
            self.plans.append(plan.pk)
            self.models.append(ModelPlan(self.now, frequency, due))

    def plan(self, number: int) -> CallPlan:
        return CallPlan.objects.get(pk=self.plans[number])

    def add_entry(self, number: int, kind: str, **entry) -> dict:
        entry = {"kind": kind, "moment": self.now, **entry}
        self.models[number].entries.append(entry)
        return entry

    def counts(self, number: int, kind: str, moment: datetime) -> bool:
        return kind in TOUCHES and self.models[number].made <= moment <= self.now + timedelta(days=1)

    @rule(minutes=st.integers(1, 60 * 24 * 9))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)
        self.traveller.move_to(self.now)

    @rule(kind=st.sampled_from(["CALL", "VISIT", "MEETING", "EMAIL"]), back=minutes_back)
    def log_touch(self, kind, back):
        moment = self.now - timedelta(minutes=back)
        before = [self.plan(number) for number in range(len(self.models))]
        interaction = Interaction.log(lead=self.lead, interaction_type=kind, date=moment)
        entries = {}
        for number, model in enumerate(self.models):
            if before[number].last_called and moment <= before[number].last_called:
                assert self.plan(number).next_call_date == before[number].next_call_date
            if self.counts(number, kind, moment) and not model.paused:
                entries[number] = self.add_entry(number, "touch", moment=moment, on_plan=False)
        self.touches[interaction.pk] = entries

    @precondition(lambda self: self.touches)
    @rule(data=st.data(), kind=st.sampled_from(["CALL", "VISIT", "EMAIL"]), back=minutes_back)
    def edit_touch(self, data, kind, back):
        pk = data.draw(st.sampled_from(sorted(self.touches)))
        moment = self.now - timedelta(minutes=back)
        interaction = Interaction.objects.get(pk=pk)
        if touch_stays(interaction, kind, moment):
            return
        interaction.edit(interaction_type=kind, date=moment)
        for number, model in enumerate(self.models):
            entry = self.touches[pk].get(number)
            if entry and self.counts(number, kind, moment):
                entry["moment"] = moment
            elif entry:
                model.entries = [other for other in model.entries if other is not entry]
                del self.touches[pk][number]
            elif self.counts(number, kind, moment) and not model.paused:
                self.touches[pk][number] = self.add_entry(number, "touch", moment=moment, on_plan=False)

    @precondition(lambda self: self.touches)
    @rule(data=st.data())
    def delete_touch(self, data):
        pk = data.draw(st.sampled_from(sorted(self.touches)))
        Interaction.objects.get(pk=pk).delete()
        for number, entry in self.touches.pop(pk).items():
            self.models[number].entries = [other for other in self.models[number].entries if other is not entry]

    @rule(number=plan_numbers, back=st.integers(-600, 60 * 24 * 60))
    def record_call(self, number, back):
        moment = self.now - timedelta(minutes=back)
        self.plan(number).record_call(moment)
        self.add_entry(number, "touch", moment=moment, on_plan=True)

    @rule(number=plan_numbers, outcome=st.sampled_from(["REACHED", "NO_ANSWER"]))
    def record_outcome(self, number, outcome):
        self.plan(number).record_call(self.now, outcome=outcome)
        if outcome == "REACHED":
            self.add_entry(number, "touch", on_plan=True)
            if not self.models[1 - number].paused:
                self.add_entry(1 - number, "touch", on_plan=False)

    @rule(number=plan_numbers, ahead=minutes_ahead)
    def patch_next(self, number, ahead):
        due = self.now + timedelta(minutes=ahead)
        if self.plan(number).edit(next_call_date=due):
            self.add_entry(number, "patch", due=due)

    @rule(number=plan_numbers, back=st.none() | st.integers(0, 60 * 24 * 60))
    def patch_last(self, number, back):
        called = None if back is None else self.now - timedelta(minutes=back)
        plan = self.plan(number)
        if plan.edit(last_called=called):
            self.add_entry(number, "patch", due=plan.next_call_date, called=called)

    @rule(number=plan_numbers, frequency=frequencies)
    def patch_frequency(self, number, frequency):
        plan = self.plan(number)
        if plan.edit(frequency=frequency):
            self.add_entry(number, "patch", due=plan.next_call_date, frequency=frequency)

    @rule(number=plan_numbers, frequency=frequencies)
    def set_frequency(self, number, frequency):
        self.plan(number).set_frequency(frequency)
        self.add_entry(number, "frequency", frequency=frequency)

    @rule(number=plan_numbers, ahead=minutes_ahead)
    def snooze(self, number, ahead):
        due = self.now + timedelta(minutes=ahead)
        self.plan(number).snooze(due)
        self.add_entry(number, "snooze", due=due)

    @rule(number=plan_numbers)
    def skip(self, number):
        self.plan(number).skip()
        self.add_entry(number, "skip")

    @rule(number=plan_numbers, paused=st.booleans())
    def pause_or_resume(self, number, paused):
        plan = self.plan(number)
        assert (plan.pause() if paused else plan.resume()) == (self.models[number].paused != paused)
        self.models[number].paused = paused

    @rule(
        zone=st.sampled_from(ZONES),
        days=st.sets(st.integers(1, 7), min_size=1),
        leave=st.none() | st.tuples(st.integers(-5, 40), st.integers(0, 20)),
        country=st.sampled_from(["", "IN"]),
    )
    def change_profile(self, zone, days, leave, country):
        first = leave and self.now.date() + timedelta(days=leave[0])
        periods = [(first, first + timedelta(days=leave[1]))] if leave else []
        self.owners[self.owner] = {"zone": zone, "days": days, "leave": periods, "country": country}
        profile = WorkProfile.objects.get_or_create(user=self.users[self.owner])[0]
        profile.edit(
            time_zone=zone,
            working_days=sorted(days),
            country=country,
            leave=[{"from": str(start), "to": str(end)} for start, end in periods],
        )

    @rule()
    def hand_over(self):
        self.owner = 1 - self.owner
        Restaurant.objects.get(pk=self.lead.pk).edit(assigned_to=self.users[self.owner])

    @invariant()
    def dates_are_the_models(self):
        if not hasattr(self, "plans"):
            return
        owner = self.owners[self.owner]
        plans = CallPlan.objects.filter(pk__in=self.plans).lock_with_calendars()
        prefetch_related_objects(plans, "events")
        for plan, model in zip(plans, self.models, strict=True):
            called, due, computed = model.dates(owner)
            assert (plan.last_called, plan.next_call_date) == (called, due)
            assert not computed or not day_off(due.astimezone(ZoneInfo(owner["zone"])).date(), owner)
            plan.replay(plan.events.all())
            assert (plan.last_called, plan.next_call_date) == (called, due)
            kinds = [event.kind for event in plan.events.all()]
            assert kinds.count("CORRECTED") == sum(event.withdrawn for event in plan.events.all())


def touch_stays(interaction: Interaction, kind: str, moment: datetime) -> bool:
    """An edit that leaves the touch as it was sends no signal."""
    was, is_now = interaction.interaction_type in TOUCHES, kind in TOUCHES
    return was == is_now and (not was or interaction.date == moment)


@pytest.mark.django_db
@pytest.mark.parametrize("part", range(2))
def test_dates_agree_with_a_simple_model_of_all_that_happened(part):
    machine = type(f"PlanMachine{part}", (PlanMachine,), {})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=settings.default.max_examples // 4,
            stateful_step_count=40,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
