"""The query string of a list as it is saved: what of it the list knows, and what of it means nothing any more."""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.admin.views.main import ORDER_VAR, SEARCH_VAR
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from backoffice.accounts.user_field import find_users
from backoffice.admin.filters import ME, FilterSetListFilter, ListFilterSet, matching_cities
from crm.api.serializers import id_of
from crm.db.models import TimestampedQuerySet
from lead.models import Policy

ORDER = re.compile(r"-?\d{1,3}(\.-?\d{1,3}){0,9}")
MAX_SEARCH = 254  # characters, as in the search form
BY_ID = "__id__exact"
OF_DJANGO = re.compile(r"(\w+?)__(?:id__)?(?:exact|isnull)")  # a parameter of its own filters


def filterset_of(model_admin: Any) -> type[ListFilterSet] | None:
    """The filters of the list, where they are a FilterSet, and not Django's own."""
    for each in model_admin.list_filter:
        if isinstance(each, type) and issubclass(each, FilterSetListFilter):
            return each.filterset_class
    return None


def lists_of(site: AdminSite, request: HttpRequest) -> dict[str, Any]:
    """The ModelAdmins of the lists with filters that the user may view, by the labels of their tables."""
    return {
        model._meta.label_lower: model_admin
        for model, model_admin in site._registry.items()
        if model_admin.list_filter and model_admin.has_view_permission(request)
    }


class ListQuery:
    """The parameters of a query string that the list knows, without empty ones; `unknown` has the others' names."""

    def __init__(self, model_admin: Any, query: QueryDict, request: HttpRequest) -> None:
        self.model_admin, self.request = model_admin, request
        self.filterset_class: Any = filterset_of(model_admin)
        given = {name: str(query.getlist(name)[-1]).strip() for name in query}
        given = {name: value for name, value in given.items() if value}
        self.parameters = {name: value for name, value in given.items() if self.knows(name, value)}
        self.unknown = sorted(given.keys() - self.parameters.keys())

    def knows(self, name: str, value: str) -> bool:
        if name == SEARCH_VAR:
            return bool(self.model_admin.search_fields) and "\0" not in value and len(value) <= MAX_SEARCH
        if name == ORDER_VAR:
            return ORDER.fullmatch(value) is not None
        return self.is_filter(name) or (self.table_of(name) is not None and bool(id_of(value)))

    def is_filter(self, name: str) -> bool:
        if self.filterset_class:
            return name in self.filterset_class.base_filters
        field = OF_DJANGO.fullmatch(name)
        return field is not None and field[1] in self.model_admin.list_filter

    def table_of(self, name: str) -> Any:
        """Of a parameter as `lead__id__exact`, by which pages link to the rows of one lead: the table of its row."""
        try:
            field = self.model_admin.opts.get_field(name.removesuffix(BY_ID)) if name.endswith(BY_ID) else None
        except FieldDoesNotExist:
            return None
        return field.related_model if field and (field.many_to_one or field.many_to_many) else None

    @property
    def narrows(self) -> bool:
        return not self.parameters.keys() <= {ORDER_VAR}

    @property
    def form(self) -> Any:
        """Of the filters; Django's own have none, and nothing in it is invalid."""
        if not self.filterset_class:
            return forms.Form({})
        named = {name: value for name, value in self.parameters.items() if self.is_filter(name)}
        return self.filterset_class(named, request=self.request).form

    def encoded(self) -> str:
        return urlencode(sorted(self.parameters.items()))

    def to_save(self) -> str:
        """The query string. Raises ValidationError where nothing narrows the list, or a filter is invalid.

        A username becomes an id: it is of the same user after they are renamed, and of nobody else after they are gone.
        """
        if not self.narrows:
            raise ValidationError(_("Filter the list first: without a filter there is nothing to save."))
        if not self.form.is_valid():
            raise ValidationError(_("One of the filters is invalid. Correct it first."))
        owner = self.parameters.get("owner", ME)
        if "owner_id" in self.parameters:
            self.parameters.pop("owner", None)
        elif owner != ME:
            users = self.find_owners(owner)
            if len(users) == 1 and users[0].get_username().lower() == owner.lower():
                del self.parameters["owner"]
                self.parameters["owner_id"] = str(users[0].pk)
        return self.encoded()

    def problems(self) -> Iterator[str]:
        """What the page says of parameters that mean nothing any more. But for unknown ones the list has no rows."""
        for name in self.unknown:
            yield _("This list was saved with “%(name)s”, which the list does not know any more. It is left out.") % {
                "name": name[:50]
            }
        form = self.form
        for name in form.errors:
            yield _("“%(value)s” is no value of the filter “%(filter)s” any more, so the list has no rows.") % {
                "value": self.parameters.get(name, "")[:50],
                "filter": form[name].label,
            }
        if self.names_missing_user():
            yield _("The user that this list names is gone, so it has no rows.")
        city = self.parameters.get("city", "")
        if city and "city" not in form.errors and not matching_cities(city, self.request.user):
            yield _("No lead that you see is in “%(city)s”, so the list has no rows.") % {"city": city[:50]}
        for name, pk in self.parameters.items():
            table = self.table_of(name)
            if table and table is not get_user_model() and not self.seen_of(table).filter(pk=pk).exists():
                yield _("The %(row)s that this list names is gone, so it has no rows.") % {
                    "row": table._meta.verbose_name
                }

    def seen_of(self, table: Any) -> QuerySet:
        rows = table.objects.all()
        return rows.visible_to(self.request.user) if isinstance(rows, TimestampedQuerySet) else rows

    def names_missing_user(self) -> bool:
        pk, name = self.parameters.get("owner_id", ""), self.parameters.get("owner", ME)
        if pk:
            return bool(id_of(pk)) and not self.seen_owners(get_user_model().objects.filter(pk=id_of(pk)))
        return name != ME and "\0" not in name and not self.find_owners(name)

    def find_owners(self, name: str) -> list[Any]:
        return self.seen_owners(find_users(name))

    def seen_owners(self, users: Iterable[Any]) -> list[Any]:
        """Those whose leads the user may see: of others a list does not tell whether they exist."""
        policy = Policy.of(self.request.user)
        return [user for user in users if policy.sees_leads_of(user.pk)]


def name_of_list(model_admin: Any) -> str:
    """As in the navigation."""
    meta = model_admin.opts
    return model_admin.admin_site.display_name(model_admin.model) or capfirst(str(meta.verbose_name_plural))
