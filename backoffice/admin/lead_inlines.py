"""A lead's contacts and call plans on its page: the newest of them, written through the models' verbs."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.forms import BaseInlineFormSet
from django.utils.translation import gettext as _

from backoffice.admin.base import FormFieldsMixin
from call.models import CallPlan
from contact.models import Contact
from crm.api.serializers import id_of


class NewestFormSet(BaseInlineFormSet):
    """The newest rows; submitted forms are looked up by their ids, since there may be newer rows by then."""

    queryset: Any
    model: Any
    max_rows = 20
    has_more = False

    def get_queryset(self):
        if not hasattr(self, "rows"):
            rows = self.queryset.order_by("-id")
            if self.is_bound:
                self.rows = rows.filter(pk__in=self.submitted_ids())
            else:
                newest = list(rows[: self.max_rows + 1])
                self.rows, self.has_more = newest[: self.max_rows], len(newest) > self.max_rows
        return self.rows

    def submitted_ids(self) -> list[int]:
        """At most as many as there may be forms, whatever number the request claims."""
        count = min(self.initial_form_count(), self.total_form_count())
        ids = [self.data.get(f"{self.add_prefix(i)}-id", "") for i in range(count)]
        return [pk for pk in map(id_of, ids) if pk]

    def clean(self) -> None:
        super().clean()
        if any("id" in form.errors for form in self.initial_forms):
            raise ValidationError(_("One of them was deleted in the meantime. Reload the page."))

    def write(self, by: Any) -> None:
        """Runs the verbs for the submitted forms. Existing rows are locked first, in the order of the ids.

        Raises IntegrityError where one of the rows was deleted since the validation.
        """
        changed = {form.instance.pk: form for form in self.initial_forms if form.has_changed()}
        locked = self.model.objects.locked().filter(pk__in=changed).order_by("id")
        rows = {row.pk: row for row in locked} if changed else {}
        if len(rows) < len(changed):
            raise IntegrityError("Some of the rows were deleted.")
        for pk, row in rows.items():
            form = changed[pk]
            if form in self.deleted_forms:
                row.delete()
            else:
                row.edit(by=by, **{name: form.cleaned_data[name] for name in form.changed_data})
        for form in self.extra_forms:
            if form.has_changed() and form not in self.deleted_forms:
                names = {field.name for field in self.model._meta.concrete_fields} - {"id", self.fk.name}
                values = {name: form.cleaned_data[name] for name in names & set(form.fields)}
                saved = self.model.objects.create(**{self.fk.name: self.instance}, created_by=by, **values)
                form.instance.__dict__.update(saved.__dict__)


class LeadInline(FormFieldsMixin, admin.StackedInline):
    """`lead_lookup` is the parameter by which the list of all rows shows those of one lead."""

    formset: Any = NewestFormSet
    template = "backoffice/lead_inline.html"
    extra = 0
    show_change_link = True
    lead_lookup: str


class ContactInline(LeadInline):
    model = Contact
    fields = [("name", "role", "phone", "email")]
    lead_lookup = "restaurant__id__exact"


class PlanForm(forms.ModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None and "next_call_date" in self.fields:
            self.fields["next_call_date"].required = False
            self.fields["next_call_date"].help_text = _("Empty: today plus one interval.")


class PlanInline(LeadInline):
    model = CallPlan
    form = PlanForm
    fields = [("frequency", "next_call_date", "notes")]
    lead_lookup = "lead__id__exact"
