"""Around every page: times in the viewer's zone, numbers and dates in the format of the viewer's country."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from backoffice.accounts.user_field import zone_of_viewer
from backoffice.accounts.viewer import country_of, locale_of
from crm.middleware.pages_only import PAGES


class ViewerMiddleware:
    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PAGES) or not request.user.is_authenticated:
            return self.get_response(request)
        translation.activate(locale_of(translation.get_language() or settings.LANGUAGE_CODE, country_of(request.user)))
        with timezone.override(zone_of_viewer(request)):
            return self.get_response(request)
