"""Import and export as pages of a list: the filtered rows are exported, a file is imported after a preview.

An uploaded file is stored (backoffice.models.Upload) until its import is confirmed; each view of the preview computes
it again. Confirming imports it in one transaction, and only if that does what the preview showed.
"""

from io import BytesIO
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.admin.options import IS_POPUP_VAR, IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.db import IntegrityError, OperationalError, transaction
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse

from backoffice.exchange.exports import csv_of
from backoffice.exchange.imports import Import
from backoffice.exchange.lines import TableError, TooManyRows
from backoffice.exchange.sheets import Importer, Outcome, Sheet
from backoffice.models import Upload
from crm import dates
from crm.api.exceptions import is_lock_timeout
from crm.db.models import TimestampedQuerySet

MAX_ROWS = 5_000  # of an import in the browser
MAX_WORKBOOK = 20_000  # rows of an XLSX export, which takes about six seconds
PAGE = 100  # rows of a preview
KINDS = {"error": "Errors", "create": "New", "update": "Changed", "skip": "Unchanged"}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Changed(Exception):
    """The import would not do what the preview showed: a row is in error now, or has been changed meanwhile."""


class UploadForm(forms.Form):
    """Accepts a file that can be read as a table of `sheet`; its rows are not checked yet."""

    file = forms.FileField(
        label="File",
        max_length=254,
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}),
    )

    def __init__(self, sheet: Sheet, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sheet = sheet

    def clean_file(self) -> UploadedFile:
        file = self.cleaned_data["file"]
        try:
            if not sum(1 for _ in self.sheet.read(file, max_rows=MAX_ROWS)):
                raise forms.ValidationError("There are no rows under the header.")
        except TooManyRows as error:
            raise forms.ValidationError(f"{error} {self.sheet.instead}") from error
        except TableError as error:
            raise forms.ValidationError(str(error)) from error
        return file


class ExchangeMixin(admin.ModelAdmin):
    """Adds import and export to a ModelAdmin, which sets the `sheet`."""

    sheet: type[Sheet]

    # --- Permissions ---------------------------------------------------------------------------------

    def has_import_permission(self, request: HttpRequest) -> bool:
        may_write = self.has_add_permission(request) or self.has_change_permission(request)
        return may_write and request.user.has_perm(f"{self.opts.app_label}.import_{self.opts.model_name}")

    def has_export_permission(self, request: HttpRequest) -> bool:
        may_view = self.has_view_permission(request)
        return may_view and request.user.has_perm(f"{self.opts.app_label}.export_{self.opts.model_name}")

    # --- Pages ---------------------------------------------------------------------------------------

    def get_urls(self) -> list:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        return [
            path("export/", view(self.export_view), name=f"{name}_export"),
            path("export/<str:format>/", view(self.download_view), name=f"{name}_download"),
            path("import/", view(self.upload_view), name=f"{name}_import"),
            path("import/<int:pk>/", view(self.preview_view), name=f"{name}_preview"),
            *super().get_urls(),
        ]

    def link(self, page: str, *args: Any) -> str:
        return reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_{page}", args=args)

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        exchange = {
            "import": self.link("import") if self.has_import_permission(request) else "",
            "export": self.link("export") if self.has_export_permission(request) else "",
        }
        return super().changelist_view(request, {"exchange": exchange, **(extra_context or {})})

    def page(self, request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
        request.current_app = self.admin_site.name
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, **context}
        return TemplateResponse(request, f"backoffice/{template}.html", context)

    def get_actions(self, request: HttpRequest) -> dict:
        actions = super().get_actions(request)
        if self.has_export_permission(request) and IS_POPUP_VAR not in request.GET:
            actions |= {name: self.get_action(name) for name in ("export_csv", "export_xlsx")}
        return actions

    # --- Export -------------------------------------------------------------------------------------

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """How many rows there are, and the files to choose from."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        try:
            rows = self.filtered(request).count()
        except IncorrectLookupParameters:
            return HttpResponseRedirect(f"{self.link('changelist')}?e=1")
        query = request.GET.urlencode()
        return self.page(
            request,
            "export",
            f"Export {self.opts.verbose_name_plural}",
            rows=f"{rows:,}",
            is_many=rows > MAX_WORKBOOK,
            max_workbook=f"{MAX_WORKBOOK:,}",
            is_filtered=bool(query),
            query=f"?{query}" if query else "",
            columns=self.sheet().columns,
        )

    def download_view(self, request: HttpRequest, format: str) -> HttpResponseBase:
        if not self.has_export_permission(request):
            raise PermissionDenied
        try:
            return self.download(request, self.filtered(request), format)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(f"{self.link('changelist')}?e=1")

    def filtered(self, request: HttpRequest) -> TimestampedQuerySet:
        """The rows of the list that the query string selects. Raises IncorrectLookupParameters."""
        return self.get_changelist_instance(request).queryset

    def download(self, request: HttpRequest, queryset: TimestampedQuerySet, format: str) -> HttpResponseBase:
        sheet = self.sheet()
        user: Any = request.user
        rows = queryset.visible_to(user)
        name = f"{self.opts.verbose_name_plural}-{dates.today(dates.server_zone())}".replace(" ", "-")
        if format != "xlsx":
            response = StreamingHttpResponse(csv_of(sheet.columns, sheet.rows(rows)), content_type="text/csv")
            response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
            return response
        if rows.count() > MAX_WORKBOOK:
            self.message_user(
                request, f"A workbook holds at most {MAX_WORKBOOK:,} rows. Export them as CSV.", messages.ERROR
            )
            query = request.GET.urlencode()
            return HttpResponseRedirect(f"{self.link('changelist')}{query and '?'}{query}")
        from backoffice.exchange.workbooks import write_workbook  # openpyxl takes 6 MB

        file = write_workbook(sheet.columns, sheet.rows(rows))
        return FileResponse(file, as_attachment=True, filename=f"{name}.xlsx", content_type=XLSX)

    @admin.action(description="Export selected %(verbose_name_plural)s as CSV")
    def export_csv(self, request: HttpRequest, queryset: TimestampedQuerySet) -> HttpResponseBase:
        return self.download(request, queryset, "csv")

    @admin.action(description="Export selected %(verbose_name_plural)s as XLSX")
    def export_xlsx(self, request: HttpRequest, queryset: TimestampedQuerySet) -> HttpResponseBase:
        return self.download(request, queryset, "xlsx")

    # --- Import -------------------------------------------------------------------------------------

    def upload_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_import_permission(request):
            raise PermissionDenied
        sheet = self.sheet()
        sent = {"data": request.POST, "files": request.FILES} if request.method == "POST" else {}
        form = UploadForm(sheet, **sent)
        if sent and form.is_valid():
            file = form.cleaned_data["file"]
            file.seek(0)
            upload = Upload.store(
                user=request.user,
                table=self.opts.label_lower,
                name=file.name,
                content=file.read(),
                moment=dates.now(),
            )
            return HttpResponseRedirect(self.link("preview", upload.pk))
        title = f"Import {self.opts.verbose_name_plural}"
        return self.page(
            request, "upload", title, form=form, sheet=sheet, max_rows=f"{MAX_ROWS:,}", max_size=settings.MAX_BODY
        )

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET shows what the file would do, POST does it."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        own = Upload.objects.filter(pk=pk, user=request.user.pk, table=self.opts.label_lower)
        try:
            if request.method == "POST":
                return self.confirm(request, own)
            return self.preview(request, own.get())
        except Upload.DoesNotExist:
            self.message_user(request, "The file is no longer stored. Please upload it again.", messages.WARNING)
            return HttpResponseRedirect(self.link("import"))

    def preview(self, request: HttpRequest, upload: Upload) -> HttpResponse:
        run = self.run(request, upload)
        outcomes = list(run.outcomes())
        shown = request.GET.get("show", "")
        if shown not in KINDS:
            shown = next((kind for kind in KINDS if run.totals[kind]), "skip")
        rows = Paginator([outcome for outcome in outcomes if outcome.kind == shown], PAGE)
        return self.page(
            request,
            "preview",
            f"Import {upload.name}",
            upload=upload,
            run=run,
            kinds=[(kind, label, f"{run.totals[kind]:,}") for kind, label in KINDS.items()],
            shown=shown,
            label=KINDS[shown],
            rows=rows.get_page(request.GET.get("page")),
            may_confirm=not run.totals["error"] and (run.totals["create"] or run.totals["update"]),
        )

    def run(self, request: HttpRequest, upload: Upload) -> Import:
        importer = Importer(
            user=request.user,
            may_add=self.has_add_permission(request),
            may_change=self.has_change_permission(request),
            may_hand_over=request.user.has_perm("lead.hand_over_restaurant"),
            note=f"Imported from {upload.name}.",
        )
        sheet = self.sheet(importer)
        return Import(sheet, sheet.read(BytesIO(upload.content), max_rows=MAX_ROWS))

    def confirm(self, request: HttpRequest, own: QuerySet[Upload]) -> HttpResponse:
        try:
            run = self.import_upload(request, own)
        except Changed:
            text = "Nothing was imported: the data has changed since the preview. This is what the file would do now."
        except IntegrityError:
            text = "Nothing was imported: a simultaneous change got in the way. Please confirm again."
        except OperationalError as error:
            if not is_lock_timeout(error):
                raise
            text = "Nothing was imported: another user is changing the same rows. Please confirm again."
        else:
            totals, names = run.totals, self.opts.verbose_name_plural
            text = f"Imported: {totals['create']:,} new and {totals['update']:,} changed {names}."
            self.message_user(request, f"{text} {totals['skip']:,} were as in the file.", messages.SUCCESS)
            return HttpResponseRedirect(self.link("changelist"))
        self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(request.path)

    def import_upload(self, request: HttpRequest, own: QuerySet[Upload]) -> Import:
        """All or nothing, and each upload once: its row is locked first and goes with it."""
        user: Any = request.user
        with transaction.atomic():
            upload = own.select_for_update().get()
            run = self.run(request, upload)
            written: dict[str, list[Outcome]] = {"create": [], "update": []}
            for outcome in run.outcomes(write=True):
                written.get(outcome.kind, []).append(outcome)
            if run.totals["error"] or run.digest != request.POST.get("digest"):
                raise Changed
            for kind, flag in (("create", ADDITION), ("update", CHANGE)):
                rows = [outcome.instance for outcome in written[kind] if outcome.instance]
                LogEntry.objects.log_actions(user.pk, rows, flag, run.sheet.importer.note)
            upload.delete()
        return run
