"""What the admin of every table has in common: it writes through the model's own verbs and stays quick in large tables.

A form saves only the fields that its user changed since the page was drawn, so that nobody's neighbouring change is
undone.
"""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, models, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.text import capfirst

from crm.api.exceptions import is_conflict
from crm.api.serializers import id_of
from crm.db.deletion import summary
from crm.db.models import TimestampedModel
from crm.db.search import search

STAMPS = ["created_at", "created_by", "updated_at"]
IN_THE_WAY = "A simultaneous change got in the way. Nothing was changed; please look again."


class WrittenByVerbs:
    """Of a history, as a page or inline: there to read. The verbs write it, nobody else."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Autocomplete(AutocompleteSelect):
    """Django's, which fails where it has to show a chosen value that is no id."""

    def optgroups(self, name: str, value: list[str], attr: Any = None) -> list:
        return super().optgroups(name, [each for each in value if id_of(str(each))], attr)


class TimestampedAdmin(admin.ModelAdmin):
    """`search_fields` names one look-up path to a SearchField."""

    readonly_fields: Any = STAMPS
    list_per_page = 50
    show_full_result_count = False
    ordering = ["-id"]

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any):
        """The value that the page showed travels with the form: what differs from it is what the user changed."""
        return super().formfield_for_dbfield(db_field, request, show_hidden_initial=True, **kwargs)

    def formfield_for_foreignkey(self, db_field: models.ForeignKey, request: HttpRequest, **kwargs: Any):
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", Autocomplete(db_field, self.admin_site, using=kwargs.get("using")))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_search_results(self, request: HttpRequest, queryset: models.QuerySet, search_term: str):
        if not search_term.strip():
            return queryset, False
        try:
            return search(queryset, self.get_search_fields(request)[0], search_term), False
        except ValidationError:
            return queryset.none(), False

    def changeform_view(self, request: HttpRequest, object_id: Any = None, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.unless_in_the_way(super().changeform_view, request, object_id, *args, **kwargs)

    def delete_view(self, request: HttpRequest, object_id: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.unless_in_the_way(super().delete_view, request, object_id, *args, **kwargs)

    def history_view(self, request: HttpRequest, object_id: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.unless_in_the_way(super().history_view, request, object_id, *args, **kwargs)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Raises DoesNotExist for a row that is not there, where Django's answers None."""
        found = super().get_object(request, object_id, from_field)
        if found is None:
            raise self.model.DoesNotExist
        return found

    def gone(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """To the list, with word of the row that is not there; Django leads to the start page."""
        text = (
            f"{capfirst(self.opts.verbose_name)} with ID “{unquote(object_id)}” doesn’t exist. Perhaps it was deleted?"
        )
        self.message_user(request, text, messages.WARNING)
        return redirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))

    def unless_in_the_way(self, view: Any, request: HttpRequest, object_id: Any, *args: Any, **kwargs: Any):
        """What Django's `view` answers; a row that somebody deletes or refers to meanwhile is told, not an error."""
        try:
            return view(request, object_id, *args, **kwargs)
        except self.model.DoesNotExist:
            return self.gone(request, object_id)
        except (IntegrityError, OperationalError) as error:
            if request.method != "POST" or not is_conflict(error):
                raise
            self.message_user(request, IN_THE_WAY, messages.ERROR)
            return redirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            self.edit(obj, by=request.user, **{name: form.cleaned_data[name] for name in form.changed_data})
        else:
            obj.__dict__.update(self.create(created_by=request.user, **form.cleaned_data).__dict__)

    def create(self, **fields: Any) -> TimestampedModel:
        """The verb by which a row comes into being."""
        return self.model.objects.create(**fields)

    def edit(self, obj: TimestampedModel, *, by, **changes: Any) -> None:
        """The verb by which a row changes; it reads the row anew."""
        obj.edit(by=by, **changes)

    def get_deleted_objects(self, objs: Any, request: HttpRequest):
        """Whoever may delete a row may delete what goes along with it; nothing is protected."""
        rows = (
            objs if isinstance(objs, models.QuerySet) else self.model._base_manager.filter(pk__in=[o.pk for o in objs])
        )
        return *summary(rows, request, self.admin_site), set(), []

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.delete_queryset(request, self.model.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Row by row, as the models delete themselves, in the order in which everybody locks rows."""
        with transaction.atomic():
            for obj in queryset.locked_with_keys().order_by("pk"):
                obj.delete()
