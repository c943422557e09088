"""Call plans: how often a lead is called, and when the next call is due."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, Self
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext

from call import recurrence
from call.models.event import AHEAD, ATTEMPTS, CallEvent, EventKind, Frequency
from call.models.work_profile import calendar_of_lead, calendars_of_leads
from call.recurrence import WorkCalendar
from crm import dates
from crm.db.models import TimestampedModel
from crm.formats import day_inside
from lead.models import LeadStatus, OfLeadQuerySet, Restaurant
from track.models import Interaction, InteractionType
from track.touches import Touch, touch_of

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
DATE_BOUNDS = [MinValueValidator(EARLIEST), MaxValueValidator(LATEST)]
UNDOABLE = {EventKind.CALLED, EventKind.ATTEMPTED, EventKind.SNOOZED, EventKind.SKIPPED}
BATCH = 1_000  # plans, with their logs, in memory


class CallPlanQuerySet(OfLeadQuerySet):
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
        """Lock the plans in the order of their ids, as all code that locks several must: else two could deadlock."""
        list(self.locked().order_by("id").values_list("pk"))

    def lock_with_calendars(self, limit: int | None = None) -> list["CallPlan"]:
        """The plans, locked in the order of their ids, each with its owner's calendar."""
        plans: list[Any] = list(self.locked().order_by("id")[:limit])
        calendars = calendars_of_leads({plan.lead_id for plan in plans}, self.locked().db)
        for plan in plans:
            plan.calendar = calendars[plan.lead_id]
        return plans

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """As Django's. Plans are initialized, as saved ones are."""
        objs = list(objs)
        for plan in objs:
            if not plan.initial_frequency:
                plan.initialize(self.locked().db)
        return super().bulk_create(objs, *args, **kwargs)

    def recompute(self) -> None:
        """Compute the dates again from the log; those that users set stay."""
        last = 0
        with transaction.atomic(using=self.locked().db, savepoint=False):
            while plans := self.filter(pk__gt=last).lock_with_calendars(BATCH):
                events = models.Prefetch("events", CallEvent.objects.using(self.locked().db))
                models.prefetch_related_objects(plans, events)
                for plan in plans:
                    plan.replay(plan.events.all())
                last = plans[-1].pk


