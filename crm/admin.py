"""What the admin of every table has in common: it writes through the model's own verbs and stays quick in large tables.

A form saves only the fields that its user changed since the page was drawn, so that nobody's neighbouring change is
undone.
"""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.http import HttpRequest

from crm.models import Stamped
from crm.search import search

STAMPS = ["created_at", "created_by", "updated_at"]


class StampedAdmin(admin.ModelAdmin):
    """`search_fields` names one look-up path to a SearchField."""

    readonly_fields: Any = STAMPS
    list_per_page = 50
    show_full_result_count = False
    ordering = ["-id"]

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any):
        """The value that the page showed travels with the form: what differs from it is what the user changed."""
        return super().formfield_for_dbfield(db_field, request, show_hidden_initial=True, **kwargs)

    def get_search_results(self, request: HttpRequest, queryset: models.QuerySet, search_term: str):
        if not search_term.strip():
            return queryset, False
        try:
            return search(queryset, self.get_search_fields(request)[0], search_term), False
        except ValidationError:
            return queryset.none(), False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            saved = type(obj).objects.locked().get(pk=obj.pk)
            self.edit(saved, by=request.user, **{name: form.cleaned_data[name] for name in form.changed_data})
        else:
            saved = self.create(created_by=request.user, **form.cleaned_data)
        obj.__dict__.update(saved.__dict__)

    def create(self, **fields: Any) -> Stamped:
        """The verb by which a row comes into being."""
        return self.model.objects.create(**fields)

    def edit(self, obj: Stamped, *, by, **changes: Any) -> None:
        """The verb by which a locked row changes."""
        obj.edit(by=by, **changes)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet) -> None:
        """Row by row, as the models delete themselves."""
        with transaction.atomic():
            for obj in queryset:
                obj.delete()
