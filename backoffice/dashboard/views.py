"""The start page: the state of the business at a glance, each figure with the way to the list behind it."""

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from backoffice.activity import DUE
from backoffice.charts import Bar, bars, columns
from backoffice.dashboard.figures import Calls, Figures, Stage, Week
from backoffice.words import counted, sentence_case
from call.models import CallPlan
from crm import formats
from crm.formats import number
from lead.models import PIPELINE, LeadStatus, Restaurant
from track.health import Verdict
from track.models import Interaction, OrderDetails

OWNERS = 10  # in the table of calls; the others are summed


def overview(site: admin.AdminSite, request: HttpRequest) -> dict[str, Any]:
    """What the page shows: of each list that the viewer may see, the figures."""
    figures = Figures.of(request.user)
    context: dict[str, Any] = {"today": figures.today, "zone": figures.zone.key}
    if may_see(site, request, Restaurant):
        context["pipeline"] = pipeline(figures.pipeline(), figures.stale())
        context["accounts"] = accounts(figures.verdicts())
    if may_see(site, request, CallPlan):
        context["calls"] = calls(figures.calls())
    if may_see(site, request, OrderDetails):
        context["orders"] = orders(figures.weeks(), may_see(site, request, Interaction))
    return context


def may_see(site: admin.AdminSite, request: HttpRequest, model: Any) -> bool:
    return site.get_model_admin(model).has_view_permission(request)


def pipeline(stages: list[Stage], stale: int) -> dict[str, Any]:
    leads, revenue = sum(stage.leads for stage in stages), sum(stage.revenue for stage in stages)
    shown = [
        Bar(
            sentence_case(LeadStatus(stage.status).label),
            stage.leads,
            f"{counted(stage.leads, 'lead')} · {money(stage.revenue)}",
            list_of(Restaurant, status=stage.status),
        )
        for stage in stages
    ]
    description = _("Leads and their potential revenue by status; the bars are as long as there are leads.")
    return {
        "chart": bars(_("Pipeline by status"), description, shown),
        "leads": counted(leads, "lead"),
        "revenue": money(Decimal(revenue)),
        "url": list_of(Restaurant, owner=""),  # else it would open with the viewer's own
        "stale": counted(stale, "lead"),
        "stale_url": list_of(Restaurant, stale=1),
        "open": number(sum(stage.leads for stage in stages if stage.status in PIPELINE)),
        "unattended": counted(sum(stage.unattended for stage in stages), "lead"),
        "unattended_url": list_of(Restaurant, unattended=1),
    }


def calls(owners: list[Calls]) -> dict[str, Any]:
    """Of many owners, those with most overdue, and the sum of the others."""
    shown, others = owners[:OWNERS], owners[OWNERS:]
    most = max((row.overdue for row in shown), default=0)
    table = [
        {
            "name": row.name or _("Unowned"),
            "share": f"{100 * row.overdue / max(most, 1):.1f}%",
            "cells": cells([row], **({"owner_id": row.owner} if row.owner else {"unassigned": 1})),
        }
        for row in shown
    ]
    return {
        "owners": table,
        "others": len(others),
        "other_cells": cells(others),
        "cells": cells(owners),
    }


def cells(rows: list[Calls], **whose: Any) -> list[dict[str, Any]]:
    """Overdue, today and in the next days: how many, and their list."""
    return [
        {
            "count": number(sum(getattr(row, due) for row in rows)),
            "url": list_of(CallPlan, due=due, **whose),
            "due": due,
        }
        for due in DUE
    ]


def orders(weeks: list[Week], sees_interactions: bool) -> dict[str, Any]:
    """Orders lead to their interactions, since not each has details; revenue to the order details."""

    def interactions_from(first: date, last: date) -> str:
        if sees_interactions:
            return list_of(Interaction, ordered_from=first, ordered_to=last)
        return list_of(OrderDetails, date_from=first, date_to=last)

    by_count, by_revenue = [], []
    for week in weeks:
        label = _("Week %(week)s, from %(day)s") % {"week": week.monday.isocalendar().week, "day": day(week.monday)}
        url = list_of(OrderDetails, date_from=week.monday, date_to=week.sunday)
        tick = date_format(week.monday, _("j M"))
        count_url = interactions_from(week.monday, week.sunday)
        by_count.append(Bar(label, week.orders, counted(week.orders, "order"), count_url, tick))
        by_revenue.append(Bar(label, week.revenue, money(week.revenue), url, tick))
    period = {"first": day(weeks[0].monday), "last": day(weeks[-1].sunday)}
    of_count = _("Orders in each week, from %(first)s to %(last)s.") % period
    of_revenue = _("Total price of the orders in each week, from %(first)s to %(last)s.") % period
    return {
        "count": columns(_("Orders by week"), of_count, by_count, heading=_("Week"), unit=_("Orders")),
        "revenue": columns(
            _("Revenue by week"),
            of_revenue,
            by_revenue,
            heading=_("Week"),
            unit=_("Revenue"),
        ),
        "orders": counted(sum(week.orders for week in weeks), "order"),
        "total": money(sum((week.revenue for week in weeks), Decimal(0))),
        "url": interactions_from(weeks[0].monday, weeks[-1].sunday),
    }


def accounts(verdicts: dict[str, int]) -> dict[str, Any]:
    shown = [
        Bar(
            str(Verdict(verdict).label),
            count,
            counted(count, "account"),
            list_of(Restaurant, verdict=verdict),
        )
        for verdict, count in verdicts.items()
    ]
    description = _("Accounts by how they keep to the rhythm of their own orders, worst first.")
    return {
        "chart": bars(_("Accounts by verdict"), description, shown),
        "total": counted(sum(verdicts.values()), "account"),
    }


def list_of(model: Any, **query: Any) -> str:
    """The address of the model's list, narrowed."""
    path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{path}?{urlencode(query)}" if query else path


def money(amount: Decimal) -> str:
    return formats.money(amount, brief=True)


def day(of: date) -> str:
    return date_format(of, _("j M Y"))
