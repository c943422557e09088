"""Call plans: the rhythm in which a lead is called, and when the next call is due."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, Self
from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Q

from call import rhythm
from call.log import AHEAD, ATTEMPTS, CallEvent, Frequency, Outcome
from call.profiles import (
    FeedAddress,
    SentDigest,
    WorkProfile,
    calendar_of_lead,
    calendars_of_leads,
)
from call.schedule import WorkCalendar
from crm import dates
from crm.db.models import TimestampedModel, TimestampedQuerySet
from lead.models import LeadStatus, Restaurant
from track.models import Interaction, InteractionType
from track.touches import Touch, touch_of

__all__ = ["CallEvent", "CallPlan", "FeedAddress", "Frequency", "Outcome", "SentDigest", "WorkProfile"]

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
DATE_BOUNDS = [MinValueValidator(EARLIEST), MaxValueValidator(LATEST)]
BATCH = 1_000  # plans, with their logs, in memory


class CallPlanQuerySet(TimestampedQuerySet):
    def due_on(self, day: date, zone: ZoneInfo) -> Self:
        """The plans, unpaused, whose next call falls on the local `day` in `zone`, soonest first."""
        start, end = dates.bounds_of_day(day, zone)
        return self.unpaused().filter(next_call_date__gte=start, next_call_date__lt=end).by_date()

    def overdue_at(self, moment: datetime) -> Self:
        """The plans of leads not lost, unpaused, whose next call was due before `moment`, longest overdue first."""
        return self.unpaused().of_open_leads().filter(next_call_date__lt=moment).by_date()

    def due_between(self, start: datetime, end: datetime) -> Self:
        """The plans of leads not lost, unpaused, whose next call is due in [start, end), soonest first."""
        due = Q(next_call_date__gte=start, next_call_date__lt=end)
        return self.unpaused().of_open_leads().filter(due).by_date()

    def unpaused(self) -> Self:
        return self.filter(paused=False)

    def of_open_leads(self) -> Self:
        return self.exclude(lead__lead_status=LeadStatus.LOST)

    def by_date(self) -> Self:
        return self.order_by("next_call_date", "id")

    def lock(self) -> None:
        """Lock the plans in the order of their ids. Whoever locks several does: else two could wait for each other."""
        list(self.locked().order_by("id").values_list("pk"))

    def lock_with_calendars(self, limit: int | None = None) -> list["CallPlan"]:
        """The plans, locked in the order of their ids, each with the calendar that counts."""
        plans: list[Any] = list(self.locked().order_by("id")[:limit])
        calendars = calendars_of_leads({plan.lead_id for plan in plans}, self.locked().db)
        for plan in plans:
            plan.calendar = calendars[plan.lead_id]
        return plans

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """As Django's. Plans that have not begun begin, as saved ones do."""
        objs = list(objs)
        for plan in objs:
            if not plan.first_frequency:
                plan.begin(self.locked().db)
        return super().bulk_create(objs, *args, **kwargs)

    def recompute(self) -> None:
        """Reckon the dates anew from the log; those that somebody gave stand."""
        last = 0
        with transaction.atomic(using=self.locked().db, savepoint=False):
            while plans := self.filter(pk__gt=last).lock_with_calendars(BATCH):
                events = models.Prefetch("events", CallEvent.objects.using(self.locked().db))
                models.prefetch_related_objects(plans, events)
                for plan in plans:
                    plan.replay(plan.events.all())
                last = plans[-1].pk


