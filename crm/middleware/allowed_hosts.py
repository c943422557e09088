"""Whom the server answers: whoever calls it by a name of ALLOWED_HOSTS, and probes, which call it by its address."""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.common import CommonMiddleware

PROBES = ("/healthz", "/readyz")


class AllowedHostsMiddleware(CommonMiddleware):
    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        return None if request.path_info in PROBES else super().process_request(request)
