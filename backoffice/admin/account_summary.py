"""The figures of one account: when it was last touched and last ordered, what it orders, and when to call it next."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from math import ceil
from typing import Any

from django.conf import settings
from django.db.models import Count, Sum
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.activity import latest_begun
from backoffice.admin.timeline import current_zone, may_view
from backoffice.charts import Bar, columns, rhythm
from backoffice.words import counted
from call.models import CallPlan
from crm import dates
from crm.formats import money
from lead.models import LeadStatus, Restaurant
from track.accounts import account_of, today
from track.health import Health, Verdict
from track.models import Interaction, InteractionQuerySet, OrderDetails

MONTHS = 12


@dataclass(frozen=True)
class Since:
    """Something that happened, and how many days ago, in the zone that the page shows."""

    moment: datetime

    @property
    def days(self) -> int:
        zone = current_zone()
        return (dates.today(zone) - dates.day_of(self.moment, zone)).days


class AccountSummary:
    """The figures of a lead that `user` may see, one query each; None for what has not happened."""

    def __init__(self, lead: Restaurant, user: Any) -> None:
        self.lead, self.user = lead, user
        self.sees_interactions = may_view(user, Interaction)
        self.sees_orders = self.sees_interactions and may_view(user, OrderDetails)
        self.sees_plans = may_view(user, CallPlan)

    def last_touch(self) -> Since | None:
        return self.latest(Interaction.objects.filter(interaction_type__in=settings.TOUCH_TYPES), "date")

    def last_order(self) -> Since | None:
        return self.latest(Interaction.objects.dated_orders(), "ordered_at")

    def latest(self, interactions: InteractionQuerySet, moment_field: str) -> Since | None:
        """Without future ones, such as planned visits."""
        happened = interactions.filter(lead=self.lead, **{f"{moment_field}__lte": dates.now()})
        moment = happened.order_by(f"-{moment_field}", "-id").values_list(moment_field, flat=True).first()
        return Since(moment) if moment else None

    @cached_property
    def next_call(self) -> CallPlan | None:
        """The plan that is due first; a lost lead is not called."""
        return CallPlan.objects.filter(lead=self.lead).unpaused().of_open_leads().by_date().first()

    @cached_property
    def health(self) -> Health | None:
        """Of a lead that is converted or has ordered; on the server's day."""
        found = account_of(self.lead.pk, today()).health
        return found if found.order_days or self.lead.lead_status == LeadStatus.CONVERTED else None

    @property
    def verdict(self) -> str:
        return str(Verdict(self.health.verdict).label) if self.health else ""

    def rhythm(self) -> SafeString:
        """The last order days, and the usual gap after them; nothing before the second order day."""
        found = self.health
        if found is None or found.usual_gap is None:
            return SafeString("")
        days = ", ".join(date_format(day, _("j F Y")) for day in found.days)
        text = ngettext(
            "Order days: %(days)s. The band is the usual gap of %(gap)s day after the last one, the line is today.",
            "Order days: %(days)s. The band is the usual gap of %(gap)s days after the last one, the line is today.",
            ceil(found.usual_gap),
        )
        description = text % {"days": days, "gap": f"{found.usual_gap:g}"}
        return rhythm(_("Order days"), description, found.days, found.expected_on, today())

    @property
    def is_overdue(self) -> bool:
        """As in the list of overdue calls: due before today."""
        zone = current_zone()
        today = dates.start_of_day(dates.today(zone), zone)
        return self.next_call is not None and self.next_call.next_call_date < today

    def orders_by_month(self) -> SafeString:
        """A chart of the revenue of the last twelve months, this one included. An order without details has none."""
        zone = current_zone()
        months = months_to(dates.today(zone))
        following = (months[-1] + timedelta(days=31)).replace(day=1)
        start, end = (dates.start_of_day(day, zone) for day in (months[0], following))
        rows = (
            Interaction.objects.dated_orders()
            .filter(lead=self.lead, ordered_at__gte=start, ordered_at__lt=end)
            .values(month=latest_begun("ordered_at", months, zone))
            .annotate(orders=Count("id"), revenue=Sum("order__total_price", default=Decimal(0)))
            .order_by("month")
        )
        of_month = {row["month"]: (row["orders"], row["revenue"]) for row in rows}
        bars = [bar(month, *of_month.get(month, (0, Decimal(0)))) for month in months]
        orders, revenue = (sum(of_month.get(month, (0, 0))[i] for month in months) for i in (0, 1))
        description = _("%(orders)s worth %(revenue)s in the %(months)s months to %(last)s.") % {
            "orders": counted(orders, "order"),
            "revenue": money(revenue),
            "months": MONTHS,
            "last": bars[-1].label,
        }
        return columns(_("Orders by month"), description, bars, heading=_("Month"), unit=_("Orders and revenue"))


def bar(month: date, orders: int, revenue: Decimal) -> Bar:
    text = f"{counted(orders, 'order')}, {money(revenue)}"
    return Bar(date_format(month, "F Y"), revenue, text, tick=date_format(month, "M"))


def months_to(day: date) -> list[date]:
    """The first days of the months up to the one of `day`, oldest first."""
    last = day.year * 12 + day.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(last - MONTHS + 1, last + 1)]
