"""The verbs that a page offers beside its fields: each a small form of its own, asked for and checked as in the API."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar, cast

from django import forms
from django.db import models
from django.forms.models import ModelChoiceIterator
from django.utils.functional import lazy
from rest_framework.serializers import Serializer

from backoffice.admin.timeline import current_zone, day
from call.models import CallPlan, Frequency, Outcome
from call.profiles import zone_of
from call.serializers import RecordCallSerializer, SetFrequencySerializer, SnoozeSerializer
from contact.models import Contact
from crm import dates
from lead.models import LeadStatus, Restaurant

MAX_TEXT = 20_000
CHOICES = 200  # people of one lead to choose from
PIPELINE = [LeadStatus.NEW, LeadStatus.CONTACTED, LeadStatus.MEETING_SCHEDULED, LeadStatus.NEGOTIATING]


class VerbForm(forms.Form):
    """What a verb of `obj` asks for before `user` may have it done.

    `name` stands in its address. Its fields have the names that they have in the API, whose serializer checks them.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    permissions: ClassVar[list[str]]
    serializer_class: ClassVar[type[Serializer] | None] = None

    def __init__(self, data: Any = None, *, obj: Any, user: Any) -> None:
        self.obj, self.user = obj, user
        super().__init__(data, auto_id=f"id_{self.name}_%s")  # several of them stand on one page

    @classmethod
    def is_for(cls, user: Any) -> bool:
        return user.has_perms(cls.permissions)

    @property
    def makes_sense(self) -> bool:
        """Whether there is anything to do, as the row stands."""
        return True

    @property
    def shown(self) -> list[forms.BoundField]:
        """The fields; what the buttons give is not among them."""
        pressed = {button["name"] for button in self.buttons}
        return [field for field in self if field.name not in pressed]

    @property
    def buttons(self) -> list[dict[str, str]]:
        return [{"name": "", "value": "", "label": self.title, "style": "default"}]

    def context(self) -> dict[str, Any]:
        """What the serializer has to know."""
        return {}

    def clean(self) -> dict[str, Any]:
        given = {name: value for name, value in (super().clean() or {}).items() if value not in (None, "")}
        if self.serializer_class is None or self.errors:
            return given
        serializer = self.serializer_class(data=self.as_body(given), context=self.context())
        if serializer.is_valid():
            return dict(serializer.validated_data)
        for name, messages in serializer.errors.items():
            self.add_error(name if name in self.fields else None, [str(message) for message in messages])
        return given

    def as_body(self, given: dict[str, Any]) -> dict[str, Any]:
        """As the API would get it."""
        return {name: value.pk if isinstance(value, models.Model) else value for name, value in given.items()}

    def do(self) -> str:
        """Have it done. Returns what to tell the user. Raises DoesNotExist where the row has gone meanwhile."""
        raise NotImplementedError


class TextArea(forms.Textarea):
    def __init__(self) -> None:
        super().__init__({"rows": 2, "cols": 40})


def zone_of_moments() -> str:
    return f"Time zone: {current_zone().key}. Empty: now."


class Moment(forms.DateTimeField):
    """A moment in the zone that the page shows, in the browser's own field for one."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(widget=widget, help_text=lazy(zone_of_moments, str)(), **kwargs)


class PeopleIterator(ModelChoiceIterator):
    field: "PersonField"

    def __iter__(self) -> Iterator:
        yield "", self.field.empty_label
        people = list(self.field.offered[:CHOICES])
        if self.field.chosen and self.field.chosen not in people:
            people.append(self.field.chosen)
        yield from map(self.choice, people)


class PersonField(forms.ModelChoiceField):
    """One of a lead's people. It offers not more than a page can hold; whose people they are, the form checks."""

    iterator = PeopleIterator
    offered = Contact.objects.none()
    chosen: Contact | None = None

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Contact.objects.all(), required=False, empty_label="Nobody in particular", **kwargs)

    def offer_people_of(self, lead: int, chosen: Contact | None = None) -> None:
        self.offered, self.chosen = Contact.objects.filter(restaurant=lead).order_by("id"), chosen


# --- The lead's -------------------------------------------------------------------------------


class ChangeStatus(VerbForm):
    """A button for each move; the one that comes next in the pipeline first."""

    name, title = "change_status", "Change status"
    permissions = ["lead.change_restaurant"]

    status = forms.ChoiceField(choices=LeadStatus.choices)
    note = forms.CharField(required=False, max_length=MAX_TEXT, widget=TextArea)

    obj: Restaurant

    @property
    def buttons(self) -> list[dict[str, str]]:
        now = LeadStatus(self.obj.lead_status)
        forth = [*PIPELINE, LeadStatus.CONVERTED][PIPELINE.index(now) + 1] if now in PIPELINE else None
        return [
            {
                "name": "status",
                "value": status.value,
                "label": status.label,
                "style": "default" if status == forth else "",
            }
            for status in next_moves(now)
        ]

    def do(self) -> str:
        status = LeadStatus(self.cleaned_data["status"])
        before = LeadStatus(self.obj.lead_status)
        if not self.obj.change_status(status, by=self.user, note=self.cleaned_data.get("note", "")):
            return f"The status is {status.label} already."
        return f"Status changed from {before.label} to {status.label}."


