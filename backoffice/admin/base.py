"""What the ModelAdmins share: they write through the models' verbs, and large tables stay quick.

A form saves only the fields that the user changed on the page, so that it does not undo a simultaneous change.
"""

from contextlib import suppress
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import BaseModelAdmin
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AutocompleteSelect, RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, OperationalError, models, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation
from django.utils.text import capfirst
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import dates
from crm.api.exceptions import is_conflict
from crm.api.serializers import id_of
from crm.db.deletion import summary
from crm.db.models import TimestampedModel, TimestampedQuerySet
from crm.db.search import search
from crm.formats import with_currency

AUDIT_FIELDS = ["created_at", "created_by", "updated_at"]
CONFLICT_MESSAGE = gettext_lazy("A simultaneous change got in the way. Nothing was changed; please look again.")


class ReadOnlyMixin:
    """For a history, as a page or as an inline: only the verbs write it."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Autocomplete(AutocompleteSelect):
    """Django's widget fails when the selected value is not an id."""

    def optgroups(self, name: str, value: list[str], attr: Any = None) -> list:
        return super().optgroups(name, [each for each in value if id_of(str(each))], attr)


class MomentField(forms.SplitDateTimeField):
    """As Django's; midnight is the first instant of its day, also where the clocks skip it or show it twice."""

    def compress(self, data_list: Any) -> datetime | None:
        if data_list and data_list[0] and data_list[1] == time.min:
            with suppress(OverflowError):  # in the year 1: the model's bounds refuse it
                return dates.start_of_day(data_list[0], ZoneInfo(get_current_timezone_name()))
        return super().compress(data_list)


class FormFieldsMixin(BaseModelAdmin):
    """For a ModelAdmin or an inline: its form carries the initial values of the page, which show what was changed.

    A row that the user may not see cannot be chosen either.
    """

    formfield_overrides: Any = {models.DateTimeField: {"form_class": MomentField}}

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any):
        field = super().formfield_for_dbfield(db_field, request, show_hidden_initial=True, **kwargs)
        if field and isinstance(db_field, models.DecimalField):
            field.label = with_currency(capfirst(db_field.verbose_name))
        return field

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> models.QuerySet:
        rows = super().get_field_queryset(db, db_field, request)
        if rows is None:
            rows = db_field.remote_field.model._default_manager.using(db)
        return rows.visible_to(request.user) if isinstance(rows, TimestampedQuerySet) else rows


class EnglishLogMixin(admin.ModelAdmin):
    """The admin's history is stored in English, whatever the language of the page: who reads it may use another one."""

    def log_addition(self, *args: Any) -> Any:
        with translation.override(None):
            return super().log_addition(*args)

    def log_change(self, *args: Any) -> Any:
        with translation.override(None):
            return super().log_change(*args)

    def log_deletions(self, *args: Any) -> Any:
        with translation.override(None):
            return super().log_deletions(*args)


class ConflictsMixin(EnglishLogMixin):
    """Shows a message where a simultaneous request deletes or references the row of the page."""

    def changeform_view(self, request: HttpRequest, object_id: Any = None, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.handle_conflicts(super().changeform_view, request, object_id, *args, **kwargs)

    def delete_view(self, request: HttpRequest, object_id: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.handle_conflicts(super().delete_view, request, object_id, *args, **kwargs)

    def redirect_missing(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """To the list, with a message that the row does not exist; Django redirects to the start page."""
        text = _("%(name)s with ID “%(pk)s” doesn’t exist. Perhaps it was deleted?")
        text %= {"name": capfirst(str(self.opts.verbose_name)), "pk": unquote(object_id)}
        self.message_user(request, text, messages.WARNING)
        return redirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))

    def handle_conflicts(self, view: Any, request: HttpRequest, object_id: Any, *args: Any, **kwargs: Any):
        """Django's `view`, whose exceptions become messages."""
        try:
            return view(request, object_id, *args, **kwargs)
        except self.model.DoesNotExist:
            if not self.has_view_or_change_permission(request):  # as Django answers for a row that exists
                raise PermissionDenied from None
            return self.redirect_missing(request, object_id)
        except (IntegrityError, OperationalError) as error:
            if request.method != "POST" or not is_conflict(error):
                raise
            self.message_user(request, CONFLICT_MESSAGE, messages.ERROR)
            return redirect(request.get_full_path())


class TimestampedAdmin(FormFieldsMixin, ConflictsMixin):
    """`search_fields` names lookup paths to SearchFields. Rows that the user may not see are as missing ones."""

    readonly_fields: Any = AUDIT_FIELDS
    list_per_page = 50
    show_full_result_count = False
    ordering = ["-id"]

    def get_queryset(self, request: HttpRequest) -> TimestampedQuerySet:
        """What the lists, pages, actions and autocompletion of the table show and change."""
        rows: Any = super().get_queryset(request)
        return rows.visible_to(request.user)

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any):
        """Without buttons to add, change or delete the related row."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and isinstance(field.widget, RelatedFieldWidgetWrapper):
            wrapper = field.widget
            wrapper.can_add_related = wrapper.can_change_related = False
            wrapper.can_delete_related = wrapper.can_view_related = False
        return field

    def formfield_for_foreignkey(self, db_field: models.ForeignKey, request: HttpRequest, **kwargs: Any):
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", Autocomplete(db_field, self.admin_site, using=kwargs.get("using")))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_search_results(self, request: HttpRequest, queryset: models.QuerySet, search_term: str):
        if not search_term.strip():
            return queryset, False
        try:
            return search(queryset, [*self.get_search_fields(request)], search_term, request.user), False
        except ValidationError:
            return queryset.none(), False

    def history_view(self, request: HttpRequest, object_id: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.handle_conflicts(super().history_view, request, object_id, *args, **kwargs)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Raises DoesNotExist for a missing row, where Django's returns None."""
        row = super().get_object(request, object_id, from_field)
        if row is None:
            raise self.model.DoesNotExist
        return row

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            self.edit(obj, by=request.user, **{name: form.cleaned_data[name] for name in form.changed_data})
        else:
            obj.__dict__.update(self.create(created_by=request.user, **form.cleaned_data).__dict__)

    def create(self, **fields: Any) -> TimestampedModel:
        """The verb that creates a row."""
        return self.model.objects.create(**fields)

    def edit(self, obj: TimestampedModel, *, by, **changes: Any) -> None:
        """The verb that changes a row; it reads the row again."""
        obj.edit(by=by, **changes)

    def delete(self, obj: TimestampedModel, *, by) -> None:
        """The verb that deletes a row."""
        obj.delete()

    def get_deleted_objects(self, objs: Any, request: HttpRequest):
        """The permission to delete a row covers the rows that are deleted with it; nothing is protected."""
        rows = (
            objs if isinstance(objs, models.QuerySet) else self.model._base_manager.filter(pk__in=[o.pk for o in objs])
        )
        return *summary(rows, request, self.admin_site), set(), []

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.delete_queryset(request, self.get_queryset(request).filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Row by row, since the models override `delete`, in the order in which all verbs lock rows."""
        with transaction.atomic():
            for obj in queryset.locked_with_keys().order_by("pk"):
                self.delete(obj, by=request.user)
