"""The page of a call plan: its dates, the verbs that move them, and the log of what happened."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from backoffice.admin.changeform import RECORD, Page
from backoffice.admin.lead_inlines import NewestFormSet
from backoffice.admin.plan_base import CallEventInline
from backoffice.admin.verb_forms import Pause, RecordCall, Resume, SetFrequency, Skip, Snooze
from call.models import CallEvent, CallPlan


class NewestEvents(NewestFormSet):
    most = 50


class LogInline(CallEventInline):
    formset: Any = NewestEvents
    template = "backoffice/log_inline.html"
    fields = readonly_fields = ["happened_at", "kind", "planned", "outcome", "reason", "interaction", "made_by"]

    @admin.display(description="by")
    def made_by(self, event: CallEvent) -> Any:
        """Without a link, as on the page."""
        return event.created_by


class PlanPage(Page):
    change_form_template = "backoffice/plan_page.html"
    verbs = [RecordCall, Snooze, Skip, Pause, Resume, SetFrequency]
    inlines = [LogInline]
    plan_fields = (None, {"fields": ["lead", ("frequency", "paused"), ("last_called", "next_call_date"), "notes"]})
    new_fields = (None, {"fields": ["lead", ("frequency", "next_call_date"), "notes"]})

    def get_fieldsets(self, request: HttpRequest, obj: CallPlan | None = None):
        return [self.plan_fields, RECORD] if obj else [self.new_fields]

    def get_inlines(self, request: HttpRequest, obj: CallPlan | None):
        return self.inlines if obj else []

    def render_change_form(self, request: HttpRequest, context, add=False, change=False, form_url="", obj: Any = None):
        """The verbs beside the form. A form that has mistakes stands alone."""
        if obj and not context["errors"] and not context["is_popup"]:
            context["verbs"] = self.offered(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)
