"""The log of a plan: one line for everything that happened to it, from which its dates can be computed again."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from call import recurrence
from crm import dates
from crm.db.models import TimestampedModel
from crm.formats import day_inside
from lead.models import OfLeadQuerySet
from track.models import Interaction

AHEAD = timedelta(days=1)  # how far in the future a touch may lie and count


class Frequency(models.TextChoices):
    DAILY = "DAILY", _("Daily")
    WEEKLY = "WEEKLY", _("Weekly")
    BIWEEKLY = "BIWEEKLY", _("Biweekly")
    MONTHLY = "MONTHLY", _("Monthly")


class Outcome(models.TextChoices):
    """How a call went. Of these, ATTEMPTS reached no one and move nothing."""

    REACHED = "REACHED", _("Reached")
    NO_ANSWER = "NO_ANSWER", _("No Answer")
    LEFT_MESSAGE = "LEFT_MESSAGE", _("Left Message")
    WRONG_NUMBER = "WRONG_NUMBER", _("Wrong Number")
    CALL_BACK = "CALL_BACK", _("Call Back")


ATTEMPTS = {Outcome.NO_ANSWER, Outcome.LEFT_MESSAGE, Outcome.WRONG_NUMBER}


class EventKind(models.TextChoices):
    CALLED = "CALLED", _("Called")
    ATTEMPTED = "ATTEMPTED", _("Attempted")
    RESCHEDULED = "RESCHEDULED", _("Rescheduled")
    SNOOZED = "SNOOZED", _("Snoozed")
    SKIPPED = "SKIPPED", _("Skipped")
    PAUSED = "PAUSED", _("Paused")
    RESUMED = "RESUMED", _("Resumed")
    FREQUENCY_CHANGED = "FREQUENCY_CHANGED", _("Frequency Changed")
    CORRECTED = "CORRECTED", _("Corrected")


class CallEventQuerySet(OfLeadQuerySet):
    def in_effect(self) -> Self:
        """The lines that count: neither withdrawn ones nor those that say so."""
        return self.filter(withdrawn=False).exclude(kind=EventKind.CORRECTED)


class CallEvent(TimestampedModel):
    """One line of a plan's log: at `happened_at`, by `created_by`, when the next call was planned for `planned_for`.

    A line is not deleted: one whose interaction is no touch of the plan any more is withdrawn, and a line CORRECTED
    says so.
    """

    Kind = EventKind

    plan = models.ForeignKey("call.CallPlan", models.CASCADE, related_name="events", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind)
    planned_for = models.DateTimeField()
    happened_at = models.DateTimeField()
    reason = models.TextField(max_length=20_000, blank=True)
    outcome = models.CharField(max_length=20, choices=Outcome, blank=True)
    interaction = models.ForeignKey(Interaction, models.SET_NULL, null=True, related_name="+", db_index=False)
    frequency = models.CharField(max_length=10, choices=Frequency, blank=True, help_text="the new one")

    # What `replay` needs beside the documented fields:
    # The date that a user set, or left while changing another field; null where the next call was computed.
    new_due = models.DateTimeField(null=True)
    # A RESCHEDULED line's new last call; null is a value too, so that the flag says whether there is one.
    sets_last_called = models.BooleanField(default=False)
    new_last_called = models.DateTimeField(null=True)
    # A call recorded on the plan itself counts always; a touch of its lead, only since the plan's creation.
    recorded_on_plan = models.BooleanField(default=False)
    # Readable, and without effect on the plan's dates and on adherence.
    withdrawn = models.BooleanField(default=False)

    owner_path = "plan__lead__assigned_to"
    objects = CallEventQuerySet.as_manager()

    class Meta(TimestampedModel.Meta):
        indexes = [
            models.Index(fields=["plan", "id"], name="call_event_by_plan"),
            models.Index(
                fields=["interaction"], condition=Q(interaction__isnull=False), name="call_event_by_interaction"
            ),
            models.Index(
                fields=["plan", "happened_at", "id"], condition=Q(interaction=None), name="call_event_by_plan_and_time"
            ),
            models.Index(fields=["planned_for"], name="call_event_by_planned_for"),
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
        return f"{self.get_kind_display()} {day_inside(dates.day_shown(self.happened_at))}"

    @property
    def due(self) -> datetime:
        """The next call's date as the user who wrote the line set or left it."""
        return self.new_due or self.planned_for

    def still_counts(self, moment: datetime) -> bool:
        """Whether the line counts when its interaction is corrected to `moment`."""
        since = recurrence.truncate_to_second(self.plan.created_at)
        return moment <= dates.now() + AHEAD and (self.recorded_on_plan or since <= moment)

    def step(self, calendar: recurrence.WorkCalendar) -> recurrence.Step | None:
        """What the line means for the plan's dates; None for nothing."""
        if self.withdrawn:
            return None
        match self.kind:
            case CallEvent.Kind.CALLED:
                return recurrence.Touched(self.happened_at, self.recorded_on_plan)
            case CallEvent.Kind.SNOOZED:
                return recurrence.DateOverridden(self.happened_at, self.due, is_snooze=True)
            case CallEvent.Kind.SKIPPED:
                return recurrence.Skipped(self.happened_at)
            case CallEvent.Kind.RESCHEDULED:
                return recurrence.DateOverridden(
                    self.happened_at,
                    self.due,
                    sets_last_called=self.sets_last_called,
                    last_called=self.new_last_called,
                )
            case CallEvent.Kind.FREQUENCY_CHANGED if self.new_due:
                return recurrence.DateOverridden(self.happened_at, self.new_due, frequency=self.frequency)
            case CallEvent.Kind.FREQUENCY_CHANGED:
                return recurrence.FrequencySet(dates.day_of(self.happened_at, calendar.zone), self.frequency)
        return None
