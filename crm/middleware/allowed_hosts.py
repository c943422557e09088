"""Host header checks: a request names one of ALLOWED_HOSTS; probes, which use the server's address, are exempt."""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.common import CommonMiddleware

PROBES = ("/healthz", "/readyz")


class AllowedHostsMiddleware(CommonMiddleware):
    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        return None if request.path_info in PROBES else super().process_request(request)
