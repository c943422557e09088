"""The form that adds a row warns of what it may be a duplicate of; "Save anyway" saves it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from lead.candidates import Candidate

ANYWAY = "_anyway"  # the button's name
SHOWN = 10  # candidates


class DuplicateWarningForm(forms.ModelForm):
    """Is not valid while it may be a duplicate, unless it is sent by "Save anyway"."""

    find: Callable[[Any], list[dict[str, str]]] | None = None  # of a form that adds a row
    candidates: list[dict[str, str]] = []

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or self.cleaned_data
        if self.find and not self.errors:
            self.candidates = self.find(self._meta.model(**fields))
        if self.candidates and ANYWAY not in self.data:
            raise ValidationError(_("Nothing was saved: this may be a duplicate."))
        return fields


class DuplicateWarningMixin(admin.ModelAdmin):
    form = DuplicateWarningForm

    def candidates_of(self, row: Any, user: Any) -> list[Candidate]:
        """What a row that is not saved yet may be, of what the user may see."""
        raise NotImplementedError

    def describe(self, row: Any) -> str:
        raise NotImplementedError

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any):
        form: Any = super().get_form(request, obj, change, **kwargs)
        if obj is None:
            form.find = staticmethod(partial(self.find, request))
        return form

    def find(self, request: HttpRequest, row: Any) -> list[dict[str, str]]:
        """The likeliest candidates, as the page shows them: with a link for those who may open it."""
        found = self.candidates_of(row, request.user)[:SHOWN]
        page = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        may_open = self.has_view_or_change_permission(request)
        return [
            {
                "text": self.describe(candidate.row),
                "href": reverse(page, args=[candidate.row.pk]) if may_open else "",
                "phone": candidate.row.phone,
                "why": candidate.verdict.why,
            }
            for candidate in found
        ]
