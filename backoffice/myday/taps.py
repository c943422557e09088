"""What a tap does: one verb of the domain, in a transaction, at most once for the key of its form."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.core.validators import MinValueValidator
from django.db import transaction
from django.http import HttpResponse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.timeline import current_zone
from backoffice.admin.verb_forms import RecordCall, Skip, Snooze, VerbForm, first_error
from backoffice.myday.done import Done, calls_of, events_of
from backoffice.myday.entries import newest
from call.models import CallEvent, CallPlan, Frequency, Outcome
from contact.models import Contact
from crm import dates
from crm.api.exceptions import Conflict
from crm.api.idempotency import KeyReused, once_for_form
from crm.formats import inside
from lead.models import Policy, Restaurant
from track.models import MAX_QUANTITY, Interaction, InteractionType

CALLS = {"reached": Outcome.REACHED, "no_answer": Outcome.NO_ANSWER, "left_message": Outcome.LEFT_MESSAGE}
PUT_OFF = {"tomorrow": 1, "three_days": 3, "next_week": 7}
ON_PLAN = [*CALLS, *PUT_OFF, "put_off", "skip"]
ON_LEAD = ["log_call", "plan_calls", "take_over"]
ON_DONE = ["undo", "note"]
GONE = gettext_lazy("It is gone: another user deleted it, or it is not yours to see any more.")
MAX_NOTE = 2_000
WHO_MAY = {  # beside the verbs on a plan, which know it
    "plan_calls": ["call.add_callplan"],
    "log_call": ["track.add_interaction"],
    "take_over": ["lead.change_restaurant"],
    "undo": ["call.change_callplan"],
    "undo_call": ["track.delete_interaction"],  # of a call that was recorded on no plan
    "note": ["track.change_interaction"],
}
ADD_ORDER = "track.add_orderdetails"  # with a note


class TapForm(forms.Form):
    """The fields of all taps; `do` says which one it is."""

    key = forms.RegexField(r"^[!-~]{1,64}$")
    do = forms.ChoiceField(choices=[(name, name) for name in [*ON_PLAN, *ON_LEAD, *ON_DONE]])
    plan = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    lead = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    event = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    call = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)  # an interaction
    by = forms.CharField(required=False, max_length=50)  # the user whose page it is
    day = forms.DateField(required=False, label=gettext_lazy("Day"))  # the day that the page shows
    contact = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, label=gettext_lazy("Contact"))
    seen = forms.IntegerField(required=False, min_value=0)  # the newest line of the log that the page has shown
    anyway = forms.BooleanField(required=False)  # although something has happened since
    until = forms.DateField(required=False, label=gettext_lazy("Until"))
    reason = forms.CharField(required=False, max_length=MAX_NOTE, label=gettext_lazy("Reason"))
    note = forms.CharField(required=False, max_length=MAX_NOTE, label=gettext_lazy("Note"))
    frequency = forms.ChoiceField(required=False, choices=Frequency.choices, label=gettext_lazy("Frequency"))


class OrderForm(forms.Form):
    product_details = forms.CharField(max_length=20_000, label=gettext_lazy("What was ordered"))
    quantity = forms.IntegerField(min_value=1, max_value=MAX_QUANTITY, label=gettext_lazy("Quantity"))
    total_price = forms.DecimalField(
        max_digits=14,
        decimal_places=2,
        validators=[MinValueValidator(Decimal(0))],
        label=gettext_lazy("Total price"),
        localize=True,  # 12,50 on a German page
    )


@dataclass(frozen=True)
class Result:
    """What the page says after a tap. `status` 409: something else has happened since; nothing was done.

    `may_overrule`: sent with `anyway` it is done all the same.
    """

    message: str
    done: Done | None = None
    status: int = 200
    may_overrule: bool = False


class Tap:
    """A submitted TapForm of a user, who may see what it names."""

    def __init__(self, user: Any, data: Any) -> None:
        self.user = user
        self.form = TapForm(data)
        self.data = data

    def answer(self, render: Callable[[Result], HttpResponse]) -> HttpResponse:
        """The rendered result; for a key that is sent again the one before."""
        if not self.form.is_valid():
            return render(Result(first_error(self.form), status=400))
        self.fields = self.form.cleaned_data
        if self.fields["by"] not in ("", str(self.user.pk)):
            name = self.user.get_username()
            said = _("This page is another user's, and %(name)s has signed in since. Nothing was recorded.")
            return render(Result(said % {"name": name}, status=409))
        try:
            return once_for_form(
                self.user, self.fields["key"], self.data, lambda: render(self.run()), self.check_replay
            )
        except ObjectDoesNotExist:
            return render(Result(str(GONE), status=404))
        except KeyReused:
            return render(Result(_("Something else was recorded with this form. Load the page again."), status=409))
        except Conflict:
            return render(
                Result(_("A simultaneous change got in the way. Nothing was recorded; tap again."), status=409)
            )

    def check_replay(self) -> None:
        """Raises ObjectDoesNotExist where the stored answer names what the user does not see any more."""
        if Policy.of(self.user).sees_everything:
            return
        for name, model in {"plan": CallPlan, "lead": Restaurant, "event": CallEvent}.items():
            if pk := self.fields[name]:
                model.objects.visible_to(self.user).get(pk=pk)

    def run(self) -> Result:
        try:
            with transaction.atomic():
                return self.result()
        except ObjectDoesNotExist:
            return Result(str(GONE), status=404)
        except ValidationError as error:
            return Result(" ".join(error.messages), status=400)

    def result(self) -> Result:
        do = self.fields["do"]
        if not self.user.has_perms(WHO_MAY.get("undo_call" if do == "undo" and self.fields["call"] else do, [])):
            return Result(_("Your account may not do this."), status=403)
        if do in PUT_OFF and (turned := self.day_turned_over()) and not self.fields["anyway"]:
            unchanged = _("Nothing was put off.")
            return Result(f"{turned} {unchanged}", status=409, may_overrule=True)
        if do in ON_PLAN:
            return self.on_plan(do)
        if do in ON_DONE:
            return self.undo() if do == "undo" else self.write_note()
        return self.on_lead(do)

    def day_turned_over(self) -> str:
        """What to say on a page that shows another day than it is now; else empty."""
        today = dates.today(current_zone())
        if self.fields["day"] in (None, today):
            return ""
        shown, now = (date_format(day, _("l, j F")) for day in (self.fields["day"], today))
        return _("It is %(now)s by now, and this page shows %(shown)s.") % {"now": now, "shown": shown}

    # --- On a plan ----------------------------------------------------------------------------

    def on_plan(self, do: str) -> Result:
        plan = CallPlan.objects.visible_to(self.user).get(pk=self.fields["plan"])
        CallPlan.objects.filter(lead=plan.lead_id).lock()
        plan.lock()
        if changed := self.what_happened_since(plan):
            return changed
        verb, body = self.verb(do)
        form = verb(body, obj=plan, user=self.user)
        if not form.is_permitted(self.user):
            return Result(_("Your account may not do this."), status=403)
        if not form.is_valid():
            return Result(first_error(form), status=400)
        message = str(form.run())
        return Result(message, Done(events_of(self.user).filter(plan=plan).latest("id")))

    def verb(self, do: str) -> tuple[type[VerbForm], dict[str, Any]]:
        """The form of the admin that does it, and its input."""
        if do in CALLS:
            contact = self.fields["contact"] or ""
            return RecordCall, {"outcome": CALLS[do].value, "details": self.fields["note"], "contact": contact}
        if do == "skip":
            return Skip, {"reason": self.fields["reason"]}
        day = self.fields["until"]
        if do in PUT_OFF:
            day = dates.today(current_zone()) + timedelta(days=PUT_OFF[do])
        return Snooze, {"until": day or "", "reason": self.fields["reason"]}

    def what_happened_since(self, plan: CallPlan) -> Result | None:
        """A line of the log that the page has not shown: of another device, or of a colleague."""
        if self.fields["anyway"]:
            return None
        event = plan.events.select_related("created_by").order_by("-id").first()
        if event is None or event.pk <= (self.fields["seen"] or 0):
            return None
        at = event.created_at.astimezone(current_zone())
        if event.created_by == self.user:
            said = _("You did something here at %(time)s: %(what)s. Nothing was recorded now.")
        else:
            said = _("%(user)s did something here at %(time)s: %(what)s. Nothing was recorded now.")
        who = event.created_by or _("A deleted user")
        said %= {"user": who, "time": f"{at:%H:%M}", "what": inside(event.get_kind_display())}
        return Result(said, status=409, may_overrule=True)

    # --- On a lead ----------------------------------------------------------------------------

    def on_lead(self, do: str) -> Result:
        lead = Restaurant.objects.visible_to(self.user).get(pk=self.fields["lead"])
        if do == "take_over":
            lead.lock()
            if not Restaurant.objects.visible_to(self.user).unattended().filter(pk=lead.pk).exists():
                return Result(_("%(lead)s has an owner by now. Nothing was changed.") % {"lead": lead}, status=409)
            lead.edit(assigned_to=self.user.pk, by=self.user, note="Taken over in My day.")
            return Result(_("%(lead)s is yours now.") % {"lead": lead})
        if do == "plan_calls":
            lead.lock()
            if lead.call_plans.filter(paused=False).exists() and not self.fields["anyway"]:
                return Result(_("Calls are planned already. Nothing was changed."), status=409, may_overrule=True)
            frequency = self.fields["frequency"] or Frequency.WEEKLY
            plan = CallPlan.objects.create(lead=lead, frequency=frequency, created_by=self.user)
            said = _("Calls are planned: %(frequency)s, the next one on %(day)s.")
            values = {"frequency": inside(Frequency(frequency).label), "day": date_format(next_day(plan), _("j M Y"))}
            return Result(said % values)
        lead.lock()
        latest = newest(Interaction.objects.filter(lead=lead), "lead").get(lead.pk, 0)
        if latest > (self.fields["seen"] or 0) and not self.fields["anyway"]:
            said = _("Something was recorded for this lead meanwhile. Nothing was recorded now.")
            return Result(said, status=409, may_overrule=True)
        contact = self.fields["contact"]
        if contact and not Contact.objects.filter(pk=contact, restaurant=lead).exists():
            return Result(_("This contact is not one of the lead's."), status=400)
        call = Interaction.log(
            lead_id=lead.pk,
            contact_id=contact,
            interaction_type=InteractionType.CALL,
            details=self.fields["note"],
            created_by=self.user,
        )
        return Result(_("Call recorded."), Done(call=call))

    # --- On what was done ---------------------------------------------------------------------

    def done(self) -> Done:
        """What the tap is on, a line of the user's own."""
        if self.fields["call"]:
            return Done(call=calls_of(self.user).get(pk=self.fields["call"]))
        return Done(events_of(self.user).get(pk=self.fields["event"]))

    def undo(self) -> Result:
        done = self.done()
        if done.event is None:
            done.row.delete(by=self.user)
            return Result(_("Taken back."))
        plan = done.event.plan
        if plan.take_back(done.event, by=self.user):
            said = _("Taken back. The next call is on %(day)s.")
            return Result(said % {"day": date_format(next_day(plan), _("j M Y"))})
        return Result(_("It was taken back already."))

    def write_note(self) -> Result:
        done = self.done()
        interaction = done.interaction
        if interaction is None or done.event and done.event.withdrawn:
            return Result(_("The call was taken back; there is nothing to note it on."), status=409)
        order: dict[str, Any] = {}
        if any(self.data.get(name, "").strip() for name in OrderForm.base_fields):
            form = OrderForm(self.data)
            if not form.is_valid():
                return Result(first_error(form), status=400)
            order = {"order": form.cleaned_data}
            if not self.user.has_perm(ADD_ORDER):
                return Result(_("Your account may not record orders."), status=403)
        interaction.lock()
        if order and interaction.has_order_details():
            return Result(_("An order is recorded for this call already. Load the page again."), status=409)
        changes = {"details": self.fields["note"]} if self.fields["note"] or not order else {}
        interaction.edit(by=self.user, **changes, **order)
        done = self.done()  # with what was written
        return Result(_("Note and order saved.") if order else _("Note saved."), done)


def next_day(plan: CallPlan) -> date:
    """The local date of the next call."""
    return dates.day_of(plan.next_call_date, current_zone())
