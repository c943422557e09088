"""A move of a card: the verb `change_status`, in a transaction, at most once for the key of its form."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import HttpResponse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.timeline import current_zone
from backoffice.admin.verb_forms import ChangeStatus, first_error
from backoffice.pipeline.board import label_of
from backoffice.words import in_english
from crm.api.exceptions import Conflict
from crm.api.idempotency import KeyReused, once_for_form
from lead.models import LeadStatus, LostReason, Restaurant

Render = Callable[["Result"], HttpResponse]


class MoveForm(forms.Form):
    """What a move says beside the fields of the verb. `undo`: it takes one back, and has no reason to give."""

    key = forms.RegexField(r"^[!-~]{1,64}$")
    seen = forms.ChoiceField(choices=LeadStatus.choices)  # the status that the page has shown
    undo = forms.BooleanField(required=False)


class MoveInput(ChangeStatus):
    """The verb as the board offers it: LOST takes a reason."""

    reason: Any = forms.ChoiceField(
        choices=[("", gettext_lazy("Choose the reason")), *LostReason.choices],
        required=False,
        label=gettext_lazy("Reason"),
    )
    note = forms.CharField(required=False, max_length=20_000, label=gettext_lazy("Note, if wanted"))

    @property
    def targets(self) -> list[dict[str, str]]:
        """The statuses to move to by a button alone, the next one first."""
        return [
            target(button["value"], button["style"]) for button in self.buttons if button["value"] != LeadStatus.LOST
        ]

    @property
    def takes_reason(self) -> bool:
        return "reason" in self.fields


def target(status: str, style: str = "") -> dict[str, str]:
    return {"value": status, "label": label_of(status), "style": style}


@dataclass(frozen=True)
class Result:
    """What the page says after a move. `status` 409: the lead was elsewhere; nothing was changed.

    `lead` is on the board with its present status. `undo` are the fields of the form that moves it back.
    """

    message: str
    status: int = 200
    lead: int | None = None
    undo: dict[str, str] | None = None


class Move:
    """A submitted MoveForm of a user who may change leads, for the lead with the id `pk`."""

    def __init__(self, user: Any, pk: int, data: Any) -> None:
        self.user, self.pk, self.data = user, pk, data
        self.form = MoveForm(data)

    def answer(self, render: Render) -> HttpResponse:
        """The rendered result; for a key that is sent again the one before. Raises Restaurant.DoesNotExist."""
        if not self.form.is_valid():
            return render(Result(first_error(self.form), status=400))
        self.fields = self.form.cleaned_data
        try:
            return once_for_form(
                self.user, self.fields["key"], self.data, lambda: render(self.run()), self.check_replay, about=self.pk
            )
        except KeyReused:
            return render(Result(_("Another move was made with this form. Load the page again."), status=409))
        except Conflict:
            return render(
                Result(_("A simultaneous change got in the way. Nothing was changed; try again."), status=409)
            )

    def check_replay(self) -> None:
        Restaurant.objects.visible_to(self.user).get(pk=self.pk)

    def run(self) -> Result:
        lead = Restaurant.objects.visible_to(self.user).locked().get(pk=self.pk)
        before = lead.lead_status
        if before != self.fields["seen"]:
            return Result(self.what_happened(lead), status=409, lead=lead.pk)
        form = MoveInput(self.data, obj=lead, user=self.user)
        if not form.is_valid():
            return Result(first_error(form), status=400)
        status = form.cleaned_data["status"]
        if status == LeadStatus.LOST and not form.cleaned_data.get("reason") and not self.fields["undo"]:
            return Result(_("Reason: choose why the lead was lost."), status=400)
        undo = {"status": before, "seen": status, "undo": "1", "reason": self.reason_of(lead)}
        if status == before:
            return Result(_("%(lead)s is in “%(status)s” already.") % said(lead, status), lead=lead.pk)
        change = in_english(form.run())
        LogEntry.objects.log_actions(self.user.pk, [lead], CHANGE, change, single_object=True)
        message = _("%(lead)s was moved from “%(before)s” to “%(status)s”.")
        return Result(message % {**said(lead, status), "before": label_of(before)}, lead=lead.pk, undo=undo)

    def reason_of(self, lead: Restaurant) -> str:
        """Why the lead is lost, where it is, so that a move back says so again."""
        if lead.lead_status != LeadStatus.LOST:
            return ""
        lost = lead.status_changes.filter(new_status=LeadStatus.LOST).order_by("-id")
        return lost.values_list("reason", flat=True).first() or ""

    def what_happened(self, lead: Restaurant) -> str:
        """Who moved the lead since the page was loaded."""
        change = lead.status_changes.select_related("created_by").order_by("-id").first()
        if change is None or change.new_status != lead.lead_status:
            return _("%(lead)s is in “%(status)s” by now. Nothing was changed.") % said(lead, lead.lead_status)
        at = date_format(change.created_at.astimezone(current_zone()), _("j M H:i"))
        if change.created_by == self.user:
            message = _("You moved %(lead)s to “%(status)s” on %(at)s already. Nothing was changed now.")
        else:
            message = _("%(user)s moved %(lead)s to “%(status)s” on %(at)s. Nothing was changed now.")
        who = change.created_by or _("A deleted user")
        return message % {**said(lead, lead.lead_status), "at": at, "user": who}


def said(lead: Restaurant, status: str) -> dict[str, Any]:
    return {"lead": lead, "status": label_of(status)}
