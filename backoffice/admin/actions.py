"""Bulk actions of the lists: through the verbs, in one transaction.

An intermediate page shows the selected rows and the form with the verb's input.
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
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from backoffice.accounts.user_field import UserField
from backoffice.admin.base import CONFLICT_MESSAGE
from backoffice.admin.verb_forms import MAX_TEXT, LocalDateTimeField, LostReasonField, TextArea
from backoffice.words import in_english
from call.models import CallPlan, Outcome
from call.models.event import AHEAD, ATTEMPTS
from crm import dates
from crm.api.exceptions import is_conflict
from crm.db.batches import batched
from crm.formats import number
from lead.models import BATCH, LeadStatus, Restaurant
from lead.models.restaurant import REASON_OF_LOST
from track.models import Interaction, InteractionType

MAX_ROWS = 5_000  # of one action: they are locked until it commits
MAX_CALLS = 1_000
SHOWN = 20


class BulkAction:
    """An action of a ModelAdmin. Its page posts to the list with `post`, as Django's own one does."""

    name: ClassVar[str]
    short_description: ClassVar[Any]  # its label in the list
    button: ClassVar[Any]
    done: ClassVar[Any]  # the beginning of the message afterwards
    allowed_permissions: ClassVar[list[str]] = ["change"]
    form_class: ClassVar[type[forms.Form]] = forms.Form
    max_rows: ClassVar[int] = MAX_ROWS

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(self, model_admin: Any, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        rows = queryset.order_by("pk").select_related(None).values_list("pk", flat=True)
        ids = list(rows[: self.max_rows + 1])
        if len(ids) > self.max_rows:
            message = _("More than %(rows)s match. Narrow them down first. Nothing was changed.")
            model_admin.message_user(request, message % {"rows": counted(model_admin, self.max_rows)}, messages.ERROR)
            return None
        is_submitted = "post" in request.POST
        form = self.get_form(model_admin, request, ids, request.POST if is_submitted else None)
        if is_submitted and self.matches_page(request, form, ids) and form.is_valid():
            try:
                with transaction.atomic():
                    count = self.run(model_admin, request, ids, **form.cleaned_data)
            except ValidationError as error:
                form.add_error(None, error.messages)
            except (IntegrityError, OperationalError) as error:
                if not is_conflict(error):
                    raise
                form.add_error(None, CONFLICT_MESSAGE)
            else:
                self.report(model_admin, request, count, len(ids))
                return None
        return self.page(model_admin, request, queryset, ids, form)

    def get_form(self, model_admin: Any, request: HttpRequest, ids: list[int], data: Any) -> forms.Form:
        return self.form_class(data, label_suffix="")

    def matches_page(self, request: HttpRequest, form: forms.Form, ids: list[int]) -> bool:
        """Whether "all that match" are as many as on the page. Otherwise the page is shown again with the new count."""
        if request.POST.get("select_across", "0") == "0" or request.POST.get("shown") == str(len(ids)):
            return True
        text = ngettext(
            "Meanwhile %(count)s match. Look again before you go on.",
            "Meanwhile %(count)s match. Look again before you go on.",
            len(ids),
        )
        form.add_error(None, text % {"count": number(len(ids))})
        return False

    def run(self, model_admin: Any, request: HttpRequest, ids: list[int], **values: Any) -> int:
        """Runs the verb, inside a transaction. Returns the number of rows that changed."""
        raise NotImplementedError

    def report(self, model_admin: Any, request: HttpRequest, count: int, selected: int) -> None:
        message = f"{self.done}: {counted(model_admin, count)}."
        if same := selected - count:
            left = ngettext("%(count)s was left as it was.", "%(count)s were left as they were.", same)
            message += f" {left % {'count': number(same)}}"
        model_admin.message_user(request, message, messages.SUCCESS if count else messages.WARNING)

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
            **self.get_extra_context(model_admin, request, queryset),
        }
        return TemplateResponse(request, "backoffice/action.html", context)

    def get_extra_context(self, model_admin: Any, request: HttpRequest, queryset: QuerySet) -> dict[str, Any]:
        return {}


