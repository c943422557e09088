"""What the change forms share: verbs beside the fields, and the way back to the lead."""

from functools import partial
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, ValidationError
from django.db import IntegrityError, OperationalError, models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy

from backoffice.admin.base import CONFLICT_MESSAGE, TimestampedAdmin
from backoffice.admin.timeline import may_view
from backoffice.admin.verb_forms import VerbForm
from backoffice.words import in_english
from crm.api.exceptions import is_conflict
from crm.api.serializers import id_of
from lead.models import Restaurant

AUDIT_FIELDSET: Any = (
    gettext_lazy("Record"),
    {"fields": [("created_at", "creator", "updated_at")], "classes": ["collapse"]},
)


class ChangeFormMixin(TimestampedAdmin):
    """Offers `verbs`. With `?back=lead` in the address, saving redirects to the page of the lead."""

    verbs: ClassVar[list[type[VerbForm]]] = []
    change_form_template = "backoffice/row_page.html"

    @admin.display(description=gettext_lazy("created by"))
    def creator(self, obj: Any) -> Any:
        """Django's own field links to the user, whose page not every viewer may see."""
        return obj.created_by

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None):
        return [*super().get_readonly_fields(request, obj), "creator"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Without what Django fails on: invalid ids, and date-times, which it leaves as strings."""
        initial = super().get_changeform_initial_data(request)
        for field in self.opts.fields:
            value = request.GET.get(field.name)
            is_datetime = isinstance(field, models.DateTimeField)
            if value is not None and (is_datetime or (field.is_relation and not id_of(value))):
                initial.pop(field.name, None)
        return initial

    # --- Verbs --------------------------------------------------------------------------------

    def get_urls(self):
        urls = [
            path(
                f"<path:object_id>/{verb.name}/",
                self.admin_site.admin_view(partial(self.verb_view, verb=verb)),
                name=f"{self.opts.app_label}_{self.opts.model_name}_{verb.name}",
            )
            for verb in self.verbs
        ]
        return urls + super().get_urls()

    def available_verbs(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        """The verbs that the user has permission for and that the state of the row allows, each with its empty form."""
        forms = [verb(obj=obj, user=request.user) for verb in self.verbs if verb.is_permitted(request.user)]
        return [{"form": form, "action": self.page_url(form.name, obj)} for form in forms if form.is_available]

    def page_url(self, page: str, obj: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}", args=[obj.pk])

    def verb_view(self, request: HttpRequest, object_id: str, verb: type[VerbForm]) -> HttpResponse:
        """The verb's own page: the target of its form on the row's page, and where its errors are corrected."""
        if not verb.is_permitted(request.user):
            raise PermissionDenied
        try:
            obj = self.get_object(request, unquote(object_id))
        except ObjectDoesNotExist:
            return self.redirect_missing(request, object_id)
        is_submitted = request.method == "POST"
        form = verb(request.POST if is_submitted else None, obj=obj, user=request.user)
        if is_submitted and form.is_valid():
            self.run_verb(request, obj, form)
            return HttpResponseRedirect(self.lead_url(request, obj) or self.page_url("change", obj))
        context = {
            **self.admin_site.each_context(request),
            "title": form.title,
            "subtitle": str(obj),
            "opts": self.opts,
            "original": obj,
            "form": form,
            "media": self.media,
        }
        return TemplateResponse(request, "backoffice/verb_page.html", context)

    def run_verb(self, request: HttpRequest, obj: Any, form: VerbForm) -> None:
        """With a message to the user: the result, or that a simultaneous change was in conflict."""
        try:
            with transaction.atomic():
                result = form.run()
                self.log_change(request, obj, in_english(result))
        except (ObjectDoesNotExist, ValidationError, IntegrityError, OperationalError) as error:
            if not isinstance(error, ObjectDoesNotExist | ValidationError) and not is_conflict(error):
                raise
            self.message_user(request, CONFLICT_MESSAGE, messages.ERROR)
        else:
            self.message_user(request, str(result), messages.SUCCESS)

    # --- The way back -------------------------------------------------------------------------

    def get_lead_id(self, obj: Any) -> int | None:
        """The id of the lead that a row belongs to."""
        return obj.lead_id

    def lead_url(self, request: HttpRequest, obj: Any) -> str:
        """The lead's page, if the user came from there; else an empty string."""
        if request.GET.get("back") != "lead" or not may_view(request.user, Restaurant):
            return ""
        return reverse("admin:lead_restaurant_change", args=[self.get_lead_id(obj)])

    def render_change_form(self, request: HttpRequest, context, add=False, change=False, form_url="", obj: Any = None):
        if obj and self.model is not Restaurant and may_view(request.user, Restaurant):
            context["lead_href"] = reverse("admin:lead_restaurant_change", args=[self.get_lead_id(obj)])
        return super().render_change_form(request, context, add, change, form_url, obj)

    def response_post_save_add(self, request: HttpRequest, obj: Any) -> HttpResponse:
        back = self.lead_url(request, obj)
        return HttpResponseRedirect(back) if back else super().response_post_save_add(request, obj)

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        back = self.lead_url(request, obj)
        return HttpResponseRedirect(back) if back else super().response_post_save_change(request, obj)
