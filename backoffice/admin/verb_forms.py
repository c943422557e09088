"""The verbs that a page offers beside its fields: each a small form, validated by the serializer of the API."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, cast

from django import forms
from django.db import models
from django.forms.models import ModelChoiceIterator
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.serializers import Serializer

from backoffice.admin.timeline import current_zone, day, hidden_contacts, may_view
from backoffice.words import Said
from call.models import CallPlan, Frequency, Outcome
from call.models.work_profile import zone_of
from call.serializers import RecordCallSerializer, SetFrequencySerializer, SnoozeSerializer
from contact.models import Contact
from crm import dates
from crm.formats import inside
from lead.models import PIPELINE, LeadStatus, LostReason, Restaurant
from lead.serializers import ChangeStatusSerializer
from track.timeline import HIDDEN_CONTACT

MAX_TEXT = 20_000
CHOICES = 200  # contacts of one lead to choose from


class VerbForm(forms.Form):
    """The input of a verb of `obj` that `user` runs.

    `name` is in its URL. Its fields are named as in the API, whose serializer validates them.
    """

    name: ClassVar[str]
    title: ClassVar[Any]
    permissions: ClassVar[list[str]]
    serializer_class: ClassVar[type[Serializer] | None] = None

    def __init__(self, data: Any = None, *, obj: Any, user: Any) -> None:
        self.obj, self.user = obj, user
        super().__init__(data, auto_id=f"id_{self.name}_%s")  # several of them are on one page

    @classmethod
    def is_permitted(cls, user: Any) -> bool:
        return user.has_perms(cls.permissions)

    @property
    def is_available(self) -> bool:
        """Whether the state of the row allows the verb."""
        return True

    @property
    def displayed_fields(self) -> list[forms.BoundField]:
        """The fields whose value is not that of a submit button."""
        of_buttons = {button["name"] for button in self.buttons}
        return [field for field in self if field.name not in of_buttons]

    @property
    def buttons(self) -> list[dict[str, Any]]:
        return [{"name": "", "value": "", "label": self.title, "style": "default"}]

    def context(self) -> dict[str, Any]:
        """The context of the serializer."""
        return {}

    def clean(self) -> dict[str, Any]:
        values = {name: value for name, value in (super().clean() or {}).items() if value not in (None, "")}
        if self.serializer_class is None or self.errors:
            return values
        serializer = self.serializer_class(data=self.to_body(values), context=self.context())
        if serializer.is_valid():
            return dict(serializer.validated_data)
        for name, messages in serializer.errors.items():
            self.add_error(name if name in self.fields else None, [str(message) for message in messages])
        return values

    def to_body(self, values: dict[str, Any]) -> dict[str, Any]:
        """As in a request of the API."""
        return {name: value.pk if isinstance(value, models.Model) else value for name, value in values.items()}

    def run(self) -> Any:
        """Returns the message for the user. Raises DoesNotExist where the row was deleted meanwhile."""
        raise NotImplementedError


class TextArea(forms.Textarea):
    def __init__(self) -> None:
        super().__init__({"rows": 2, "cols": 40})


class LostReasonField(forms.ChoiceField):
    def __init__(self) -> None:
        choices = [("", gettext_lazy("Not noted")), *LostReason.choices]
        super().__init__(choices=choices, required=False, label=gettext_lazy("Reason, if lost"))


def zone_help_text() -> SafeString:
    """The zone leads to the page that says why it is that one."""
    link = reverse("admin:my_work_profile")
    return format_html(_('Time zone: <a href="{}">{}</a>. Empty: now.'), link, current_zone().key)


class LocalDateTimeField(forms.DateTimeField):
    """In the time zone of the page, as an `<input type="datetime-local">`."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(widget=widget, help_text=lazy(zone_help_text, SafeString)(), **kwargs)


class ContactIterator(ModelChoiceIterator):
    field: "ContactField"

    def __iter__(self) -> Iterator:
        yield "", self.field.empty_label
        contacts = list(self.field.offered[:CHOICES])
        if self.field.selected and self.field.selected not in contacts:
            contacts.append(self.field.selected)
        yield from map(self.choice, contacts)