class CallPlan(TimestampedModel):
    """How often a lead is called. All instants are UTC; days are those of the lead owner's calendar."""

    lead = models.ForeignKey(Restaurant, models.CASCADE, related_name="call_plans", db_index=False)
    frequency = models.CharField(max_length=10, choices=Frequency)
    last_called = models.DateTimeField(null=True, blank=True, validators=DATE_BOUNDS)
    next_call_date = models.DateTimeField(validators=DATE_BOUNDS)
    notes = models.TextField(max_length=20_000, blank=True)
    paused = models.BooleanField(default=False, editable=False)

    # The state of `recurrence`, stored so that a call goes one step on and need not replay the whole log:
    # When a user set the next call or skipped one: touches before it do not move the date. Null where it was computed.
    overridden_at = models.DateTimeField(null=True, editable=False)
    # The start of the cadence; null, in rows that were not written by this model, is the plan's creation.
    anchor = models.DateTimeField(null=True, editable=False)
    # How the plan was created, where `replay` starts; both documented fields may have changed since.
    initial_frequency = models.CharField(max_length=10, choices=Frequency, editable=False)
    initial_override = models.DateTimeField(null=True, editable=False)
    # SEQUENCE of the calendar feed (RFC 5545): grows with every change of the date, also back to a former one.
    sequence = models.PositiveIntegerField(default=0, editable=False)

    owner_path = "lead__assigned_to"
    objects = CallPlanQuerySet.as_manager()

    class Meta(TimestampedModel.Meta):
        permissions = [("view_adherence", "Can view adherence"), ("import_callplan", "Can import call plans")]
        indexes = [
            models.Index(fields=["lead", "id"], name="call_plan_by_lead"),
            models.Index(fields=["next_call_date", "id"], name="call_plan_by_next_call"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(frequency__in=Frequency.values, initial_frequency__in=Frequency.values),
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
        day = day_inside(dates.day_shown(self.next_call_date))
        said = {"frequency": self.get_frequency_display().upper(), "day": day}
        return gettext("%(frequency)s calls, next %(day)s") % said

    def lock(self) -> None:
        """As `TimestampedModel.lock`. The calendar read before the lock may be out of date."""
        super().lock()
        vars(self).pop("calendar", None)

    # --- Verbs --------------------------------------------------------------------------------

    def save(self, *args: Any, using: str | None = None, **kwargs: Any) -> None:
        if self._state.adding:
            self.initialize(using)
        super().save(*args, using=using, **kwargs)

    def initialize(self, using: str | None = None) -> None:
        """Compute the first date, unless one is set, and store where `replay` starts."""
        self.calendar = calendar_of_lead(self.lead_id, using or self.database)
        self.initial_frequency, self.initial_override = self.frequency, self.next_call_date
        state = recurrence.initial_state(self.created(), self.calendar)
        self.next_call_date, self.anchor = state.next_call_date, state.anchor
        self.overridden_at = state.overridden_at

    def edit(self, *, by=None, **changes: Any) -> list[str]:
        """As `TimestampedModel.edit`. Dates are set as given, and a new frequency moves none; both are logged."""
        with self.atomic():
            self.lock()
            planned_for = self.next_call_date
            changed = self.save_changes(**changes)
            fields: dict[str, Any] = {"by": by, "planned_for": planned_for, "new_due": self.next_call_date}
            if "frequency" in changed:
                self._log_step(CallEvent.Kind.FREQUENCY_CHANGED, frequency=self.frequency, **fields)
            if "last_called" in changed:
                fields |= {"sets_last_called": True, "new_last_called": self.last_called}
            if {"last_called", "next_call_date"} & set(changed):
                self._log_step(CallEvent.Kind.RESCHEDULED, **fields)
            if planned_for != self.next_call_date:
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
        """Record a call at the instant `called` and plan the next one. False where the dates stay as they are.

        They do when a later call is recorded already (calls arrive out of order), and when the outcome is an attempt.
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
            call: dict[str, Any] = {"by": by, "happened_at": called, "interaction": interaction}
            if outcome in ATTEMPTS:
                self.log(CallEvent.Kind.ATTEMPTED, outcome=outcome, **call)
                return False
            if interaction and (touch := touch_of(interaction)):
                for plan in plans:
                    if plan.pk != self.pk and plan.is_moved_by(touch):
                        plan.log(CallEvent.Kind.CALLED, **call)
                        plan.apply(recurrence.Touched(called, recorded_on_plan=False))
            planned_for = self.next_call_date
            is_repeated = called == self.last_called and not interaction and self.has_recorded(called)
            moved = self.apply(recurrence.Touched(called, recorded_on_plan=True))
            if moved or not is_repeated:
                call |= {"planned_for": planned_for, "outcome": outcome, "recorded_on_plan": True}
                self.log(CallEvent.Kind.CALLED, **call)
            return moved

    def set_frequency(self, frequency: str, *, by=None) -> None:
        """Change the frequency and compute the next call from the last one, or, never called, from today."""
        with self.atomic():
            self.lock()
            self._log_step(CallEvent.Kind.FREQUENCY_CHANGED, by=by, frequency=frequency)

    def snooze(self, until: datetime, *, by=None, reason: str = "") -> None:
        """Put the next call off to the instant `until`."""
        with self.atomic():
            self.lock()
            self._log_step(CallEvent.Kind.SNOOZED, by=by, reason=reason, new_due=until)

    def skip(self, *, by=None, reason: str = "") -> None:
        """Skip the planned call: the next date of the cadence is the next call."""
        with self.atomic():
            self.lock()
            self._log_step(CallEvent.Kind.SKIPPED, by=by, reason=reason)

    def pause(self, *, by=None, reason: str = "") -> bool:
        """Take the plan off all lists until it is resumed; touches do not move it. False where it is paused already."""
        return self._set_paused(True, CallEvent.Kind.PAUSED, by=by, reason=reason)

    def resume(self, *, by=None, reason: str = "") -> bool:
        """Continue a paused plan with the dates it has. False where it is not paused."""
        return self._set_paused(False, CallEvent.Kind.RESUMED, by=by, reason=reason)

    def _set_paused(self, paused: bool, kind: str, *, by, reason: str) -> bool:
        with self.atomic():
            self.lock()
            if self.paused == paused:
                return False
            self.log(kind, by=by, reason=reason)
            self.save_changes(paused=paused, sequence=self.sequence + 1)
            return True

    def log(
        self,
        kind: str,
        *,
        by=None,
        happened_at: datetime | None = None,
        planned_for: datetime | None = None,
        **fields: Any,
    ) -> CallEvent:
        """Write a line of the log. `planned_for` is the next call before what happened. The plan must be locked."""
        return self.events.create(
            kind=kind,
            planned_for=planned_for or self.next_call_date,
            happened_at=happened_at or dates.now(),
            created_by=by,
            **fields,
        )

    def _log_step(self, kind: str, **fields: Any) -> None:
        """Write a line of the log, and go on by what it means."""
        if step := self.log(kind, **fields).step(self.calendar):
            self.apply(step)

    def withdraw(self, event: CallEvent, *, by=None) -> None:
        """Take a line of the log out of effect, and log that it was. Both lines stay; the dates follow."""
        event.save_changes(withdrawn=True)
        moment = event.happened_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        reason = f"{event.kind} of {moment} taken back"
        self.log(CallEvent.Kind.CORRECTED, by=by, reason=reason, interaction_id=event.interaction_id)
        self.replay()

    def take_back(self, event: CallEvent, *, by=None) -> bool:
        """Undo a call, an attempt, a snooze or a skip: the line is withdrawn, its interaction deleted with its order.

        False where the line is withdrawn already. Raises ValidationError for a line of another plan or another kind.
        """
        is_elsewhere = event.kind == EventKind.CALLED and not event.recorded_on_plan  # an interaction of its own
        if event.plan_id != self.pk or event.kind not in UNDOABLE or is_elsewhere:
            raise ValidationError({"event": [gettext("This cannot be taken back.")]})
        with self.atomic():
            CallPlan.objects.using(self.database).filter(lead=self.lead_id).lock()  # a call moved the other plans too
            self.lock()
            event.lock()
            if event.withdrawn:
                return False
            interaction = event.interaction
            self.withdraw(event, by=by)
            if interaction:
                interaction.delete(by=by)
        return True

    # --- Dates --------------------------------------------------------------------------------

    @cached_property
    def calendar(self) -> WorkCalendar:
        """The work calendar of the lead's owner."""
        return calendar_of_lead(self.lead_id, self.database)

    def is_moved_by(self, touch: Touch) -> bool:
        """Whether a touch that is new to the plan counts: it happened since the plan was created, and has happened."""
        return (
            not self.paused
            and touch.lead_id == self.lead_id
            and recurrence.truncate_to_second(self.created_at) <= touch.moment <= dates.now() + AHEAD
        )

    def has_recorded(self, called: datetime) -> bool:
        """Whether that call has been recorded on the plan itself."""
        events = self.events.using(self.database).in_effect()
        return events.filter(kind=CallEvent.Kind.CALLED, happened_at=called, recorded_on_plan=True).exists()

    def created(self) -> recurrence.PlanCreated:
        return recurrence.PlanCreated(
            day=dates.day_of(self.created_at, self.calendar.zone),
            frequency=self.initial_frequency,
            override=self.initial_override,
            moment=self.created_at,
        )

    def apply(self, step: recurrence.Step) -> bool:
        """Go one step on from the stored state. Whether that changed anything."""
        state = recurrence.State(
            self.frequency, self.next_call_date, self.last_called, self.overridden_at, self.anchor or self.created_at
        )
        state.apply(step, self.calendar)
        return self._save_state(state)

    def replay(self, events: Iterable[CallEvent] | None = None) -> None:
        """Compute the dates again from the whole log, since something in the middle of it has changed."""
        events = self.events.using(self.database) if events is None else events
        steps = [step for event in events if (step := event.step(self.calendar))]
        self._save_state(recurrence.replay(self.created(), steps, self.calendar))

    def _save_state(self, state: recurrence.State) -> bool:
        return bool(
            self.save_changes(
                frequency=state.frequency,
                next_call_date=state.next_call_date,
                last_called=state.last_called,
                overridden_at=state.overridden_at,
                anchor=state.anchor,
                sequence=self.sequence + (state.next_call_date != self.next_call_date),
            )
        )


def next_call_of_lead() -> Subquery:
    """An annotation of leads: when the first of the unpaused plans is due; NULL where there is none."""
    plans = CallPlan.objects.filter(lead=OuterRef("pk")).unpaused().by_date()
    return Subquery(plans.values("next_call_date")[:1])
