"""What the pages of import and export share."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst

from backoffice.exchange.sheets import Sheet


class ExchangePagesMixin(admin.ModelAdmin):
    """For a ModelAdmin, which sets the `sheet`."""

    sheet: type[Sheet]

    def link(self, page: str, *args: Any) -> str:
        return reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_{page}", args=args)

    def exchange_links(self, request: HttpRequest) -> dict[str, str]:
        """The buttons over the list."""
        return {}

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        return super().changelist_view(request, {"exchange": self.exchange_links(request), **(extra_context or {})})

    def page(self, request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
        request.current_app = self.admin_site.name
        site: Any = self.admin_site
        name = site.display_name(self.model) or capfirst(str(self.opts.verbose_name_plural))
        context = {**site.each_context(request), "opts": self.opts, "list_name": name, "title": title, **context}
        return TemplateResponse(request, f"backoffice/{template}.html", context)
