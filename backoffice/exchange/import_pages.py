"""Import as pages of a list: a file is uploaded, its columns and encoding are chosen, it is previewed and confirmed.

An uploaded file is stored (backoffice.models.Import) until its import is confirmed; each view of the preview computes
it again. Confirming imports it in one transaction, and only if that does what the preview showed. Then the page of the
import says what became of it, and takes it back.
"""

from io import BytesIO
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.db import IntegrityError, OperationalError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.exchange import imports
from backoffice.exchange.encodings import UnknownEncoding
from backoffice.exchange.finding import DEFAULT_SOURCE
from backoffice.exchange.imports import Changed, RowsInError
from backoffice.exchange.journal import revert
from backoffice.exchange.lines import TableError, TooManyRows, UnknownColumns
from backoffice.exchange.pages import ExchangePagesMixin
from backoffice.exchange.sheets import Sheet
from backoffice.exchange.tables import Table
from backoffice.models import Import
from crm import dates
from crm.api.exceptions import is_conflict, is_lock_timeout
from crm.db.external_ids import SOURCE_VALIDATOR
from crm.formats import number

PAGE = 100  # rows of a preview
KINDS = {
    "error": gettext_lazy("Errors"),
    "create": gettext_lazy("New"),
    "update": gettext_lazy("Changed"),
    "skip": gettext_lazy("Unchanged"),
}
MATCHES = {
    "phone": gettext_lazy("phone"),
    "email": gettext_lazy("email"),
    "name": gettext_lazy("name"),
    "name_city": gettext_lazy("name and city"),
}
IGNORED = ""  # what a column is that is not imported
GONE = gettext_lazy("The file is no longer stored. Please upload it again.")


