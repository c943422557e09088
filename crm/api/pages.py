"""A newcomer's first steps: `/`, the OpenAPI description, and two pages that show it. Everybody may see them."""

from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer

from crm.api.openapi.schema import Generator
from crm.api.views import probe

PLACES = {"docs": "docs", "redoc": "redoc", "schema": "schema", "admin": "admin:index", "token": "token"}

# ReDoc writes its styles into the page, and searches in a worker that it makes itself.
REDOC_POLICY = f"{settings.CONTENT_SECURITY_POLICY}; style-src 'self' 'unsafe-inline'; worker-src blob:"


@probe
def home(request: HttpRequest) -> HttpResponse:
    """Where to go from here: a page for browsers, JSON for others."""
    if request.get_preferred_type(["application/json", "text/html"]) == "text/html":
        return render(request, "crm/home.html")
    return JsonResponse({place: request.build_absolute_uri(reverse(name)) for place, name in PLACES.items()})


@probe
def schema(request: HttpRequest) -> HttpResponse:
    """The description in YAML, or in JSON where the client accepts only that."""
    if request.get_preferred_type(["application/yaml", "application/json"]) == "application/json":
        return HttpResponse(described(OpenApiJsonRenderer), "application/json")
    return HttpResponse(described(OpenApiYamlRenderer), "application/yaml")


@cache
def described(renderer: type[OpenApiJsonRenderer] | type[OpenApiYamlRenderer]) -> bytes:
    """Identical for all users and slow to build: cached per process."""
    return renderer().render(Generator().get_schema(public=True), renderer_context={})


@probe
def docs(request: HttpRequest) -> HttpResponse:
    return render(request, "crm/docs.html")


@probe
def redoc(request: HttpRequest) -> HttpResponse:
    page = render(request, "crm/redoc.html")
    page["Content-Security-Policy"] = REDOC_POLICY
    return page
