"""What the pages of single rows have in common: verbs beside the fields and the way back to the lead."""

from functools import partial
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, ValidationError
from django.db import IntegrityError, OperationalError, models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone

from backoffice.accounts.user_field import zone_of_viewer
from backoffice.admin.base import IN_THE_WAY, TimestampedAdmin
from backoffice.admin.timeline import may_view
from backoffice.admin.verb_forms import VerbForm
from crm.api.exceptions import is_conflict
from crm.api.serializers import id_of
from lead.models import Restaurant

RECORD: Any = ("Record", {"fields": [("created_at", "made_by", "updated_at")], "classes": ["collapse"]})


class Page(TimestampedAdmin):
    """A page that offers `verbs`. With `?back=lead` in its address, saving leads back to the lead."""

    verbs: ClassVar[list[type[VerbForm]]] = []
    change_form_template = "backoffice/row_page.html"

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any):
        """Beside the choice of another row no buttons that change or delete it."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and isinstance(field.widget, RelatedFieldWidgetWrapper):
            wrapper = field.widget
            wrapper.can_add_related = wrapper.can_change_related = False
            wrapper.can_delete_related = wrapper.can_view_related = False
        return field

    @admin.display(description="created by")
    def made_by(self, obj: Any) -> Any:
        """Where Django would link to the user, whom not everybody may see."""
        return obj.created_by

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None):
        return [*super().get_readonly_fields(request, obj), "made_by"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Without what Django would fail on: references that make no sense, and moments, which it leaves texts."""
        initial = super().get_changeform_initial_data(request)
        for field in self.opts.fields:
            given = request.GET.get(field.name)
            is_moment = isinstance(field, models.DateTimeField)
            if given is not None and (is_moment or (field.is_relation and not id_of(given))):
                initial.pop(field.name, None)
        return initial

    # --- Zone ---------------------------------------------------------------------------------

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.in_zone_of_viewer(request, super().changeform_view, *args, **kwargs)

    def history_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.in_zone_of_viewer(request, super().history_view, *args, **kwargs)

    def in_zone_of_viewer(self, request: HttpRequest, view: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Times are shown, and read from forms, in the zone of the viewer's work profile, as in the lists."""
        with timezone.override(zone_of_viewer(request)):
            response = view(request, *args, **kwargs)
            return response.render() if isinstance(response, TemplateResponse) else response

    # --- Verbs --------------------------------------------------------------------------------

    def get_urls(self):
        urls = [
            path(
                f"<path:object_id>/{verb.name}/",
                self.admin_site.admin_view(partial(self.in_zone_of_viewer, view=partial(self.verb_view, verb=verb))),
                name=f"{self.opts.app_label}_{self.opts.model_name}_{verb.name}",
            )
            for verb in self.verbs
        ]
        return urls + super().get_urls()

    def offered(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        """The verbs that this user may have done to the row as it stands, each with its empty form."""
        forms = [verb(obj=obj, user=request.user) for verb in self.verbs if verb.is_for(request.user)]
        return [{"form": form, "action": self.address_of(form.name, obj)} for form in forms if form.makes_sense]

    def address_of(self, page: str, obj: Any) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}", args=[obj.pk])

    def verb_view(self, request: HttpRequest, object_id: str, verb: type[VerbForm]) -> HttpResponse:
        """The verb's own page: what its form on the row's page is sent to, and where its mistakes are mended."""
        if not verb.is_for(request.user):
            raise PermissionDenied
        try:
            obj = self.get_object(request, unquote(object_id))
        except ObjectDoesNotExist:
            return self.gone(request, object_id)
        is_sent = request.method == "POST"
        form = verb(request.POST if is_sent else None, obj=obj, user=request.user)
        if is_sent and form.is_valid():
            self.do(request, obj, form)
            return HttpResponseRedirect(self.lead_page(request, obj) or self.address_of("change", obj))
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

    def do(self, request: HttpRequest, obj: Any, form: VerbForm) -> None:
        """Have the verb done, and tell the user; also that somebody else has got in the way."""
        try:
            with transaction.atomic():
                said = form.do()
                self.log_change(request, obj, said)
        except (ObjectDoesNotExist, ValidationError, IntegrityError, OperationalError) as error:
            if not isinstance(error, ObjectDoesNotExist | ValidationError) and not is_conflict(error):
                raise
            self.message_user(request, IN_THE_WAY, messages.ERROR)
        else:
            self.message_user(request, said, messages.SUCCESS)

    # --- The way back -------------------------------------------------------------------------

    def lead_of(self, obj: Any) -> int | None:
        """The lead that a row belongs to."""
        return obj.lead_id

    def lead_page(self, request: HttpRequest, obj: Any) -> str:
        """Where to go back to; "" for whoever did not come from there."""
        if request.GET.get("back") != "lead" or not may_view(request.user, Restaurant):
            return ""
        return reverse("admin:lead_restaurant_change", args=[self.lead_of(obj)])

    def render_change_form(self, request: HttpRequest, context, add=False, change=False, form_url="", obj: Any = None):
        if obj and self.model is not Restaurant and may_view(request.user, Restaurant):
            context["lead_href"] = reverse("admin:lead_restaurant_change", args=[self.lead_of(obj)])
        return super().render_change_form(request, context, add, change, form_url, obj)

    def response_post_save_add(self, request: HttpRequest, obj: Any) -> HttpResponse:
        back = self.lead_page(request, obj)
        return HttpResponseRedirect(back) if back else super().response_post_save_add(request, obj)

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        back = self.lead_page(request, obj)
        return HttpResponseRedirect(back) if back else super().response_post_save_change(request, obj)