def counted(model_admin: Any, count: int) -> str:
    return f"{number(count)} {model_ngettext(model_admin.opts, count)}"


def log_changes(request: HttpRequest, rows: QuerySet, message: str) -> None:
    """In the admin's history of each row."""
    user: Any = request.user
    with translation.override(None):
        LogEntry.objects.log_actions(user.pk, rows, CHANGE, message)


def locked_leads(ids: list[int], user: Any) -> Iterator[Restaurant]:
    """In the order of their ids, one batch at a time in memory, without those that are deleted or hidden by now."""
    for batch in batched(ids, BATCH):
        yield from Restaurant.objects.visible_to(user).locked().filter(pk__in=batch).order_by("pk")


# --- Leads ----------------------------------------------------------------------------------------


class NoteForm(forms.Form):
    note = forms.CharField(required=False, max_length=MAX_TEXT, widget=TextArea, label=gettext_lazy("Note"))


class StatusForm(NoteForm):
    status = forms.ChoiceField(choices=LeadStatus.choices, label=gettext_lazy("New status"))
    reason = LostReasonField()

    field_order = ["status", "reason", "note"]

    def clean_reason(self) -> str:
        reason = self.cleaned_data["reason"]
        if reason and self.cleaned_data.get("status") != LeadStatus.LOST:
            raise ValidationError(REASON_OF_LOST)
        return reason


class ChangeStatuses(BulkAction):
    name, button, done = "change_status", gettext_lazy("Change status"), gettext_lazy("Status changed")
    short_description = gettext_lazy("Change status…")
    form_class = StatusForm

    def run(self, model_admin: Any, request: HttpRequest, ids: list[int], *, status: str, **why: str) -> int:
        user = request.user
        changed = [lead.pk for lead in locked_leads(ids, user) if lead.change_status(status, by=user, **why)]
        for batch in batched(changed, BATCH):
            message = f"Status changed to {in_english(LeadStatus(status).label)}."
            log_changes(request, Restaurant.objects.filter(pk__in=batch), message)
        return len(changed)


class OwnerForm(NoteForm):
    to = UserField(label=gettext_lazy("New owner"))

    field_order = ["to", "note"]


class HandOver(BulkAction):
    """From each of the current owners. Leads that the new owner has already do not change."""

    name, button, done = "hand_over", gettext_lazy("Hand over"), gettext_lazy("Handed over")
    short_description = gettext_lazy("Hand over…")
    allowed_permissions = ["hand_over"]
    form_class = OwnerForm

    def get_form(self, model_admin: Any, request: HttpRequest, ids: list[int], data: Any) -> forms.Form:
        form: Any = super().get_form(model_admin, request, ids, data)
        form.fields["to"].giver = request.user
        return form

    def run(self, model_admin: Any, request: HttpRequest, ids: list[int], *, to: Any, note: str) -> int:
        leads_of = defaultdict(list)
        for lead in locked_leads(ids, request.user):
            leads_of[lead.assigned_to_id].append(lead.pk)
        leads_of.pop(to.pk, None)
        for owner, leads in leads_of.items():
            Restaurant.objects.hand_over(owner, to.pk, leads=leads, by=request.user, note=note)
            for batch in batched(leads, BATCH):
                log_changes(request, Restaurant.objects.filter(pk__in=batch), f"Handed over to {to}.")
        return sum(map(len, leads_of.values()))


class CallForm(forms.Form):
    last_called = LocalDateTimeField(required=False, label=gettext_lazy("When"))
    details = forms.CharField(required=False, max_length=MAX_TEXT, widget=TextArea, label=gettext_lazy("Details"))

    def clean_last_called(self) -> Any:
        called = self.cleaned_data["last_called"] or dates.now()
        if called > dates.now() + AHEAD:
            raise ValidationError(_("A call cannot have been made more than a day in the future."))
        for check in Interaction._meta.get_field("date").validators:
            check(called)
        return called


