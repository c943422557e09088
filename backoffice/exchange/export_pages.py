"""Export as pages of a list: the filtered rows as CSV or XLSX."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR, IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.exchange.exports import csv_of
from backoffice.exchange.pages import ExchangePagesMixin
from backoffice.words import in_english
from crm import dates
from crm.db.models import TimestampedQuerySet
from crm.formats import number

MAX_WORKBOOK = 20_000  # rows of an XLSX export, which takes about six seconds
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ExportMixin(ExchangePagesMixin):
    """Adds export to a ModelAdmin, which sets the `sheet`."""

    def has_export_permission(self, request: HttpRequest) -> bool:
        may_view = self.has_view_permission(request)
        return may_view and request.user.has_perm(f"{self.opts.app_label}.export_{self.opts.model_name}")

    def get_urls(self) -> list:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        return [
            path("export/", view(self.export_view), name=f"{name}_export"),
            path("export/<str:format>/", view(self.download_view), name=f"{name}_download"),
            *super().get_urls(),
        ]

    def exchange_links(self, request: HttpRequest) -> dict[str, str]:
        export = self.link("export") if self.has_export_permission(request) else ""
        return {**super().exchange_links(request), "export": export}

    def get_actions(self, request: HttpRequest) -> dict:
        actions = super().get_actions(request)
        if self.has_export_permission(request) and IS_POPUP_VAR not in request.GET:
            actions |= {name: self.get_action(name) for name in ("export_csv", "export_xlsx")}
        return actions

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
            _("Export %(rows)s") % {"rows": self.opts.verbose_name_plural},
            rows=number(rows),
            is_many=rows > MAX_WORKBOOK,
            max_workbook=number(MAX_WORKBOOK),
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
        name = f"{in_english(self.opts.verbose_name_plural)}-{dates.today(dates.server_zone())}".replace(" ", "-")
        if format != "xlsx":
            response = StreamingHttpResponse(csv_of(sheet.columns, sheet.rows(rows)), content_type="text/csv")
            response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
            return response
        if rows.count() > MAX_WORKBOOK:
            text = _("A workbook holds at most %(rows)s rows. Export them as CSV.")
            self.message_user(request, text % {"rows": number(MAX_WORKBOOK)}, messages.ERROR)
            query = request.GET.urlencode()
            return HttpResponseRedirect(f"{self.link('changelist')}{query and '?'}{query}")
        from backoffice.exchange.workbooks import write_workbook  # openpyxl takes 6 MB

        file = write_workbook(sheet.columns, sheet.rows(rows))
        return FileResponse(file, as_attachment=True, filename=f"{name}.xlsx", content_type=XLSX)

    @admin.action(description=gettext_lazy("Export selected %(verbose_name_plural)s as CSV"))
    def export_csv(self, request: HttpRequest, queryset: TimestampedQuerySet) -> HttpResponseBase:
        return self.download(request, queryset, "csv")

    @admin.action(description=gettext_lazy("Export selected %(verbose_name_plural)s as XLSX"))
    def export_xlsx(self, request: HttpRequest, queryset: TimestampedQuerySet) -> HttpResponseBase:
        return self.download(request, queryset, "xlsx")