class UploadForm(forms.Form):
    """Accepts a file that can be read as a table; its rows are not checked yet, its columns and encoding not chosen."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        max_length=254,
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}),
    )

    def __init__(self, sheet: Sheet, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sheet = sheet

    def clean_file(self) -> UploadedFile:
        file = self.cleaned_data["file"]
        try:
            table = self.sheet.read(file, max_rows=imports.MAX_ROWS, is_draft=True)
            if not sum(1 for _row in table.numbered()):
                raise forms.ValidationError(_("There are no rows under the header."))
        except UnknownEncoding:
            pass
        except TooManyRows as error:
            raise forms.ValidationError(f"{error} {self.sheet.instead}") from error
        except TableError as error:
            raise forms.ValidationError(str(error)) from error
        return file


class ReadingForm(forms.Form):
    """How the file is read: its encoding, what its columns are, and how rows are found."""

    encoding = forms.CharField(required=False, max_length=20, widget=forms.RadioSelect, label=gettext_lazy("Encoding"))
    source = forms.CharField(
        label=gettext_lazy("External ids are of"), max_length=50, validators=[SOURCE_VALIDATOR], initial=DEFAULT_SOURCE
    )

    def __init__(self, sheet: Sheet, table: Table | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.table = table
        choices = [("", gettext_lazy("their ids alone")), *((name, MATCHES[name]) for name in sheet.matches)]
        self.fields["match"] = forms.ChoiceField(
            label=gettext_lazy("Rows are found by"), required=False, choices=choices
        )
        names = [(IGNORED, gettext_lazy("– not imported –")), *((name, name) for name in sheet.import_columns.names)]
        for place, (label, column) in enumerate(zip(table.labels, table.header, strict=True) if table else []):
            self.fields[f"column_{place}"] = forms.ChoiceField(
                label=label, required=False, choices=names, initial=column
            )

    def columns(self) -> list[tuple[Any, list[str], bool]]:
        """Of each column of the file: the field, cells, and whether it has to be decided about."""
        if not self.table:
            return []
        cells, undecided = self.table.samples(), self.table.undecided
        return [
            (self[f"column_{place}"], cells[place], label in undecided) for place, label in enumerate(self.table.labels)
        ]

    def mapping(self) -> dict[str, str]:
        labels = self.table.labels if self.table else []
        return {label: self.cleaned_data[f"column_{place}"] for place, label in enumerate(labels)}


class ImportMixin(ExchangePagesMixin):
    """Adds import to a ModelAdmin, which sets the `sheet`."""

    def has_import_permission(self, request: HttpRequest) -> bool:
        to_import, to_add, to_change = self.sheet.permissions
        user = request.user
        return user.has_perm(to_import) and (user.has_perm(to_add) or user.has_perm(to_change))

    def get_urls(self) -> list:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        return [
            path("import/", view(self.upload_view), name=f"{name}_import"),
            path("import/<int:pk>/", view(self.import_view), name=f"{name}_preview"),
            path("import/<int:pk>/failed.csv", view(self.failed_view), name=f"{name}_failed"),
            path("import/<int:pk>/revert/", view(self.revert_view), name=f"{name}_revert"),
            *super().get_urls(),
        ]

    def exchange_links(self, request: HttpRequest) -> dict[str, str]:
        link = self.link("import") if self.has_import_permission(request) else ""
        return {**super().exchange_links(request), "import": link}

    def own(self, request: HttpRequest) -> Any:
        """The imports of this kind by the user. Raises PermissionDenied."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        return Import.objects.filter(user=request.user.pk, kind=self.sheet.kind)

    # --- Upload -------------------------------------------------------------------------------------

    def upload_view(self, request: HttpRequest) -> HttpResponse:
        own, sheet = self.own(request), self.sheet()
        sent = {"data": request.POST, "files": request.FILES} if request.method == "POST" else {}
        form = UploadForm(sheet, **sent)
        if sent and form.is_valid():
            file = form.cleaned_data["file"]
            file.seek(0)
            imported = Import.store(
                user=request.user,
                kind=sheet.kind,
                name=file.name,
                content=file.read(),
                source=DEFAULT_SOURCE,
                moment=dates.now(),
            )
            return HttpResponseRedirect(self.link("preview", imported.pk))
        return self.page(
            request,
            "upload",
            _("Import %(rows)s") % {"rows": sheet.label},
            form=form,
            sheet=sheet,
            max_rows=number(imports.MAX_ROWS),
            max_size=settings.MAX_BODY,
            past=own.exclude(status=Import.Status.PREVIEWED).defer("content", "failed").order_by("-pk")[:10],
        )

    # --- One import -----------------------------------------------------------------------------------

    def import_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET shows what the file would do, or has done; POST says how to read it, or does it."""
        own = self.own(request).filter(pk=pk)
        try:
            if request.method == "POST" and request.POST.get("do") == "read":
                return self.read(request, own.filter(status=Import.Status.PREVIEWED).get())
            if request.method == "POST":
                return self.confirm(request, own.filter(status=Import.Status.PREVIEWED))
            imported = own.get()
        except Import.DoesNotExist:
            self.message_user(request, GONE, messages.WARNING)
            return HttpResponseRedirect(self.link("import"))
        if imported.status != Import.Status.PREVIEWED:
            return self.result(request, imported)
        return self.preview(request, imported)

    def draft(self, imported: Import) -> Table:
        """Raises TableError, as UnknownEncoding does."""
        return self.sheet().read(
            BytesIO(imported.content or b""),
            max_rows=imports.MAX_ROWS,
            is_draft=True,
            mapping=imported.mapping,
            encoding=imported.encoding,
        )

    def read(self, request: HttpRequest, imported: Import) -> HttpResponse:
        """Store how the file is to be read, and show the preview again."""
        try:
            table = self.draft(imported)
        except TableError:
            table = None
        form = ReadingForm(self.sheet(), table, data=request.POST)
        if not form.is_valid():
            return self.preview(request, imported, form)
        imported.source, imported.match = form.cleaned_data["source"], form.cleaned_data["match"]
        imported.encoding = form.cleaned_data["encoding"] or imported.encoding
        imported.mapping = form.mapping()
        imported.save(update_fields=["source", "match", "encoding", "mapping"])
        return HttpResponseRedirect(request.path)

    def preview(self, request: HttpRequest, imported: Import, form: ReadingForm | None = None) -> HttpResponse:
        table, problem, run = None, "", None
        candidates: list[Any] = []
        outcomes: list[Any] = []
        sheet = self.sheet()
        try:
            table = self.draft(imported)
            run, outcomes = imports.preview(imported)
        except UnknownEncoding as error:
            candidates = error.candidates
        except TableError as error:
            problem = error.text if isinstance(error, UnknownColumns) else str(error)
        initial = {name: getattr(imported, name) for name in ("source", "match", "encoding")}
        form = form or ReadingForm(sheet, table, initial=initial)
        totals = run.totals if run else {}
        shown = request.GET.get("show", "")
        if shown not in KINDS:
            shown = next((kind for kind in KINDS if totals.get(kind)), "skip")
        rows = Paginator([outcome for outcome in outcomes if outcome.kind == shown], PAGE)
        page = rows.get_page(request.GET.get("page"))
        if run and shown == "error":
            page.object_list = run.again(list(page.object_list))
        return self.page(
            request,
            "preview",
            _("Import %(rows)s") % {"rows": imported.name},
            upload=imported,
            sheet=sheet,
            form=form,
            table=table,
            candidates=candidates,
            problem=problem,
            run=run,
            kinds=[(kind, label, number(totals.get(kind, 0))) for kind, label in KINDS.items()],
            shown=shown,
            label=KINDS[shown],
            rows=page,
            good=totals.get("create", 0) + totals.get("update", 0),
        )

    def confirm(self, request: HttpRequest, own: Any) -> HttpResponse:
        """All or nothing, or all rows that are not in error; and each file once, since its row is locked first."""
        try:
            with transaction.atomic():
                imported = own.select_for_update().get()
                imported.partial = bool(request.POST.get("partial"))
                imports.confirm(imported, request.POST.get("digest", ""))
        except (Changed, RowsInError, TableError):
            text = _(
                "Nothing was imported: the data has changed since the preview. This is what the file would do now."
            )
        except IntegrityError:
            text = _("Nothing was imported: a simultaneous change got in the way. Please confirm again.")
        except OperationalError as error:
            if not is_lock_timeout(error):
                raise
            text = _("Nothing was imported: another user is changing the same rows. Please confirm again.")
        else:
            text = _("Imported: %(new)s new and %(changed)s changed %(rows)s. %(unchanged)s were as in the file.") % {
                "new": number(imported.created),
                "changed": number(imported.changed),
                "rows": self.sheet().label,
                "unchanged": number(imported.unchanged),
            }
            if imported.errors:
                text += " " + _("Left out: %(rows)s.") % {"rows": number(imported.errors)}
            self.message_user(request, text, messages.SUCCESS)
            return HttpResponseRedirect(request.path)
        self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(request.path)

    # --- What became of it ------------------------------------------------------------------------------

    def result(self, request: HttpRequest, imported: Import) -> HttpResponse:
        remaining = Paginator(imported.remaining_rows, PAGE)
        return self.page(
            request,
            "imported",
            _("Import %(rows)s") % {"rows": imported.name},
            upload=imported,
            sheet=self.sheet(),
            counts=[
                (label, number(getattr(imported, name)))
                for label, name in {
                    _("New"): "created",
                    _("Changed"): "changed",
                    _("Unchanged"): "unchanged",
                    _("Left out"): "errors",
                }.items()
            ],
            written=number(imported.created + imported.changed),
            remaining=remaining.get_page(request.GET.get("page")),
        )

    def failed_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The rows in error, as CSV with a column that says why: of an import, or of a preview."""
        imported = self.own(request).filter(pk=pk).first()
        content = imported and failed_content(imported)
        if not content:
            raise Http404
        return failed_response(imported.name, content)

    def revert_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        own = self.own(request).filter(pk=pk).exclude(status=Import.Status.PREVIEWED)
        if request.method != "POST":
            return HttpResponseRedirect(self.link("preview", pk))
        try:
            with transaction.atomic():
                imported = own.select_for_update().get()
                before = imported.rows.count()
                revert(imported, by=request.user)
                remaining = imported.rows.count()
        except Import.DoesNotExist:
            self.message_user(request, GONE, messages.WARNING)
            return HttpResponseRedirect(self.link("import"))
        except (IntegrityError, OperationalError) as error:
            if not is_conflict(error):
                raise
            text = _("Nothing was taken back: another user is changing the same rows. Please try again.")
            self.message_user(request, text, messages.WARNING)
        else:
            text = _("Taken back: %(rows)s of %(all)s rows.") % {
                "rows": number(before - remaining),
                "all": number(before),
            }
            self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(self.link("preview", pk))


def failed_content(imported: Import) -> bytes | None:
    """The rows in error, as CSV; None where there are none, or the file cannot be read as it is."""
    if imported.status != Import.Status.PREVIEWED:
        return bytes(imported.failed) if imported.failed else None
    try:
        run, _outcomes = imports.preview(imported)
    except TableError:
        return None
    return run.failed_csv() if run.failed else None


def failed_response(name: str, content: bytes) -> HttpResponse:
    stem = name.rpartition(".")[0] or name
    stem = "".join(char if char.isalnum() or char in "-_ " else "_" for char in stem if char.isascii()) or "rows"
    headers = {"Content-Disposition": f'attachment; filename="{stem}-failed.csv"'}
    return HttpResponse(content, "text/csv; charset=utf-8", headers=headers)
