"""Merging two rows in the admin: choosing the other one, both side by side, and taking them apart again.

The page shows what the verb would do by a dry run, and holds what it has shown: where one of the two rows has changed
since, nothing is merged and the page is shown again.
"""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import model_ngettext, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, OperationalError, models, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.base import CONFLICT_MESSAGE
from backoffice.admin.changeform import ChangeFormMixin
from backoffice.admin.changelist import link_to
from crm.api.exceptions import is_conflict
from crm.api.merging import DryRun, MergeSerializer
from crm.api.serializers import id_of
from crm.db.merging import BOTH, OTHER, OURS, default_choice, rows_of, survivor_of, values_of
from crm.formats import money, number

FOUND = 20  # rows to choose from
SHOWN = 10  # merges on the page of the survivor
TOO_MANY = gettext_lazy("Choose exactly two rows to merge.")


class Changed(Exception):
    """The rows are not what the page has shown."""


@dataclass(frozen=True)
class Line:
    """A field of both rows: `choice` says whose value stays, where they differ; else `text` stays."""

    label: str
    choice: forms.BoundField | None = None
    text: str | SafeString = ""
    note: str = ""


class MergeForm(forms.Form):
    """Of each field whose values differ, whose value stays: of those that the API's `take` may name."""

    def __init__(self, data: Any, *, survivor: Any, other: Any, serializer: type[MergeSerializer], fixed: set[str]):
        super().__init__()
        self.survivor, self.other, self.serializer, self.fixed = survivor, other, serializer, fixed
        for name in serializer.merged:
            ours, others = getattr(survivor, name), getattr(other, name)
            if ours == others or name in fixed:
                continue
            texts = [(OURS, text_of(survivor, name)), (OTHER, text_of(other, name))]
            if name in serializer.texts and ours and others:
                texts.append((BOTH, _("Both, one below the other")))
            self.fields[name] = forms.ChoiceField(
                choices=texts, required=False, widget=forms.RadioSelect, initial=default_choice(ours)
            )
        if data is not None:  # a field that differs only by now has no choice in it
            initial = {name: field.initial for name, field in self.fields.items()}
            self.is_bound, self.data = True, {**initial, **data.dict()}

    def lines(self) -> list[Line]:
        return [self.line(name) for name in self.serializer.merged if not self.is_empty(name)]

    def line(self, name: str) -> Line:
        if name in self.fields:
            return Line(self.label_of(name), self[name])
        ours, others = getattr(self.survivor, name), getattr(self.other, name)
        staying = self.other if default_choice(ours) == OTHER else self.survivor
        note = _("the same") if ours == others else _("You may not choose it.")
        return Line(self.label_of(name), text=text_of(staying, name), note=note)

    def empty_in_both(self) -> list[str]:
        return [self.label_of(name) for name in self.serializer.merged if self.is_empty(name)]

    def is_empty(self, name: str) -> bool:
        return all(getattr(row, name) in ("", None) for row in (self.survivor, self.other))

    def label_of(self, name: str) -> str:
        return capfirst(str(self.survivor._meta.get_field(name).verbose_name))

    def take(self) -> dict[str, str]:
        return {name.removesuffix("_id"): choice for name, choice in self.cleaned_data.items() if choice}


def text_of(row: Any, name: str) -> str | SafeString:
    """A value as people read it."""
    field, value = row._meta.get_field(name), getattr(row, name)
    if value in ("", None):
        return format_html("<i>{}</i>", _("empty"))
    if field.is_relation:
        return str(getattr(row, field.name))
    if isinstance(field, models.DecimalField):
        return money(value)
    return getattr(row, f"get_{name}_display")() if field.choices else str(value)


