"""The OpenAPI description (/api/schema/, docs/openapi.yaml), derived from the views, serializers and filters.

An operation's texts are its docstring, or follow from its table; its statuses and headers follow from what the HTTP kit
does for its kind of request; its examples are in the `examples` module of the app. A view says for itself only what
cannot be derived: `@extend_schema(request=…)` for a verb's body, `responses=…(many=True)` for a further list.
"""

import re
from functools import cache
from http import HTTPStatus
from importlib import import_module
from typing import Any

from django.apps import apps
from django.utils.module_loading import module_has_submodule
from drf_spectacular import openapi
from drf_spectacular.drainage import warn
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.plumbing import build_examples_list, build_parameter_type, get_lib_doc_excludes, safe_ref
from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSetMixin

from crm.api.merging import MergedRowsViewSet
from crm.api.openapi import examples as own_examples
from crm.api.openapi.components import ABOUT, COMPONENTS, PLAIN_PATHS, RESPONSES, TAGS, reference
from crm.api.openapi.extensions import column_of
from crm.api.serializers import ModelSerializer
from crm.api.viewsets import ApiViewSet, ReadingViewSet, ResourceViewSet
from crm.fast.fields import BoundOnce

# What the operations that every resource has are called: summary and description, about {one} of its {many}.
TEXTS = {
    "list": ("List {many}", "All of them, or those that the parameters let through, as a bare array."),
    "create": ("Create {one}", ""),
    "retrieve": ("Get {one}", ""),
    "update": ("Replace {one}", "The required keys must be there; what is left out keeps its value."),
    "partial_update": ("Edit {one}", "What is left out keeps its value."),
    "destroy": ("Delete {one}", ""),
}


def constant_response(**body: str) -> dict[str, Any]:
    """The schema of an answer that is always the same."""
    properties = {key: {"type": "string", "const": text} for key, text in body.items()}
    return {"type": "object", "properties": properties, "required": list(body), "additionalProperties": False}


