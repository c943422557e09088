"""What the change lists share: bounded cost in large tables, sums, a sort order stored in the session, one filter form.

A page costs one query for the rows, one for count and sums, and one for columns from other tables.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, SEARCH_VAR, ChangeList
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.accounts.user_field import zone_of_viewer
from backoffice.accounts.viewer import has_work_profile
from backoffice.admin.actions import DeleteRows
from backoffice.admin.saving import Saving
from crm import dates
from crm.api.serializers import id_of
from crm.db.folding import folded_fields
from crm.formats import NOTHING as EMPTY
from crm.formats import money, number
from lead.models import LeadStatus

COUNTED = 100_000  # rows; a larger count is shown as "more than"


def phone_link(phone: str) -> str | SafeString:
    """A link that calls the number."""
    return format_html('<a href="tel:{}">{}</a>', "".join(phone.split()), phone) if phone else EMPTY


def mail_link(email: str) -> str | SafeString:
    return format_html('<a href="mailto:{}">{}</a>', email, email) if email else EMPTY


def link_to(row: Any) -> SafeString:
    """To the page of a row of another table."""
    path = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', path, row)


def due_of(moment: datetime | None, zone: ZoneInfo) -> str | SafeString:
    """As `day_of`; a moment before today is highlighted."""
    if moment and moment < dates.start_of_day(dates.today(zone), zone):
        return format_html('<span class="late">{}</span>', day_of(moment, zone))
    return day_of(moment, zone)


def day_of(moment: datetime | None, zone: ZoneInfo) -> str | SafeString:
    """The local date, and how many days ago or ahead it is."""
    if moment is None:
        return EMPTY
    day = dates.day_of(moment, zone)
    days = (dates.today(zone) - day).days
    if days in (0, 1, -1):
        away = {0: _("today"), 1: _("yesterday"), -1: _("tomorrow")}[days]
    else:
        text = ngettext("%(days)s day ago", "%(days)s days ago", days)
        if days < 0:
            text = ngettext("in %(days)s day", "in %(days)s days", -days)
        away = text % {"days": number(abs(days))}
    return format_html('<time datetime="{}">{}</time> <span class="away">{}</span>', day.isoformat(), day, away)


def moment_of(moment: datetime | None, zone: ZoneInfo) -> str | SafeString:
    """The local date and time."""
    if moment is None:
        return EMPTY
    local = moment.astimezone(zone).replace(second=0, microsecond=0)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), f"{local:%Y-%m-%d %H:%M}")


def status_badge(status: str) -> SafeString:
    return format_html('<span class="status {}">{}</span>', status.lower(), LeadStatus(status).label)


class BoundedPaginator(Paginator):
    """Counts and sums at most COUNTED rows, in one query."""

    object_list: QuerySet
    sums: Mapping[Any, str] = {}  # label → field

    @cached_property
    def figures(self) -> dict[str, Any]:
        rows = self.object_list.order_by().select_related(None)[: COUNTED + 1]
        named = {f"sum_{number}": Sum(field) for number, field in enumerate(self.sums.values())}
        return rows.aggregate(count=Count("pk"), **named)

    @cached_property
    def is_more(self) -> bool:
        return self.figures["count"] > COUNTED

    @cached_property
    def count(self) -> int:
        return min(self.figures["count"], COUNTED)

    @property
    def counted(self) -> str:
        return _("more than %(count)s") % {"count": number(COUNTED)} if self.is_more else number(self.count)

    @property
    def totals(self) -> list[tuple[str, str]]:
        """Each sum with its label; none where not all rows were counted."""
        if self.is_more:
            return []
        return [(str(name), money(self.figures[f"sum_{at}"] or Decimal(0))) for at, name in enumerate(self.sums)]


class SavableChangeList(ChangeList):
    """Can be saved under a name, filtered as it is."""

    is_own = False  # whether it has the own rows alone (own_first)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.request: HttpRequest = args[0]
        super().__init__(*args, **kwargs)

    @cached_property
    def saving(self) -> Saving | None:
        """Where it is narrowed, and not just to the own rows."""
        is_savable = self.model_admin.list_filter and not self.is_popup and (self.query or not self.is_own)
        saving = Saving(self) if is_savable else None
        return saving if saving and saving.query.narrows else None


class SavableListMixin(ModelAdmin):
    """For a list with Django's own filters."""

    change_list_template = "backoffice/savable_list.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SavableChangeList


