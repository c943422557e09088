"""A lead's contacts and call plans on its page: the newest of them, written through the models' verbs."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models
from django.forms import BaseInlineFormSet
from django.http import HttpRequest

from call.models import CallPlan
from contact.models import Contact
from crm.api.serializers import id_of


class NewestFormSet(BaseInlineFormSet):
    """The newest of them; what is sent back is looked up by its ids, since there may be newer ones by then."""

    queryset: Any
    model: Any
    most = 20
    has_more = False

    def get_queryset(self):
        if not hasattr(self, "rows"):
            rows = self.queryset.order_by("-id")
            if self.is_bound:
                self.rows = rows.filter(pk__in=self.sent_ids())
            else:
                newest = list(rows[: self.most + 1])
                self.rows, self.has_more = newest[: self.most], len(newest) > self.most
        return self.rows

    def sent_ids(self) -> list[int]:
        """At most as many as there may be forms, whatever the page claims of their number."""
        sent = min(self.initial_form_count(), self.total_form_count())
        ids = [self.data.get(f"{self.add_prefix(i)}-id", "") for i in range(sent)]
        return [pk for pk in map(id_of, ids) if pk]

    def clean(self) -> None:
        super().clean()
        if any("id" in form.errors for form in self.initial_forms):
            raise ValidationError("Somebody has deleted one of them in the meantime. Open the page anew.")

    def write(self, by: Any) -> None:
        """Have the verbs do what the forms say. What is there already is locked first, in the order of the ids.

        Raises IntegrityError where somebody has deleted one of the rows since they were checked.
        """
        changed = {form.instance.pk: form for form in self.initial_forms if form.has_changed()}
        locked = self.model.objects.locked().filter(pk__in=changed).order_by("id")
        rows = {row.pk: row for row in locked} if changed else {}
        if len(rows) < len(changed):
            raise IntegrityError("Some of the rows have gone.")
        for pk, row in rows.items():
            form = changed[pk]
            if form in self.deleted_forms:
                row.delete()
            else:
                row.edit(by=by, **{name: form.cleaned_data[name] for name in form.changed_data})
        for form in self.extra_forms:
            if form.has_changed() and form not in self.deleted_forms:
                names = {field.name for field in self.model._meta.concrete_fields} - {"id", self.fk.name}
                given = {name: form.cleaned_data[name] for name in names & set(form.fields)}
                saved = self.model.objects.create(**{self.fk.name: self.instance}, created_by=by, **given)
                form.instance.__dict__.update(saved.__dict__)


class LeadInline(admin.StackedInline):
    """`rest` asks the list of all of them for those of a lead."""

    formset: Any = NewestFormSet
    template = "backoffice/lead_inline.html"
    extra = 0
    show_change_link = True
    rest: str

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any):
        """As on every page of ours: what differs from the value that the page showed is what the user changed."""
        return super().formfield_for_dbfield(db_field, request, show_hidden_initial=True, **kwargs)


class ContactInline(LeadInline):
    model = Contact
    fields = [("name", "role", "phone", "email")]
    rest = "restaurant__id__exact"


class PlanForm(forms.ModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None and "next_call_date" in self.fields:
            self.fields["next_call_date"].required = False
            self.fields["next_call_date"].help_text = "Empty: today plus one interval."


class PlanInline(LeadInline):
    model = CallPlan
    form = PlanForm
    fields = [("frequency", "next_call_date", "notes")]
    rest = "lead__id__exact"
