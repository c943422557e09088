"""What can be done with many rows of a list at once: through the verbs, all or nothing.

Between choosing and doing there is a page that shows what is concerned and asks for what the verb has to know.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import model_ngettext
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, OperationalError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from backoffice.accounts.user_field import ColleagueField
from backoffice.admin.base import IN_THE_WAY
from backoffice.admin.verb_forms import MAX_TEXT, Moment, TextArea
from call.log import AHEAD, ATTEMPTS
from call.models import CallPlan, Outcome
from crm import dates
from crm.api.exceptions import is_conflict
from crm.db.batches import batched
from lead.models import BATCH, LeadStatus, Restaurant
from track.models import Interaction, InteractionType

MOST = 5_000  # rows of one action: they stay locked until it is done
MOST_CALLS = 1_000
SHOWN = 20


class RowsAction:
    """An action of a ModelAdmin. Its page is sent back to the list with `post`, as Django's own one is."""

    name: ClassVar[str]
    short_description: ClassVar[str]  # what the list offers
    button: ClassVar[str]
    done: ClassVar[str]  # what is said of the rows that were concerned
    allowed_permissions: ClassVar[list[str]] = ["change"]
    form_class: ClassVar[type[forms.Form]] = forms.Form
    most: ClassVar[int] = MOST

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(self, model_admin: Any, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        rows = queryset.order_by("pk").select_related(None).values_list("pk", flat=True)
        ids = list(rows[: self.most + 1])
        if len(ids) > self.most:
            said = f"More than {self.most:,} {model_ngettext(model_admin.opts, 2)} match. Narrow them down first."
            model_admin.message_user(request, f"{said} Nothing was changed.", messages.ERROR)
            return None
        is_sent = "post" in request.POST
        form = self.form_class(request.POST if is_sent else None, label_suffix="")
        if is_sent and self.is_as_shown(request, form, ids) and form.is_valid():
            try:
                with transaction.atomic():
                    count = self.do(model_admin, request, ids, **form.cleaned_data)
            except ValidationError as error:
                form.add_error(None, error.messages)
            except (IntegrityError, OperationalError) as error:
                if not is_conflict(error):
                    raise
                form.add_error(None, IN_THE_WAY)
            else:
                self.report(model_admin, request, count, len(ids))
                return None
        return self.page(model_admin, request, queryset, ids, form)

    def is_as_shown(self, request: HttpRequest, form: forms.Form, ids: list[int]) -> bool:
        """Whether "all that match" are as many as the page said. Else it is shown again, with what is there now."""
        if request.POST.get("select_across", "0") == "0" or request.POST.get("shown") == str(len(ids)):
            return True
        form.add_error(None, f"Meanwhile {len(ids):,} match. Look again before you go on.")
        return False

    def do(self, model_admin: Any, request: HttpRequest, ids: list[int], **facts: Any) -> int:
        """Do it, inside a transaction. Returns how many rows it concerned."""
        raise NotImplementedError

    def report(self, model_admin: Any, request: HttpRequest, count: int, chosen: int) -> None:
        said = f"{self.done}: {counted(model_admin, count)}."
        if rest := chosen - count:
            said += f" {rest:,} {'was' if rest == 1 else 'were'} left as {'it was' if rest == 1 else 'they were'}."
        model_admin.message_user(request, said, messages.SUCCESS if count else messages.WARNING)

    def page(
        self, model_admin: Any, request: HttpRequest, queryset: QuerySet, ids: list[int], form: forms.Form
    ) -> HttpResponse:
        across = request.POST.get("select_across", "0") != "0"
        request.current_app = model_admin.admin_site.name
        context = {
            **model_admin.admin_site.each_context(request),
            "title": self.button,
            "subtitle": None,
            "opts": model_admin.opts,
            "button": self.button,
            "form": form,
            "count": counted(model_admin, len(ids)),
            "rows": [model_admin.describe(row) for row in queryset[:SHOWN]],
            "others": max(0, len(ids) - SHOWN),
            "hidden": [
                ("action", self.name),
                ("select_across", int(across)),
                ("shown", len(ids)),
                *[(ACTION_CHECKBOX_NAME, pk) for pk in (ids[:1] if across else ids)],
            ],
            "back": request.get_full_path(),
            **self.more_context(model_admin, request, queryset),
        }
        return TemplateResponse(request, "backoffice/action.html", context)

    def more_context(self, model_admin: Any, request: HttpRequest, queryset: QuerySet) -> dict[str, Any]:
        return {}


def counted(model_admin: Any, count: int) -> str:
    return f"{count:,} {model_ngettext(model_admin.opts, count)}"


def note_in_log(request: HttpRequest, rows: QuerySet, said: str) -> None:
    """What the admin shows as the history of a row."""
    user: Any = request.user
    LogEntry.objects.log_actions(user.pk, rows, CHANGE, said)


def locked_leads(ids: list[int]) -> Iterator[Restaurant]:
    """In the order of their ids, a batch at a time in memory; those that are gone are left out."""
    for batch in batched(ids, BATCH):
        yield from Restaurant.objects.locked().filter(pk__in=batch).order_by("pk")


# --- Leads ----------------------------------------------------------------------------------------


class NoteForm(forms.Form):
    note = forms.CharField(required=False, max_length=MAX_TEXT, widget=TextArea)


class StatusForm(NoteForm):
    status = forms.ChoiceField(choices=LeadStatus.choices, label="New status")

    field_order = ["status", "note"]


class ChangeStatuses(RowsAction):
    name, button, done = "change_status", "Change status", "Status changed"
    short_description = "Change status…"
    form_class = StatusForm

    def do(self, model_admin: Any, request: HttpRequest, ids: list[int], *, status: str, note: str) -> int:
        changed = [lead.pk for lead in locked_leads(ids) if lead.change_status(status, by=request.user, note=note)]
        for batch in batched(changed, BATCH):
            said = f"Status changed to {LeadStatus(status).label}."
            note_in_log(request, Restaurant.objects.filter(pk__in=batch), said)
        return len(changed)


class OwnerForm(NoteForm):
    to = ColleagueField(label="New owner")

    field_order = ["to", "note"]


class HandOver(RowsAction):
    """From each of the present owners; whoever is the new one already keeps their leads."""

    name, button, done = "hand_over", "Hand over", "Handed over"
    short_description = "Hand over…"
    allowed_permissions = ["hand_over"]
    form_class = OwnerForm

    def do(self, model_admin: Any, request: HttpRequest, ids: list[int], *, to: Any, note: str) -> int:
        leads_of = defaultdict(list)
        for lead in locked_leads(ids):
            leads_of[lead.assigned_to_id].append(lead.pk)
        leads_of.pop(to.pk, None)
        for owner, leads in leads_of.items():
            Restaurant.objects.hand_over(owner, to.pk, leads=leads, by=request.user, note=note)
            for batch in batched(leads, BATCH):
                note_in_log(request, Restaurant.objects.filter(pk__in=batch), f"Handed over to {to}.")
        return sum(map(len, leads_of.values()))


class CallForm(forms.Form):
    last_called = Moment(required=False, label="When")
    details = forms.CharField(required=False, max_length=MAX_TEXT, widget=TextArea)

    def clean_last_called(self) -> Any:
        called = self.cleaned_data["last_called"] or dates.now()
        if called > dates.now() + AHEAD:
            raise ValidationError("A call cannot have been made more than a day in the future.")
        for check in Interaction._meta.get_field("date").validators:
            check(called)
        return called


class LogCalls(RowsAction):
    """With leads: the call is an interaction, which the lead's plans follow."""

    name, button, done = "log_call", "Record the call", "Call recorded"
    short_description = "Record a call with each…"
    allowed_permissions = ["log_call"]
    most = MOST_CALLS
    form_class = CallForm

    def do(self, model_admin: Any, request: HttpRequest, ids: list[int], *, last_called: Any, details: str) -> int:
        lock_plans_of(ids)
        facts = {"interaction_type": InteractionType.CALL, "date": last_called, "details": details}
        leads = Restaurant.objects.filter(pk__in=ids).order_by("pk")
        for lead in leads:
            Interaction.log(lead=lead, created_by=request.user, **facts)
        return len(leads)


# --- Call plans -----------------------------------------------------------------------------------


class PlanCallForm(CallForm):
    outcome = forms.ChoiceField(choices=[("", "Not noted"), *Outcome.choices], required=False)

    field_order = ["outcome", "details", "last_called"]


class RecordCalls(RowsAction):
    """A lead with several of the chosen plans was called once: what was said is noted with the first of them."""

    name, button, done = "record_call", "Record the call", "Call recorded"
    short_description = "Record a call…"
    allowed_permissions = ["record_call"]
    most = MOST_CALLS
    form_class = PlanCallForm

    def do(
        self, model_admin: Any, request: HttpRequest, ids: list[int], *, last_called: Any, outcome: str, details: str
    ) -> int:
        noted: set[int] = set()
        count = 0
        lead_of = dict(CallPlan.objects.filter(pk__in=ids).values_list("pk", "lead_id"))
        lock_plans_of(list(lead_of.values()))
        for batch in batched(sorted(lead_of), BATCH):
            for plan in CallPlan.objects.filter(pk__in=batch).lock_with_calendars():
                facts: dict[str, Any] = {"outcome": outcome, "details": details}
                if plan.lead_id in noted:
                    if outcome in ATTEMPTS:
                        continue
                    facts = {}
                noted.add(plan.lead_id)
                plan.record_call(last_called, by=request.user, **facts)
                count += 1
            note_in_log(request, CallPlan.objects.filter(pk__in=batch), "Recorded a call.")
        return count


def lock_plans_of(leads: list[int]) -> None:
    """All of them, in the order of their ids, before the verb locks those of one lead."""
    CallPlan.objects.filter(lead__in=leads).lock()


# --- Every table ----------------------------------------------------------------------------------


class DeleteRows(RowsAction):
    """In place of Django's: it says how much goes along rather than naming every row of it."""

    name, button, done = "delete_selected", "Delete", "Deleted"
    short_description = "Delete…"
    allowed_permissions = ["delete"]
    most = 500

    def do(self, model_admin: Any, request: HttpRequest, ids: list[int]) -> int:
        rows = model_admin.get_queryset(request).filter(pk__in=ids)
        if self.more_context(model_admin, request, rows)["refusal"]:
            raise PermissionDenied
        count = len(rows)
        model_admin.log_deletions(request, rows)
        model_admin.delete_queryset(request, rows)
        return count

    def more_context(self, model_admin: Any, request: HttpRequest, queryset: QuerySet) -> dict[str, Any]:
        going, _, lacking, protected = model_admin.get_deleted_objects(queryset.order_by(), request)
        return {"going": going, "refusal": sorted({*map(str, lacking), *map(str, protected)})}