class ContactField(forms.ModelChoiceField):
    """One of a lead's contacts, as far as the user may see them. It offers at most CHOICES; the form checks that the
    contact is one of the lead's.
    """

    iterator = ContactIterator
    offered = Contact.objects.none()
    selected: Contact | None = None
    hides_selected = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            Contact.objects.none(), required=False, empty_label=gettext_lazy("No particular contact"), **kwargs
        )

    def offer_contacts_of(self, lead: int, user: Any, selected: Contact | None = None) -> None:
        """The `selected` one may work for a lead by now that the user may not see; it can stay, without its name."""
        visible = Contact.objects.visible_to(user)
        self.offered, self.selected = visible.filter(restaurant=lead).order_by("id"), selected
        self.hides_selected = bool(selected and hidden_contacts([(selected, lead)], user))
        self.queryset = (
            visible | Contact.objects.filter(pk=selected.pk) if selected and self.hides_selected else visible
        )

    def label_from_instance(self, obj: Any) -> str:
        return str(HIDDEN_CONTACT) if self.hides_selected and obj == self.selected else super().label_from_instance(obj)


# --- The lead's -------------------------------------------------------------------------------


class ChangeStatus(VerbForm):
    """A button for each status; the one that comes next in the pipeline first."""

    name, title = "change_status", gettext_lazy("Change status")
    permissions = ["lead.change_restaurant"]
    serializer_class = ChangeStatusSerializer

    status = forms.ChoiceField(choices=LeadStatus.choices, label=gettext_lazy("Status"))
    reason = LostReasonField()
    note = forms.CharField(required=False, max_length=MAX_TEXT, widget=TextArea, label=gettext_lazy("Note"))

    obj: Restaurant

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        if self.obj.lead_status == LeadStatus.LOST:
            del self.fields["reason"]

    @property
    def buttons(self) -> list[dict[str, Any]]:
        current = LeadStatus(self.obj.lead_status)
        following = [*PIPELINE, LeadStatus.CONVERTED][PIPELINE.index(current) + 1] if current in PIPELINE else None
        return [
            {
                "name": "status",
                "value": status.value,
                "label": status.label,
                "style": "default" if status == following else "",
            }
            for status in other_statuses(current)
        ]

    def run(self) -> Any:
        status = LeadStatus(self.cleaned_data["status"])
        before = LeadStatus(self.obj.lead_status)
        if not self.obj.change_status(**self.cleaned_data, by=self.user):
            return Said(gettext_lazy("The status is %(status)s already."), status=status.label)
        text = gettext_lazy("Status changed from %(before)s to %(status)s.")
        return Said(text, before=before.label, status=status.label)


def other_statuses(status: LeadStatus) -> list[LeadStatus]:
    """The later ones in the pipeline first, then the earlier ones."""
    order = [*PIPELINE, LeadStatus.CONVERTED, LeadStatus.LOST]
    position = order.index(status)
    return order[position + 1 :] + order[:position]


# --- The plan's -------------------------------------------------------------------------------


class PlanVerb(VerbForm):
    permissions = ["call.change_callplan"]

    @property
    def plan(self) -> CallPlan:
        return self.obj

    def context(self) -> dict[str, Any]:
        return {"plan": self.plan, "zone": zone_of(self.user)}

    def with_next_call(self, text: Any, **values: Any) -> Said:
        return Said(text, day=partial(day, self.plan.next_call_date), **values)


class RecordCall(PlanVerb):
    name, title = "record_call", gettext_lazy("Record a call")
    permissions = ["call.change_callplan", "track.add_interaction"]  # with details it is an interaction too
    serializer_class = RecordCallSerializer

    outcome = forms.ChoiceField(
        choices=[("", gettext_lazy("Not noted")), *Outcome.choices], required=False, label=gettext_lazy("Outcome")
    )
    contact = ContactField(label=gettext_lazy("Contact"))
    details = forms.CharField(required=False, max_length=MAX_TEXT, widget=TextArea, label=gettext_lazy("Details"))
    last_called = LocalDateTimeField(required=False, label=gettext_lazy("When"))

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        if may_view(self.user, Contact):
            cast(ContactField, self.fields["contact"]).offer_contacts_of(self.lead, self.user)
        else:
            del self.fields["contact"]

    @property
    def lead(self) -> int:
        return self.obj.lead_id

    def run(self) -> Any:
        details = dict(self.cleaned_data)
        moved = self.plan.record_call(details.pop("last_called", None) or dates.now(), **details, by=self.user)
        recorded, noted = gettext_lazy("Call recorded. Next call: %(day)s."), gettext_lazy("Noted. Next call: %(day)s.")
        return self.with_next_call(recorded if moved else noted)