class CallPlan(TimestampedModel):
    """A rhythm of calls to a lead. All instants are UTC; what a day is, the calendar of the lead's owner says.

    Beside the documented fields: `overridden_at`, until when touches no longer move the next call, because somebody has
    given its date or skipped; `anchor`, the start of the rhythm; `sequence`, which grows with every move; and how
    the plan began.
    """

    lead = models.ForeignKey(Restaurant, models.CASCADE, related_name="call_plans", db_index=False)
    frequency = models.CharField(max_length=10, choices=Frequency)
    last_called = models.DateTimeField(null=True, blank=True, validators=DATE_BOUNDS)
    next_call_date = models.DateTimeField(validators=DATE_BOUNDS)
    notes = models.TextField(max_length=20_000, blank=True)
    paused = models.BooleanField(default=False, editable=False)
    overridden_at = models.DateTimeField(null=True, editable=False)
    anchor = models.DateTimeField(null=True, editable=False)
    sequence = models.PositiveIntegerField(default=0, editable=False)
    first_frequency = models.CharField(max_length=10, choices=Frequency, editable=False)
    first_given = models.DateTimeField(null=True, editable=False)

    objects = CallPlanQuerySet.as_manager()

    class Meta(TimestampedModel.Meta):
        permissions = [("view_adherence", "Can see how planned calls were kept")]
        indexes = [
            models.Index(fields=["lead", "id"], name="call_plan_by_lead"),
            models.Index(fields=["next_call_date", "id"], name="call_plan_by_next_call"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(frequency__in=Frequency.values, first_frequency__in=Frequency.values),
                name="call_frequency_known",
            ),
            models.CheckConstraint(
                condition=Q(last_called__gte=EARLIEST, last_called__lte=LATEST), name="last_called_in_bounds"
            ),
            models.CheckConstraint(
                condition=Q(next_call_date__gte=EARLIEST, next_call_date__lte=LATEST), name="next_call_in_bounds"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.frequency} calls, next {self.next_call_date:%Y-%m-%d}"

    def lock(self) -> None:
        """As `TimestampedModel.lock`. The calendar from before the lock counts no longer."""
        super().lock()
        vars(self).pop("calendar", None)

    # --- Verbs --------------------------------------------------------------------------------

    def save(self, *args: Any, using: str | None = None, **kwargs: Any) -> None:
        """A new plan begins: without a date it gets its first one."""
        if self._state.adding:
            self.begin(using)
        super().save(*args, using=using, **kwargs)

    def begin(self, using: str | None = None) -> None:
        """Without a date the plan gets its first one; how it began is kept, for `replay`."""
        self.calendar = calendar_of_lead(self.lead_id, using or self.database)
        self.first_frequency, self.first_given = self.frequency, self.next_call_date
        state = rhythm.begin(self.beginning(), self.calendar)
        self.next_call_date, self.anchor = state.next_call_date, state.start
        self.overridden_at = state.overridden_at

    def edit(self, *, by=None, **changes: Any) -> list[str]:
        """As `TimestampedModel.edit`. Dates stand as given, and a new frequency moves none; both are logged."""
        with self.atomic():
            self.lock()
            planned = self.next_call_date
            changed = self.save_changes(**changes)
            events = []
            facts: dict[str, Any]
            if "frequency" in changed:
                facts = {"frequency": self.frequency, "stands": True}
                events.append(self.log(CallEvent.Kind.FREQUENCY_CHANGED, planned, by=by, **facts))
            if {"last_called", "next_call_date"} & set(changed):
                said = "last_called" in changed
                facts = {"sets_last_called": said, "last_called": self.last_called if said else None}
                events.append(self.log(CallEvent.Kind.RESCHEDULED, planned, by=by, **facts))
            for event in events:
                self.take(event.step(self.calendar))
            if planned != self.next_call_date:
                self.save_changes(sequence=self.sequence + 1)
            if "lead_id" in changed:  # another lead, perhaps another owner
                self.calendar = calendar_of_lead(self.lead_id, self.database)
                self.replay()
        return changed

    def record_call(
        self,
        called: datetime,
        *,
        by=None,
        contact_id: int | None = None,
        outcome: str = "",
        details: str = "",
    ) -> bool:
        """Note a call at the instant `called` and plan the next one. False where the dates stay as they are.

        They do when a later call is noted already (calls arrive out of order), and when the outcome is an attempt.
        With a contact, outcome or details the call is an interaction too, which moves the lead's other plans.
        """
        with self.atomic():
            plans = [self]
            interaction = None
            if contact_id or outcome or details:
                plans = CallPlan.objects.using(self.database).filter(lead=self.lead_id).lock_with_calendars()
            self.lock()
            if contact_id or outcome or details:
                interaction = Interaction.log(
                    using=self.database,
                    lead_id=self.lead_id,
                    contact_id=contact_id,
                    interaction_type=InteractionType.CALL,
                    details=details,
                    date=called,
                    created_by=by,
                    is_touch=False,
                )
            facts = {"by": by, "happened_at": called, "interaction": interaction, "outcome": outcome}
            if outcome in ATTEMPTS:
                self.log(CallEvent.Kind.ATTEMPTED, self.next_call_date, **facts)
                return False
            if interaction and (touch := touch_of(interaction)):
                for plan in plans:
                    if plan.pk != self.pk and plan.is_moved_by(touch):
                        plan.log(CallEvent.Kind.CALLED, plan.next_call_date, **{**facts, "outcome": ""})
                        plan.take(rhythm.Touched(called, own=False))
            planned = self.next_call_date
            is_known = called == self.last_called and not interaction and self.has_noted(called)
            moved = self.take(rhythm.Touched(called, own=True))
            if moved or not is_known:
                self.log(CallEvent.Kind.CALLED, planned, due=planned, own=True, **facts)
            return moved

    def set_frequency(self, frequency: str, *, by=None) -> None:
        """Change the rhythm and recompute the next call from the last one, or, never called, from today."""
        with self.atomic():
            self.lock()
            event = self.log(CallEvent.Kind.FREQUENCY_CHANGED, self.next_call_date, by=by, frequency=frequency)
            self.take(event.step(self.calendar))

    def snooze(self, until: datetime, *, by=None, reason: str = "") -> None:
        """Put the next call off to the instant `until`."""
        with self.atomic():
            self.lock()
            event = self.log(CallEvent.Kind.SNOOZED, self.next_call_date, by=by, reason=reason, due=until)
            self.take(event.step(self.calendar))

    def skip(self, *, by=None, reason: str = "") -> None:
        """Let the planned call go: the next date of the rhythm is the next call."""
        with self.atomic():
            self.lock()
            event = self.log(CallEvent.Kind.SKIPPED, self.next_call_date, by=by, reason=reason)
            self.take(event.step(self.calendar))

    def pause(self, *, by=None, reason: str = "") -> bool:
        """Take the plan off all lists until it is resumed; touches do not move it. False where it is paused already."""
        return self._set_paused(True, CallEvent.Kind.PAUSED, by=by, reason=reason)

    def resume(self, *, by=None, reason: str = "") -> bool:
        """Go on with a paused plan where it stood. False where it is not paused."""
        return self._set_paused(False, CallEvent.Kind.RESUMED, by=by, reason=reason)

    def _set_paused(self, paused: bool, kind: str, *, by, reason: str) -> bool:
        with self.atomic():
            self.lock()
            if self.paused == paused:
                return False
            self.log(kind, self.next_call_date, by=by, reason=reason)
            self.save_changes(paused=paused, sequence=self.sequence + 1)
            return True

    # --- Reckoning ----------------------------------------------------------------------------

    @cached_property
    def calendar(self) -> WorkCalendar:
        """The work calendar of the lead's owner."""
        return calendar_of_lead(self.lead_id, self.database)

    def is_moved_by(self, touch: Touch) -> bool:
        """Whether a touch that is new to the plan counts: it happened since the plan was made, and has happened."""
        return (
            not self.paused
            and touch.lead_id == self.lead_id
            and rhythm.truncate_to_second(self.created_at) <= touch.moment <= dates.now() + AHEAD
        )

    def has_noted(self, called: datetime) -> bool:
        """Whether that call has been recorded on the plan itself."""
        return (
            self.events.using(self.database).filter(kind=CallEvent.Kind.CALLED, happened_at=called, own=True).exists()
        )

    def log(self, kind: str, planned: datetime, *, by=None, happened_at: datetime | None = None, **facts: Any):
        """Write down what happened, and which date was planned then. The plan must be locked."""
        facts.setdefault("due", self.next_call_date)
        happened_at = happened_at or dates.now()
        return self.events.create(kind=kind, planned=planned, happened_at=happened_at, created_by=by, **facts)

    def beginning(self) -> rhythm.Beginning:
        return rhythm.Beginning(
            day=self.created_at.astimezone(self.calendar.zone).date(),
            frequency=self.first_frequency,
            given=self.first_given,
            moment=self.created_at,
        )

    def take(self, step: rhythm.Step) -> bool:
        """Go one step on from where the plan stands. Whether that moved anything."""
        state = rhythm.State(
            self.frequency, self.next_call_date, self.last_called, self.overridden_at, self.anchor or self.created_at
        )
        state.take(step, self.calendar)
        return self._stand_at(state)

    def replay(self, events: Iterable[CallEvent] | None = None) -> None:
        """Reckon the dates anew from the whole log, since something in the middle of it has changed."""
        events = self.events.using(self.database) if events is None else events
        steps = [step for event in events if (step := event.step(self.calendar))]
        self._stand_at(rhythm.replay(self.beginning(), steps, self.calendar))

    def _stand_at(self, state: rhythm.State) -> bool:
        return bool(
            self.save_changes(
                frequency=state.frequency,
                next_call_date=state.next_call_date,
                last_called=state.last_called,
                overridden_at=state.overridden_at,
                anchor=state.start,
                sequence=self.sequence + (state.next_call_date != self.next_call_date),
            )
        )