class LogCalls(BulkAction):
    """With leads: the call is an interaction, which updates the lead's plans."""

    name, button, done = "log_call", gettext_lazy("Record the call"), gettext_lazy("Call recorded")
    short_description = gettext_lazy("Record a call with each…")
    allowed_permissions = ["log_call"]
    max_rows = MAX_CALLS
    form_class = CallForm

    def run(self, model_admin: Any, request: HttpRequest, ids: list[int], *, last_called: Any, details: str) -> int:
        lock_plans_of(ids)
        call = {"interaction_type": InteractionType.CALL, "date": last_called, "details": details}
        leads = Restaurant.objects.visible_to(request.user).filter(pk__in=ids).order_by("pk")
        for lead in leads:
            Interaction.log(lead=lead, created_by=request.user, **call)
        return len(leads)


# --- Call plans -----------------------------------------------------------------------------------


class PlanCallForm(CallForm):
    outcome = forms.ChoiceField(
        choices=[("", gettext_lazy("Not noted")), *Outcome.choices], required=False, label=gettext_lazy("Outcome")
    )

    field_order = ["outcome", "details", "last_called"]


class RecordCalls(BulkAction):
    """A lead with several of the selected plans was called once: the details are stored with the first of them."""

    name, button, done = "record_call", gettext_lazy("Record the call"), gettext_lazy("Call recorded")
    short_description = gettext_lazy("Record a call…")
    allowed_permissions = ["record_call"]
    max_rows = MAX_CALLS
    form_class = PlanCallForm

    def run(
        self, model_admin: Any, request: HttpRequest, ids: list[int], *, last_called: Any, outcome: str, details: str
    ) -> int:
        seen: set[int] = set()
        count = 0
        lead_of = dict(CallPlan.objects.filter(pk__in=ids).values_list("pk", "lead_id"))
        lock_plans_of(list(lead_of.values()))
        for batch in batched(sorted(lead_of), BATCH):
            for plan in CallPlan.objects.filter(pk__in=batch).lock_with_calendars():
                call: dict[str, Any] = {"outcome": outcome, "details": details}
                if plan.lead_id in seen:
                    if outcome in ATTEMPTS:
                        continue
                    call = {}
                seen.add(plan.lead_id)
                plan.record_call(last_called, by=request.user, **call)
                count += 1
            log_changes(request, CallPlan.objects.filter(pk__in=batch), "Recorded a call.")
        return count


def lock_plans_of(leads: list[int]) -> None:
    """In the order of their ids, before the verb locks those of one lead at a time."""
    CallPlan.objects.filter(lead__in=leads).lock()


# --- Every table ----------------------------------------------------------------------------------


class DeleteRows(BulkAction):
    """In place of Django's: it counts the related rows that are deleted too, rather than listing each."""

    name, button, done = "delete_selected", gettext_lazy("Delete"), gettext_lazy("Deleted")
    short_description = gettext_lazy("Delete…")
    allowed_permissions = ["delete"]
    max_rows = 500
    refusal: ClassVar[Any] = gettext_lazy("You may not delete the related rows, which would be deleted too: {}.")

    def run(self, model_admin: Any, request: HttpRequest, ids: list[int]) -> int:
        rows = model_admin.get_queryset(request).filter(pk__in=ids)
        self.check(model_admin, request, rows)
        count = len(rows)
        model_admin.log_deletions(request, rows)
        model_admin.delete_queryset(request, rows)
        return count

    def check(self, model_admin: Any, request: HttpRequest, rows: QuerySet) -> None:
        if self.get_extra_context(model_admin, request, rows)["refusal"]:
            raise PermissionDenied

    def get_extra_context(self, model_admin: Any, request: HttpRequest, queryset: QuerySet) -> dict[str, Any]:
        deleted, _counts, missing, protected = model_admin.get_deleted_objects(queryset.order_by(), request)
        names = ", ".join(sorted({*map(str, missing), *map(str, protected)}))
        return {"deleted": deleted, "refusal": str(self.refusal).format(names) if names else ""}