class RecordCallOnLead(RecordCall):
    """On one of the lead's `plans`."""

    permissions = [*RecordCall.permissions, "lead.view_restaurant"]

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        plans = self.obj.call_plans.order_by("paused", "next_call_date", "id")
        self.plans = {str(plan.pk): plan for plan in plans[:CHOICES]}
        choices = [(pk, plan_label(plan)) for pk, plan in self.plans.items()]
        self.fields = {"plan": forms.ChoiceField(choices=choices, label=gettext_lazy("Call plan")), **self.fields}

    @property
    def lead(self) -> int:
        return self.obj.pk

    @property
    def plan(self) -> CallPlan:
        return self.plans[self.data["plan"]]

    @property
    def is_available(self) -> bool:
        return bool(self.plans)

    def to_body(self, values: dict[str, Any]) -> dict[str, Any]:
        return super().to_body({name: value for name, value in values.items() if name != "plan"})


def plan_label(plan: CallPlan) -> str:
    text = _("%(frequency)s, paused") if plan.paused else _("%(frequency)s, next %(day)s")
    return text % {"frequency": Frequency(plan.frequency).label, "day": day(plan.next_call_date)}


class Snooze(PlanVerb):
    name, title = "snooze", gettext_lazy("Put off")
    serializer_class = SnoozeSerializer

    until = forms.DateField(
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        label=gettext_lazy("Until"),
        help_text=gettext_lazy("The time of day does not change."),
    )
    reason = forms.CharField(required=False, max_length=MAX_TEXT, widget=TextArea, label=gettext_lazy("Reason"))

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        tomorrow = dates.today(current_zone()) + timedelta(days=1)
        self.fields["until"].widget.attrs["min"] = tomorrow.isoformat()

    def to_body(self, values: dict[str, Any]) -> dict[str, Any]:
        return {**values, "until": values["until"].isoformat()}

    def run(self) -> Any:
        self.plan.snooze(**self.cleaned_data, by=self.user)
        return self.with_next_call(gettext_lazy("Put off. Next call: %(day)s."))


class ReasonVerb(PlanVerb):
    """A verb with an optional reason."""

    reason = forms.CharField(required=False, max_length=MAX_TEXT, widget=TextArea, label=gettext_lazy("Reason"))

    @property
    def given_reason(self) -> str:
        return self.cleaned_data.get("reason", "")


class Skip(ReasonVerb):
    name, title = "skip", gettext_lazy("Skip this call")

    def run(self) -> Any:
        self.plan.skip(by=self.user, reason=self.given_reason)
        return self.with_next_call(gettext_lazy("Skipped. Next call: %(day)s."))


class Pause(ReasonVerb):
    name, title = "pause", gettext_lazy("Pause")

    @property
    def is_available(self) -> bool:
        return not self.plan.paused

    def run(self) -> Any:
        paused = self.plan.pause(by=self.user, reason=self.given_reason)
        return gettext_lazy("Paused.") if paused else gettext_lazy("The plan is paused already.")


class Resume(ReasonVerb):
    name, title = "resume", gettext_lazy("Resume")

    @property
    def is_available(self) -> bool:
        return self.plan.paused

    def run(self) -> Any:
        resumed = self.plan.resume(by=self.user, reason=self.given_reason)
        if not resumed:
            return gettext_lazy("The plan is not paused.")
        return self.with_next_call(gettext_lazy("Resumed. Next call: %(day)s."))


class SetFrequency(PlanVerb):
    name, title = "set_frequency", gettext_lazy("Set frequency")
    serializer_class = SetFrequencySerializer

    frequency = forms.ChoiceField(
        choices=Frequency.choices,
        label=gettext_lazy("Frequency"),
        help_text=gettext_lazy("The next call date is recomputed."),
    )

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.initial["frequency"] = self.plan.frequency

    def run(self) -> Any:
        self.plan.set_frequency(self.cleaned_data["frequency"], by=self.user)
        text = gettext_lazy("Calls are %(frequency)s now. Next call: %(day)s.")
        label = Frequency(self.plan.frequency).label
        return self.with_next_call(text, frequency=lambda: inside(label))


def first_error(form: forms.Form) -> str:
    """The first one, with the name of its field."""
    for name, messages in form.errors.items():
        return f"{form[name].label}: {messages[0]}" if name in form.fields else str(messages[0])
    return ""