def next_moves(status: LeadStatus) -> list[LeadStatus]:
    """Every other status: the next ones first, then those that would be a step back."""
    order = [*PIPELINE, LeadStatus.CONVERTED, LeadStatus.LOST]
    at = order.index(status)
    return order[at + 1 :] + order[:at]


# --- The plan's -------------------------------------------------------------------------------


class PlanVerb(VerbForm):
    permissions = ["call.change_callplan"]

    @property
    def plan(self) -> CallPlan:
        return self.obj

    def context(self) -> dict[str, Any]:
        return {"plan": self.plan, "zone": zone_of(self.user)}

    def next_call(self) -> str:
        return f"Next call: {day(self.plan.next_call_date)}."


class RecordCall(PlanVerb):
    name, title = "record_call", "Record a call"
    permissions = ["call.change_callplan", "track.add_interaction"]  # with details it is an interaction too
    serializer_class = RecordCallSerializer

    outcome = forms.ChoiceField(choices=[("", "Not noted"), *Outcome.choices], required=False)
    contact = PersonField()
    details = forms.CharField(required=False, max_length=MAX_TEXT, widget=TextArea)
    last_called = Moment(required=False, label="When")

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        if self.user.has_perm("contact.view_contact"):
            cast(PersonField, self.fields["contact"]).offer_people_of(self.lead)
        else:
            del self.fields["contact"]

    @property
    def lead(self) -> int:
        return self.obj.lead_id

    def do(self) -> str:
        facts = dict(self.cleaned_data)
        moved = self.plan.record_call(facts.pop("last_called", None) or dates.now(), **facts, by=self.user)
        return f"Call recorded. {self.next_call()}" if moved else f"Noted. {self.next_call()}"


class RecordCallOnLead(RecordCall):
    """On one of the lead's `plans`."""

    permissions = [*RecordCall.permissions, "lead.view_restaurant"]

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        offered = self.obj.call_plans.order_by("paused", "next_call_date", "id")
        self.plans = {str(plan.pk): plan for plan in offered[:CHOICES]}
        choices = [(pk, plan_label(plan)) for pk, plan in self.plans.items()]
        self.fields = {"plan": forms.ChoiceField(choices=choices, label="Call plan"), **self.fields}

    @property
    def lead(self) -> int:
        return self.obj.pk

    @property
    def plan(self) -> CallPlan:
        return self.plans[self.data["plan"]]

    @property
    def makes_sense(self) -> bool:
        return bool(self.plans)

    def as_body(self, given: dict[str, Any]) -> dict[str, Any]:
        return super().as_body({name: value for name, value in given.items() if name != "plan"})


def plan_label(plan: CallPlan) -> str:
    return f"{Frequency(plan.frequency).label}, {'paused' if plan.paused else f'next {day(plan.next_call_date)}'}"


class Snooze(PlanVerb):
    name, title = "snooze", "Put off"
    serializer_class = SnoozeSerializer

    until = forms.DateField(widget=forms.DateInput({"type": "date"}), help_text="The time of day stays.")
    reason = forms.CharField(required=False, max_length=MAX_TEXT, widget=TextArea)

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        tomorrow = dates.today(current_zone()) + timedelta(days=1)
        self.fields["until"].widget.attrs["min"] = tomorrow.isoformat()

    def as_body(self, given: dict[str, Any]) -> dict[str, Any]:
        return {**given, "until": given["until"].isoformat()}

    def do(self) -> str:
        self.plan.snooze(**self.cleaned_data, by=self.user)
        return f"Put off. {self.next_call()}"


class ReasonVerb(PlanVerb):
    """A verb that asks for a reason, or none."""

    reason = forms.CharField(required=False, max_length=MAX_TEXT, widget=TextArea)

    @property
    def why(self) -> str:
        return self.cleaned_data.get("reason", "")


class Skip(ReasonVerb):
    name, title = "skip", "Skip this call"

    def do(self) -> str:
        self.plan.skip(by=self.user, reason=self.why)
        return f"Skipped. {self.next_call()}"


class Pause(ReasonVerb):
    name, title = "pause", "Pause"

    @property
    def makes_sense(self) -> bool:
        return not self.plan.paused

    def do(self) -> str:
        return "Paused." if self.plan.pause(by=self.user, reason=self.why) else "The plan is paused already."


class Resume(ReasonVerb):
    name, title = "resume", "Resume"

    @property
    def makes_sense(self) -> bool:
        return self.plan.paused

    def do(self) -> str:
        resumed = self.plan.resume(by=self.user, reason=self.why)
        return f"Resumed. {self.next_call()}" if resumed else "The plan is not paused."


class SetFrequency(PlanVerb):
    name, title = "set_frequency", "Set frequency"
    serializer_class = SetFrequencySerializer

    frequency = forms.ChoiceField(choices=Frequency.choices, help_text="The next call is reckoned anew.")

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.initial["frequency"] = self.plan.frequency

    def do(self) -> str:
        self.plan.set_frequency(self.cleaned_data["frequency"], by=self.user)
        return f"Calls are {Frequency(self.plan.frequency).label.lower()} now. {self.next_call()}"
