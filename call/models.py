"""Call plans: the rhythm in which a lead is called, and when the next call is due."""

from datetime import UTC, datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction

from call import schedule
from crm import dates
from crm.models import Stamped, StampedQuerySet
from lead.models import Restaurant

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
DATE_BOUNDS = [MinValueValidator(EARLIEST), MaxValueValidator(LATEST)]


class Frequency(models.TextChoices):
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    BIWEEKLY = "BIWEEKLY"
    MONTHLY = "MONTHLY"


class CallPlanQuerySet(StampedQuerySet):
    def due_on(self, day, zone: ZoneInfo) -> Self:
        """The plans whose next call falls on the local `day` in `zone`, soonest first."""
        start, end = dates.bounds_of_day(day, zone)
        return self.filter(next_call_date__gte=start, next_call_date__lt=end).order_by("next_call_date", "id")


class CallPlan(Stamped):
    """A rhythm of calls to a lead. `last_called` and `next_call_date` are instants in UTC."""

    lead = models.ForeignKey(Restaurant, models.CASCADE, related_name="call_plans", db_index=False)
    frequency = models.CharField(max_length=10, choices=Frequency)
    last_called = models.DateTimeField(null=True, blank=True, validators=DATE_BOUNDS)
    next_call_date = models.DateTimeField(validators=DATE_BOUNDS)
    notes = models.TextField(max_length=20_000, blank=True)

    objects = CallPlanQuerySet.as_manager()

    class Meta(Stamped.Meta):
        indexes = [
            models.Index(fields=["lead", "id"], name="call_plan_by_lead"),
            models.Index(fields=["next_call_date", "id"], name="call_plan_by_next_call"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(frequency__in=Frequency.values), name="call_frequency_known"
            ),
            models.CheckConstraint(
                condition=models.Q(last_called__gte=EARLIEST, last_called__lte=LATEST),
                name="last_called_in_bounds",
            ),
            models.CheckConstraint(
                condition=models.Q(next_call_date__gte=EARLIEST, next_call_date__lte=LATEST),
                name="next_call_in_bounds",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.frequency} calls, next {self.next_call_date:%Y-%m-%d}"

    @property
    def zone(self) -> ZoneInfo:
        """The zone on whose calendar the plan is reckoned."""
        return dates.server_zone()

    def next_call_after(self, called: datetime | None, frequency: str) -> datetime:
        """One interval after the call; never called: midnight at the start of today plus one interval.

        Raises ValidationError for a date after 2100.
        """
        if called is None:
            return dates.start_of_day(schedule.add_interval(dates.today(self.zone), frequency), self.zone)
        due = schedule.next_call(called, frequency, self.zone)
        if due > LATEST:
            raise ValidationError({"frequency": ["The next call would fall after the year 2100."]})
        return due

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A new plan without a date gets its first one."""
        if self.next_call_date is None:
            self.next_call_date = self.next_call_after(self.last_called, self.frequency)
        super().save(*args, **kwargs)

    def record_call(self, called: datetime) -> bool:
        """Note a call at the instant `called` and plan the next one. False, and no change, where a later one is noted.

        Calls arrive out of order; the row is locked and read anew first.
        """
        with transaction.atomic(savepoint=False):
            self.refresh_from_db(from_queryset=CallPlan.objects.locked())
            if self.last_called and called <= self.last_called:
                return False
            self.edit(last_called=called, next_call_date=self.next_call_after(called, self.frequency))
            return True

    def set_frequency(self, frequency: str) -> None:
        """Change the rhythm and recompute the next call from the last one, or, never called, from today."""
        with transaction.atomic(savepoint=False):
            self.refresh_from_db(from_queryset=CallPlan.objects.locked())
            self.edit(frequency=frequency, next_call_date=self.next_call_after(self.last_called, frequency))