class LargeChangeList(SavableChangeList):
    model_admin: "LargeChangeListMixin"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_popup:
            site: Any = self.model_admin.admin_site
            self.title = site.display_name(self.model) or capfirst(str(self.opts.verbose_name_plural))

    def get_ordering_field(self, field_name: str) -> Any:
        """As Django's; a text is ordered by its fold, where it has one."""
        field: Any = super().get_ordering_field(field_name)
        return folded_fields(self.model).get(field, field)

    def get_filters(self, request: HttpRequest) -> Any:
        """Of lookups beside the form's, only those by an id: others fail in the database, some slowly (regex)."""
        filters = super().get_filters(request)
        if not all(name.endswith("__id__exact") for name in filters[2]):
            raise IncorrectLookupParameters
        return filters

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.rows_of_page(self.result_list))
        self.zone = zone_of_viewer(request) if self.model_admin.has_moments else None
        self.has_work_profile = has_work_profile(request.user)
        for row in self.result_list:
            row.zone = self.zone
        self.model_admin.annotate_page(request, self.result_list)

    def without(self, *names: str) -> str:
        """The query string without these filters."""
        return self.get_query_string(dict.fromkeys(names))

    @property
    def search_parameters(self) -> list[tuple[str, str]]:
        """The rest of the query string, which the search form submits too."""
        return [(name, value) for name, values in self.filter_params.items() if name != SEARCH_VAR for value in values]

    def rows_of_page(self, page: QuerySet) -> QuerySet:
        """The page's rows by their ids, so that joined tables are not read for all rows of the pages before."""
        if not page.query.is_sliced or page.query.distinct:
            return page
        rows = self.apply_select_related(self.root_queryset.filter(pk__in=page.values("pk")))
        return rows.order_by(*page.query.order_by)


class LargeChangeListMixin(ModelAdmin):
    """A mixin that comes before TimestampedAdmin."""

    paginator = BoundedPaginator
    change_list_template = "backoffice/list.html"
    empty_value_display = EMPTY
    sums: ClassVar[dict[Any, str]] = {}
    delete_action: ClassVar[DeleteRows] = DeleteRows()
    has_moments: ClassVar[bool] = True  # the rows get the `zone` in which to show them

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LargeChangeList

    def get_paginator(self, request: HttpRequest, queryset: QuerySet, per_page: int, *args: Any, **kwargs: Any) -> Any:
        paginator: Any = super().get_paginator(request, queryset, per_page, *args, **kwargs)
        if queryset.model is self.model:  # a row's history has pages too
            paginator.sums = self.sums
        return paginator

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        self.remember_order(request)
        return super().changelist_view(request, extra_context)

    def remember_order(self, request: HttpRequest) -> None:
        """The sort order that was chosen last is stored in the session, and applies until another one is chosen."""
        key = f"order of {self.opts.label_lower}"
        stored = request.session.get(key, "")
        if ORDER_VAR in request.GET:
            chosen = request.GET[ORDER_VAR][:50]
            if chosen != stored:
                request.session[key] = chosen
        elif stored:
            query: Any = request.GET.copy()
            query[ORDER_VAR] = stored
            request.GET = query

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Our bulk deletion in place of Django's, as the last action."""
        actions: dict[str, Any] = super().get_actions(request)
        if actions.pop(DeleteRows.name, None):
            actions[DeleteRows.name] = (self.delete_action, DeleteRows.name, DeleteRows.short_description)
        return actions

    def response_action(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        if not all(map(id_of, request.POST.getlist(ACTION_CHECKBOX_NAME))):
            self.message_user(request, _("No such rows."), messages.ERROR)
            return None
        return super().response_action(request, queryset)

    def describe(self, row: Any) -> str:
        """The text for a row on the page of an action."""
        return str(row)

    def annotate_page(self, request: HttpRequest, rows: list[Any]) -> None:
        """Set on the rows of a page what their columns show from other tables."""
