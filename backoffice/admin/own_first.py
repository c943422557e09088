"""Lists open with one's own rows, until one chooses to see all; the choice is stored by user and list.

"Own" is the filter `owner=me`. A list that is opened without a filter gets it into its address, and so do all links and
forms of the page: they lead to what the page shows, also after the choice has changed elsewhere. An address that names
a filter, if only by an empty `owner=`, is left as it is.
"""

from functools import cached_property
from typing import Any, NamedTuple

from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, ORDER_VAR, PAGE_VAR, ChangeList
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import path, reverse

from backoffice.accounts.roles import KAM
from backoffice.admin.changelist import BoundedPaginator, LargeChangeList, LargeChangeListMixin
from backoffice.admin.filters import ME
from backoffice.models import WholeList
from lead.models import Restaurant

OWNER = "owner"
OF_ANY_PAGE = {PAGE_VAR, ORDER_VAR, ALL_VAR, ERROR_FLAG}  # parameters that narrow nothing
OWN, ALL = "own", "all"


class Opening(NamedTuple):
    """How a list opens for a user: `has_own` rows, as an owner of leads or a KAM; `whole`: wants all nevertheless."""

    has_own: bool
    whole: bool

    @classmethod
    def of(cls, request: Any, model: str) -> "Opening":
        """By one query a request."""
        if not hasattr(request, "opening"):
            user = get_user_model().objects.filter(pk=request.user.pk)
            has_leads = Exists(Restaurant.objects.filter(assigned_to=request.user.pk).order_by())
            is_kam = Exists(request.user.groups.filter(name=KAM).order_by())
            whole = Exists(WholeList.objects.filter(user=request.user.pk, model=model).order_by())
            owns, is_in_group, wants_all = user.values_list(has_leads, is_kam, whole).get()
            request.opening = cls(owns or is_in_group, wants_all)
        return request.opening


class OwnFirstChangeList(LargeChangeList):
    @cached_property
    def named(self) -> dict[str, str]:
        """What the address narrows the list by, beside a search."""
        values = {name: values[-1].strip() for name, values in self.get_filters_params().items()}
        return {name: value for name, value in values.items() if value}

    @property
    def is_own(self) -> bool:
        return not self.is_popup and self.named == {OWNER: ME}

    @cached_property
    def whose(self) -> dict[str, str] | None:
        """What the page says of whose rows it shows, and the way to the others; nothing where other filters apply."""
        if self.is_popup or (self.named and not self.is_own):
            return None
        if not self.is_own and not Opening.of(self.request, self.opts.label_lower).has_own:
            return None
        if self.query:
            return {"href": self.get_query_string({OWNER: "" if self.is_own else ME})}
        rows: QuerySet = self.root_queryset
        model: Any = self.model
        others = rows if self.is_own else rows.filter(**{model.owner_path: self.request.user.pk})
        return {"others": BoundedPaginator(others, 1).counted, "rows": ALL if self.is_own else OWN}

    def without(self, *names: str) -> str:
        """Without the last filter too it is not narrowed to the own rows again."""
        is_last = not self.query and self.named.keys() <= set(names)
        return self.get_query_string({**dict.fromkeys(names), **({OWNER: ""} if is_last else {})})

    @property
    def search_parameters(self) -> list[tuple[str, str]]:
        """A search from the own rows goes through all that the user sees."""
        leaves_own = self.is_own and not self.query
        return [(name, value) for name, value in super().search_parameters if not (leaves_own and name == OWNER)]


class OwnFirstMixin(LargeChangeListMixin):
    """For the ModelAdmin of a table with an `owner_path`, whose filters are LeadOwnerFilters."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return OwnFirstChangeList

    def get_urls(self) -> list:
        name = f"{self.opts.app_label}_{self.opts.model_name}_own_first"
        return [path("own-first/", self.admin_site.admin_view(self.own_first_view), name=name), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        if OF_ANY_PAGE.issuperset(request.GET):
            opening = Opening.of(request, self.opts.label_lower)
            if opening.has_own:
                query: Any = request.GET.copy()
                query[OWNER] = "" if opening.whole else ME
                request.GET = query
        return super().changelist_view(request, extra_context)

    def own_first_view(self, request: HttpRequest) -> HttpResponse:
        """Store with which rows the list opens, and open it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        rows = request.POST.get("rows")
        if rows not in (OWN, ALL):
            return HttpResponseBadRequest("rows: own or all.")
        WholeList.choose(request.user, self.opts.label_lower, whole=rows == ALL)
        return redirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))
