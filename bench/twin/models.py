"""The product's tables, as its documented bodies show them. The product's migrations make them."""

from django.conf import settings
from django.db import models


class TimestampedModel(models.Model):
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
        managed = False
        ordering = ["id"]


class Restaurant(TimestampedModel):
    name = models.CharField(max_length=254)
    assigned_to = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)

    class Meta(TimestampedModel.Meta):
        db_table = "lead_restaurant"

    def __str__(self) -> str:
        return self.name


class Contact(TimestampedModel):
    restaurant = models.ForeignKey(Restaurant, models.CASCADE)
    name = models.CharField(max_length=254)

    class Meta(TimestampedModel.Meta):
        db_table = "contact_contact"

    def __str__(self) -> str:
        return self.name


class Interaction(TimestampedModel):
    class Type(models.TextChoices):
        CALL = "CALL"
        EMAIL = "EMAIL"
        VISIT = "VISIT"
        MEETING = "MEETING"
        MESSAGE = "MESSAGE"
        ORDER = "ORDER"
        OTHER = "OTHER"

    lead = models.ForeignKey(Restaurant, models.CASCADE)
    contact = models.ForeignKey(Contact, models.SET_NULL, null=True, blank=True)
    interaction_type = models.CharField(max_length=20, choices=Type)
    details = models.TextField(blank=True)
    order_placed = models.BooleanField(default=False)
    date = models.DateTimeField()

    class Meta(TimestampedModel.Meta):
        db_table = "track_interaction"

    def __str__(self) -> str:
        return self.interaction_type


class CallPlan(TimestampedModel):
    class Frequency(models.TextChoices):
        DAILY = "DAILY"
        WEEKLY = "WEEKLY"
        BIWEEKLY = "BIWEEKLY"
        MONTHLY = "MONTHLY"

    lead = models.ForeignKey(Restaurant, models.CASCADE)
    frequency = models.CharField(max_length=10, choices=Frequency)
    last_called = models.DateTimeField(null=True, blank=True)
    next_call_date = models.DateTimeField()
    notes = models.TextField(blank=True)

    class Meta(TimestampedModel.Meta):
        db_table = "call_callplan"

    def __str__(self) -> str:
        return self.frequency


class CallEvent(TimestampedModel):
    plan = models.ForeignKey(CallPlan, models.CASCADE)
    kind = models.CharField(max_length=20)
    planned_for = models.DateTimeField()
    happened_at = models.DateTimeField()
    reason = models.TextField(blank=True)
    outcome = models.CharField(max_length=20, blank=True)
    recorded_on_plan = models.BooleanField(default=False)
    frequency = models.CharField(max_length=10, blank=True)
    sets_last_called = models.BooleanField(default=False)
    withdrawn = models.BooleanField(default=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)

    class Meta(TimestampedModel.Meta):
        db_table = "call_callevent"

    def __str__(self) -> str:
        return self.kind


class WorkProfile(TimestampedModel):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE)
    working_days = models.JSONField(default=list)

    class Meta(TimestampedModel.Meta):
        db_table = "call_workprofile"

    def __str__(self) -> str:
        return str(self.working_days)
