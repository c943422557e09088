"""The log of a plan: one line for everything that happened to it, from which its dates can be reckoned anew."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from call import rhythm
from call.schedule import WorkCalendar
from crm import dates
from crm.db.models import TimestampedModel
from track.models import Interaction

AHEAD = timedelta(days=1)  # how far in the future a touch may lie and count


class Frequency(models.TextChoices):
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    BIWEEKLY = "BIWEEKLY"
    MONTHLY = "MONTHLY"


class Outcome(models.TextChoices):
    """How a call went. Of these, ATTEMPTS reached nobody and move nothing."""

    REACHED = "REACHED"
    NO_ANSWER = "NO_ANSWER"
    LEFT_MESSAGE = "LEFT_MESSAGE"
    WRONG_NUMBER = "WRONG_NUMBER"
    CALL_BACK = "CALL_BACK"


ATTEMPTS = {Outcome.NO_ANSWER, Outcome.LEFT_MESSAGE, Outcome.WRONG_NUMBER}


class EventKind(models.TextChoices):
    CALLED = "CALLED"
    ATTEMPTED = "ATTEMPTED"
    RESCHEDULED = "RESCHEDULED"
    SNOOZED = "SNOOZED"
    SKIPPED = "SKIPPED"
    PAUSED = "PAUSED"
    RESUMED = "RESUMED"
    FREQUENCY_CHANGED = "FREQUENCY_CHANGED"


class CallEvent(TimestampedModel):
    """One line of a plan's log: at `happened_at`, by `created_by`, when `planned` was the next call."""

    Kind = EventKind

    plan = models.ForeignKey("call.CallPlan", models.CASCADE, related_name="events", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind)
    planned = models.DateTimeField()
    due = models.DateTimeField(help_text="the date that was given, or stood")
    happened_at = models.DateTimeField()
    reason = models.TextField(max_length=20_000, blank=True)
    outcome = models.CharField(max_length=20, choices=Outcome, blank=True)
    interaction = models.ForeignKey(Interaction, models.SET_NULL, null=True, related_name="+", db_index=False)
    own = models.BooleanField(default=False, help_text="recorded on the plan itself, not on its lead")
    frequency = models.CharField(max_length=10, choices=Frequency, blank=True, help_text="the new one")
    stands = models.BooleanField(default=False, help_text="the new frequency moved no date")
    sets_last_called = models.BooleanField(default=False)
    last_called = models.DateTimeField(null=True)

    class Meta(TimestampedModel.Meta):
        indexes = [
            models.Index(fields=["plan", "id"], name="call_event_by_plan"),
            models.Index(
                fields=["interaction"], condition=Q(interaction__isnull=False), name="call_event_by_interaction"
            ),
            models.Index(fields=["planned"], name="call_event_by_planned"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=EventKind.values,
                    outcome__in=["", *Outcome.values],
                    frequency__in=["", *Frequency.values],
                ),
                name="call_event_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.happened_at:%Y-%m-%d}"

    def still_counts(self, moment: datetime) -> bool:
        """Whether the event holds when its interaction is said to have been at `moment`."""
        return moment <= dates.now() + AHEAD and (self.own or rhythm.truncate_to_second(self.plan.created_at) <= moment)

    def step(self, calendar: WorkCalendar) -> rhythm.Step | None:
        """What the event means for the plan's dates; None for nothing."""
        match self.kind:
            case CallEvent.Kind.CALLED:
                return rhythm.Touched(self.happened_at, self.own)
            case CallEvent.Kind.SNOOZED:
                return rhythm.Given(self.happened_at, self.due, is_snooze=True)
            case CallEvent.Kind.SKIPPED:
                return rhythm.Skipped(self.happened_at)
            case CallEvent.Kind.RESCHEDULED:
                return rhythm.Given(
                    self.happened_at, self.due, sets_last_called=self.sets_last_called, last_called=self.last_called
                )
            case CallEvent.Kind.FREQUENCY_CHANGED if self.stands:
                return rhythm.Given(self.happened_at, self.due, frequency=self.frequency)
            case CallEvent.Kind.FREQUENCY_CHANGED:
                return rhythm.FrequencySet(self.happened_at.astimezone(calendar.zone).date(), self.frequency)
        return None