class MergeSelected:
    """The action of a list on exactly two rows: the page of both, where the older one stays."""

    name = __name__ = "merge"
    short_description = gettext_lazy("Merge two…")
    allowed_permissions: ClassVar[list[str]] = ["change"]

    def __call__(self, model_admin: Any, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        rows = list(queryset.select_related(None).order_by("pk")[:3])
        if len(rows) == 2:
            return HttpResponseRedirect(model_admin.merge_url(*rows))
        model_admin.message_user(request, TOO_MANY, messages.WARNING)
        return None


class MergeMixin(ChangeFormMixin):
    """For a ModelAdmin whose rows have the verbs `merge` and `unmerge`. Both take the permission to change rows."""

    describe: Any
    merge_serializer: ClassVar[type[MergeSerializer]]
    merge_search: ClassVar[str] = ""  # the field whose value is searched for first; empty: all are offered
    merge_refusal: ClassVar[Any] = gettext_lazy("Choose another one.")  # of a row that exists, and cannot be merged

    def get_urls(self) -> list:
        def named(route: str, page: str, view: Any) -> Any:
            name = f"{self.opts.app_label}_{self.opts.model_name}_{page}"
            return path(
                f"<path:object_id>/{route}", self.admin_site.admin_view(partial(self.handle_conflicts, view)), name=name
            )

        return [
            named("merge/", "merge", self.merge_view),
            named("unmerge/<int:other>/", "unmerge", self.unmerge_view),
            *super().get_urls(),
        ]

    def merge_url(self, row: Any, other: Any = None) -> str:
        return f"{self.page_url('merge', row)}{f'?other={other.pk}' if other else ''}"

    def unmerge_url(self, row: Any, other: int) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_unmerge", args=[row.pk, other])

    def mergeable(self, request: HttpRequest, row: Any) -> QuerySet:
        """The rows that may be merged into this one."""
        rows = self.get_queryset(request).select_related(*self.list_select_related)  # type: ignore[misc]
        return rows.exclude(pk=row.pk)

    def fixed_fields(self, request: HttpRequest) -> set[str]:
        """The fields of which the user may not say whose value stays."""
        return set()

    def get_row(self, request: HttpRequest, object_id: str) -> Any:
        """Raises PermissionDenied, and DoesNotExist for a row that is gone or hidden."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        return self.get_object(request, unquote(object_id))

    # --- The way from the address of a merged row -----------------------------------------------------

    def redirect_missing(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """To the page of the row that it was merged into, if it was."""
        pk = id_of(unquote(object_id))
        survivor = survivor_of(self.get_queryset(request), pk) if pk else None
        if not pk or not survivor:
            return super().redirect_missing(request, object_id)
        done = "" if request.method == "GET" else _("Nothing was changed.")
        self.message_user(request, f"{self.merged_text(pk, survivor)} {done}".strip(), messages.WARNING)
        return HttpResponseRedirect(self.page_url("change", self.model(pk=survivor)))

    def merged_text(self, pk: int, survivor: int) -> str:
        name = capfirst(str(self.opts.verbose_name))
        return _("%(name)s %(pk)s was merged into %(survivor)s.") % {"name": name, "pk": pk, "survivor": survivor}

    # --- Merging --------------------------------------------------------------------------------------

    def merge_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Without another row, to choose one; with it, both side by side, which POST merges."""
        row = self.get_row(request, object_id)
        given = (request.POST if request.method == "POST" else request.GET).get("other")
        if given is None:
            return self.choose_page(request, row)
        other = self.mergeable(request, row).filter(pk=id_of(given) or 0).first()
        if other is None:
            return self.refuse_other(request, row, given)
        if request.method == "POST":
            return self.confirm_merge(request, row, other)
        return self.merge_page(request, self.merge_form(request, row, other))

    def refuse_other(self, request: HttpRequest, row: Any, given: str) -> HttpResponse:
        """Says why it cannot be merged: it was meanwhile, it is gone, or it is not among those that may be."""
        pk, rows, back = id_of(given), self.get_queryset(request), self.merge_url(row)
        if pk and rows.filter(pk=pk).exists():
            text = str(self.merge_refusal)
        elif pk and (survivor := survivor_of(rows, pk)):
            text = f"{self.merged_text(pk, survivor)} {_('Nothing was changed.')}"
            back = self.page_url("change", row) if survivor == row.pk else back
        else:
            text = _("%(name)s %(pk)s doesn’t exist. Perhaps it was deleted? Nothing was changed.")
            text %= {"name": capfirst(str(self.opts.verbose_name)), "pk": given[:20]}
        self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(back)

    def choose_page(self, request: HttpRequest, row: Any) -> HttpResponse:
        term = request.GET.get("q", str(getattr(row, self.merge_search, "")))
        rows = self.mergeable(request, row)
        found, _duplicates = self.get_search_results(request, rows, term)
        by_id = list(rows.filter(pk=id_of(term.strip()) or 0))
        found = [*by_id, *[each for each in found.order_by("pk")[: FOUND + 1] if each not in by_id]]
        context = {
            "term": term,
            "found": [
                {"text": self.describe(each), "href": self.merge_url(row, each), "row": each} for each in found[:FOUND]
            ],
            "has_more": len(found) > FOUND,
            "search_help": _("%(fields)s, or the id.") % {"fields": self.search_help_text},
        }
        return self.merging_page(request, "merge_choose", _("Merge with another %(name)s"), row, context)

    def merge_form(self, request: HttpRequest, row: Any, other: Any, data: Any = None) -> MergeForm:
        fixed = self.fixed_fields(request)
        return MergeForm(data, survivor=row, other=other, serializer=self.merge_serializer, fixed=fixed)

    def merge_page(self, request: HttpRequest, form: MergeForm) -> HttpResponse:
        row, other = form.survivor, form.other
        try:
            steps = self.dry_run(request, row, other)
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.WARNING)
            return HttpResponseRedirect(self.merge_url(row))
        except (IntegrityError, OperationalError) as error:  # the dry run takes the locks of a merge
            if not is_conflict(error):
                raise
            self.message_user(request, CONFLICT_MESSAGE, messages.ERROR)
            return HttpResponseRedirect(self.page_url("change", row))
        context = {
            "form": form,
            "other": other,
            "heads": [(link_to(each), each) for each in (row, other)],
            "seen": digest_of(row, other),
            "moved": counted_rows(steps, "move", self.model),
            "joined": counted_rows(steps, "delete", self.model),
            "swap": self.merge_url(other, row),
        }
        return self.merging_page(request, "merge", _("Merge two %(names)s"), row, context)

    def dry_run(self, request: HttpRequest, row: Any, other: Any) -> list[dict[str, Any]]:
        """The steps that the merge would take. Raises ValidationError where it cannot be."""
        try:
            with transaction.atomic():
                steps = copy(row).merge(other.pk, by=request.user).steps
                raise DryRun
        except DryRun:
            return steps

    def confirm_merge(self, request: HttpRequest, row: Any, other: Any) -> HttpResponse:
        form = self.merge_form(request, row, other, request.POST)
        if form.is_valid():
            try:
                with transaction.atomic():
                    self.check_seen(request, row, other)
                    steps = row.merge(other.pk, take=form.take(), by=request.user).steps
                    self.log_change(request, row, f"Merged with {self.opts.verbose_name_raw} {other.pk}, {other}.")
            except Changed:
                fresh = {each.pk: each for each in self.get_queryset(request).filter(pk__in=[row.pk, other.pk])}
                if len(fresh) < 2:
                    self.message_user(request, _("One of the two is gone. Nothing was merged."), messages.WARNING)
                    return HttpResponseRedirect(self.merge_url(row, other))
                form = self.merge_form(request, fresh[row.pk], fresh[other.pk], request.POST)
                form.add_error(None, _("One of the two has changed meanwhile. Nothing was merged; please look again."))
            except ValidationError as error:
                form.add_error(None, error.messages)
            else:
                return self.report_merge(request, row, other, steps)
        return self.merge_page(request, form)

    def check_seen(self, request: HttpRequest, row: Any, other: Any) -> None:
        """Lock both rows. Raises Changed where one is gone, or not as on the page."""
        rows: Any = self.get_queryset(request)
        locked = {each.pk: each for each in rows.locked_with_keys().filter(pk__in=[row.pk, other.pk]).order_by("pk")}
        if len(locked) < 2 or digest_of(locked[row.pk], locked[other.pk]) != request.POST.get("seen"):
            raise Changed

    def report_merge(self, request: HttpRequest, row: Any, other: Any, steps: list) -> HttpResponse:
        moved = ", ".join(counted_rows(steps, "move", self.model))
        name = capfirst(str(self.opts.verbose_name))
        text = _("{name} {pk}, {other}, is part of {row} now.")
        text = format_html(text, name=name, pk=other.pk, other=other, row=link_to(row))
        undo = format_html('<a href="{}">{}</a>', self.unmerge_url(row, other.pk), _("Unmerge…"))
        came = format_html(" {}", _("Moved: %(rows)s.") % {"rows": moved} if moved else "")
        self.message_user(request, format_html("{}{} {}", text, came, undo), messages.SUCCESS)
        return self.redirect_to(request, row)

    def redirect_to(self, request: HttpRequest, row: Any) -> HttpResponse:
        """To the row's page; to the list where the user sees it no more, since it has another owner."""
        if self.get_queryset(request).filter(pk=row.pk).exists():
            return HttpResponseRedirect(self.page_url("change", row))
        return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))

    def merging_page(self, request: HttpRequest, template: str, title: str, row: Any, context: dict[str, Any]):
        names = {"name": self.opts.verbose_name, "names": self.opts.verbose_name_plural}
        context = {
            **self.admin_site.each_context(request),
            "title": title % names,
            "subtitle": None,
            "opts": self.opts,
            "original": row,
            "back": self.page_url("change", row),
            "media": self.media,
            **context,
        }
        return TemplateResponse(request, f"backoffice/{template}.html", context)

    # --- Taking apart ---------------------------------------------------------------------------------

    def render_change_form(self, request: HttpRequest, context, add=False, change=False, form_url="", obj: Any = None):
        if obj:
            context["merges"] = self.merges_of(request, obj)
            context["merge_href"] = self.merge_url(obj) if self.has_change_permission(request) else ""
        return super().render_change_form(request, context, add, change, form_url, obj)

    def merges_of(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        """The latest rows that were merged into this one: what each was called, and how it is taken out again."""
        may_change = self.has_change_permission(request)
        records = obj.merges.select_related("created_by").order_by("-pk")[:SHOWN]
        return [
            {
                "record": record,
                "row": record.merged_row(),
                "href": self.unmerge_url(obj, record.merged_id) if may_change and record.journal else "",
            }
            for record in records
        ]

    def unmerge_view(self, request: HttpRequest, object_id: str, other: int) -> HttpResponse:
        """GET confirms, POST takes the other one out again."""
        row: Any = self.get_row(request, object_id)
        record = row.merges.select_related("created_by").filter(merged_id=other).first()
        name = self.opts.verbose_name
        if record is None:
            text = _("The %(name)s %(pk)s is not part of this one, or was taken out already. Nothing was changed.")
            self.message_user(request, text % {"name": name, "pk": other}, messages.WARNING)
            return self.redirect_to(request, row)
        merged = record.merged_row()
        if request.method != "POST":
            context = {
                "record": record,
                "merged": merged,
                "moved": counted_rows(record.steps(), "move", self.model),
            }
            return self.merging_page(request, "unmerge", _("Unmerge"), row, context)
        try:
            with transaction.atomic():
                row.unmerge(other)
                self.log_change(request, row, f"Took {self.opts.verbose_name_raw} {other}, {merged}, out again.")
        except ValidationError as error:
            text = _("Nothing was changed: %(reason)s") % {"reason": " ".join(error.messages)}
            self.message_user(request, text, messages.ERROR)
        else:
            self.report_unmerge(request, merged)
        return self.redirect_to(request, row)

    def report_unmerge(self, request: HttpRequest, merged: Any) -> None:
        is_visible = self.get_queryset(request).filter(pk=merged.pk).exists()
        text = _("{name} {pk}, {row}, is one of its own again.")
        row = link_to(merged) if is_visible else str(merged)
        values = {"name": capfirst(str(self.opts.verbose_name)), "pk": merged.pk, "row": row}
        self.message_user(request, format_html(text, **values), messages.SUCCESS)


def digest_of(*rows: Any) -> str:
    """What a page has shown of the rows."""
    return sha256(repr([values_of(row) for row in rows]).encode()).hexdigest()


def counted_rows(steps: Iterable[dict[str, Any]], op: str, without: Any) -> list[str]:
    """How many rows of each table the steps move or delete, in words; the table `without` is left out."""
    counts = rows_of(steps, op)
    return [
        f"{number(count)} {model_ngettext(model, count)}" for model, count in counts.items() if model is not without
    ]