class AutoSchema(openapi.AutoSchema):
    """Describes one operation."""

    @property
    def noun(self) -> str:
        """What it is about: the view's own word, the model, or what the view is called after."""
        if noun := getattr(self.view, "noun", ""):
            return noun
        queryset = getattr(self.view, "queryset", None)
        name = type(self.view).__name__.removesuffix("View")
        words = re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()
        return words if queryset is None else str(queryset.model._meta.verbose_name)

    @property
    def is_write(self) -> bool:
        return self.method not in SAFE_METHODS

    @property
    def is_keyed(self) -> bool:
        """Whether an Idempotency-Key makes it safe to retry."""
        return isinstance(self.view, ApiViewSet) and self.view.stores_answers and self.method == "POST"

    @property
    def is_tagged(self) -> bool:
        """Whether it concerns one row, whose ETag it knows."""
        return isinstance(self.view, ApiViewSet) and self.view.stores_answers and bool(self.view.detail)

    # --- Names and texts --------------------------------------------------------------------------

    def get_operation_id(self) -> str:
        words = f"{self.noun} {self.view.action}" if isinstance(self.view, ViewSetMixin) else self.noun
        return words.replace(" ", "_")

    def get_tags(self) -> list[str]:
        return [next(tag for prefix, tag, _ in TAGS if self.path.startswith(prefix))]

    def get_summary(self) -> str:
        return self.texts()[0]

    def get_description(self) -> str:
        return self.texts()[1]

    def texts(self) -> tuple[str, str]:
        """Summary and description: the first sentence of the docstring and the rest, where there is one."""
        is_set = isinstance(self.view, ViewSetMixin)
        action = getattr(type(self.view), self.view.action if is_set else self.method.lower())  # type: ignore[attr-defined]
        documented = action if is_set else type(self.view)
        if documented.__doc__ and not documented.__module__.startswith("rest_framework"):
            summary, _, description = " ".join(documented.__doc__.split()).partition(". ")
            return summary.removesuffix("."), description
        if not is_set or self.view.queryset is None or self.view.action not in TEXTS:  # type: ignore[attr-defined]
            warn(f"{documented.__qualname__} has no docstring to say what it does.")
            return "", ""
        one = f"{'an' if self.noun[0] in 'aeiou' else 'a'} {self.noun}"
        many = self.view.queryset.model._meta.verbose_name_plural  # type: ignore[attr-defined]
        summary, description = TEXTS[self.view.action]  # type: ignore[attr-defined]
        return summary.format(one=one, many=many), description

    # --- Parameters -------------------------------------------------------------------------------

    def get_filter_backends(self):
        return super().get_filter_backends() if isinstance(self.view, ReadingViewSet) else []

    def _resolve_path_parameters(self, variables):
        """Ids are whole numbers, and whose they are is in the path."""
        if variables != ["id"]:
            return super()._resolve_path_parameters(variables)
        schema = {"type": "integer", "format": "int64", "minimum": 1, "maximum": 10**18 - 1}
        return [build_parameter_type("id", schema, "path", description=f"The id of the {self.noun}.")]

    def _get_parameters(self):
        parameters = super()._get_parameters()
        names = []
        if self.get_filter_backends():
            names += [*self.view.pagination_class.parameters, "Prefer"]  # type: ignore[attr-defined]
        if self.is_tagged:
            names += ["IfMatch", "IfNoneMatch"] if self.is_write else ["IfNoneMatch"]
        if self.is_keyed:
            names += ["IdempotencyKey"]
        return parameters + [reference("parameters", name) for name in [*names, "RequestId"]]

    def _get_paginator(self):
        """A page is an array like the whole list, and its parameters are listed with the others."""

    def map_parsers(self):
        """Forms are read too, as the text at the top says; they are described where nothing else is read."""
        types = super().map_parsers()
        return ["application/json"] if "application/json" in types else types

    def _get_request_for_media_type(self, serializer, direction="request"):
        """A PATCH may leave keys of the resource out; a verb's body has required keys, whatever the method."""
        if self.method == "PATCH" and isinstance(serializer, type) and serializer is not self.view.serializer_class:  # type: ignore[attr-defined]
            return self.resolve_serializer(serializer, direction).ref, True
        return super()._get_request_for_media_type(serializer, direction)

    # --- Answers ----------------------------------------------------------------------------------

    def _get_response_bodies(self, direction="response"):
        """What the view answers, and each refusal that its kind of request can meet."""
        responses = super()._get_response_bodies(direction)
        for status, response in responses.items():
            if status.startswith("2"):
                response["description"] = HTTPStatus(int(status)).phrase
                response["headers"] = {
                    header: reference("headers", header)
                    for header in self.headers("content" in response and self.method != "DELETE")
                }
            elif "content" in response:  # a refusal with a body of its own
                response["headers"] = {"X-Request-ID": reference("headers", "X-Request-ID")}
            else:  # @extend_schema(responses={…, 403: None}): the view's own rule
                responses[status] = reference("responses", RESPONSES[int(status)])
        for status in self.statuses():  # type: ignore[assignment]
            responses.setdefault(str(status), reference("responses", RESPONSES[status]))  # type: ignore[index]
        return dict(sorted(responses.items()))

    def statuses(self) -> list[int]:
        """The refusals that the HTTP kit has for this kind of request, and 304."""
        is_signed = bool(self.view.get_authenticators())
        has_body = self.method in ("POST", "PUT", "PATCH")
        applies = {
            304: self.is_tagged and not self.is_write,
            308: isinstance(self.view, MergedRowsViewSet) and "{" in self.path,
            400: self.is_write or any(parameter.get("in") == "query" for parameter in self._get_parameters()),
            401: is_signed,
            403: is_signed and self.is_write,
            404: "{" in self.path,
            406: type(self.view).perform_content_negotiation == APIView.perform_content_negotiation,
            409: is_signed and self.is_write,
            412: self.is_write and self.is_tagged,
            413: has_body,
            415: has_body,
            422: self.is_keyed,
            429: is_signed,
            503: True,
        }
        return [status for status, does in applies.items() if does]

    def headers(self, shows_resource: bool) -> list[str]:
        """The headers of a success."""
        names = ["X-Request-ID"]
        if shows_resource and (self.is_tagged or self.is_keyed):
            names.append("ETag")
        if self.get_filter_backends():
            names += self.view.pagination_class.links  # type: ignore[attr-defined]
        if self.is_keyed:
            names.append("Idempotency-Replayed")
        return names

    # --- Shapes -----------------------------------------------------------------------------------

    def _postprocess_serializer_schema(self, schema, serializer, direction):
        """An answer shows every key, whether or not a request may leave it out, and has passed the checks already."""
        schema = super()._postprocess_serializer_schema(schema, serializer, direction)
        properties = schema.get("properties", {})
        for name, shape in properties.items():
            for aside in ("readOnly", "writeOnly"):  # requests and answers have components of their own
                shape.pop(aside, None)
            properties[name] = safe_ref(shape)
            if direction == "response":
                shape.pop("pattern", None)
                if isinstance(serializer.fields[name], serializers.EmailField):
                    properties[name] = {"type": "string"}
        if direction == "response" and properties:
            left_out = getattr(serializer, "left_out", ())  # in some answers
            schema["required"] = [name for name in properties if name not in left_out]
        return schema

    def _get_serializer_field_meta(self, field, direction):
        """What an answer shows is null where its column may be, though no request could make it so."""
        meta = super()._get_serializer_field_meta(field, direction)
        column = column_of(field)
        if direction == "response" and column and column.null:
            meta["nullable"] = True
        return meta

    def _get_examples(self, serializer, direction, media_type, status_code=None, extras=None):
        """Those of the apps' `examples` modules: `<operation>`, and any further `<operation>/<name>`."""
        if direction == "response" and not str(status_code).startswith("2"):
            return {}
        known = examples("BODIES" if direction == "request" else "ANSWERS")
        named = {key.partition("/"): value for key, value in known.items()}
        return build_examples_list(
            [
                OpenApiExample(name or "example", value)
                for (operation, _, name), value in named.items()
                if operation == self.get_operation_id()
            ]
        )


@cache
def examples(kind: str) -> dict[str, Any]:
    """BODIES or ANSWERS of the kit and of all apps, by operation."""
    found: dict[str, Any] = dict(getattr(own_examples, kind, {}))
    for config in apps.get_app_configs():
        if module_has_submodule(config.module, "examples"):
            found |= getattr(import_module(f"{config.name}.examples"), kind, {})
    return found


def documented_elsewhere() -> list[type]:
    """Classes whose docstrings are for developers, not for clients."""
    return [
        *get_lib_doc_excludes(),
        BoundOnce,
        ModelSerializer,
        ApiViewSet,
        ReadingViewSet,
        ResourceViewSet,
    ]


class Generator(SchemaGenerator):
    """The whole document: the operations, and the parts that they share."""

    def get_schema(self, request=None, public=False):
        schema = super().get_schema(request, public)
        for kind, parts in COMPONENTS.items():
            schema["components"][kind] = dict(sorted({**schema["components"].get(kind, {}), **parts}.items()))
        return {
            "openapi": schema["openapi"],
            "info": {**schema["info"], "description": ABOUT},
            "tags": [{"name": name, "description": text} for _, name, text in TAGS],
            "paths": {**schema["paths"], **PLAIN_PATHS},
            "components": schema["components"],
        }
