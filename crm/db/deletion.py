"""What a deletion cascades to, counted for the confirmation page: a lead may have 10,000 calls."""

from typing import Any

from django.contrib.admin import AdminSite
from django.db import models
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext

from crm.db.pairs import PairModel

NAMED = 20  # rows of each table


def summary(rows: models.QuerySet, request: HttpRequest, site: AdminSite) -> tuple[list[Any], dict[str, int]]:
    """For `ModelAdmin.get_deleted_objects`: the first rows of each table by name, and how many there are of each."""
    listed: list[Any] = []
    counts = {}
    for model, found in cascade_of(rows).items():
        registered = site.get_model_admin(model) if site.is_registered(model) else None
        related = getattr(registered, "list_select_related", None) or []
        first = list(found.order_by("pk").select_related(*related)[: NAMED + 1])
        if not first:
            continue
        count = len(first) if len(first) <= NAMED else found.count()
        names = [name_of(obj, registered, request) for obj in first[:NAMED]]
        more = [gettext("and %(count)s more") % {"count": f"{count - NAMED:,}"}] if count > NAMED else []
        listed += [capfirst(model._meta.verbose_name_plural), [*names, *more]]
        counts[str(model._meta.verbose_name_plural)] = count
    return listed, counts


def cascade_of(
    rows: models.QuerySet, found: dict[type[models.Model], models.QuerySet] | None = None
) -> dict[type[models.Model], models.QuerySet]:
    """By table: the rows and all rows that CASCADE deletes with them."""
    found = {} if found is None else found
    found[rows.model] = found[rows.model] | rows if rows.model in found else rows
    for relation in rows.model._meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ForeignObjectRel) and relation.on_delete is models.CASCADE:
            table: Any = relation.related_model
            # Not what joins many to many, and no pairs, whose other row the user may not see.
            if not table._meta.auto_created and not issubclass(table, PairModel):
                cascade_of(table._base_manager.filter(**{f"{relation.field.name}__in": rows}), found)
    return found


def name_of(obj: models.Model, registered: Any, request: HttpRequest) -> str:
    """With a link to its page, where there is one that the user may see."""
    path = f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change"
    try:
        if registered and registered.has_view_permission(request, obj):
            return format_html('<a href="{}">{}</a>', reverse(path, args=[obj.pk]), obj)
    except NoReverseMatch:
        pass
    return str(obj)
