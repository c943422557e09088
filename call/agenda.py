"""A user's day on the phone: calls overdue, due today and coming up, leads without a plan, accounts at risk.

A fixed number of queries, however many plans there are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext, gettext_lazy, ngettext

from call.models import CallPlan, Frequency
from call.models.event import AHEAD
from call.serializers import CallPlanSerializer
from contact.models import Contact
from crm import dates
from crm.formats import day_inside
from lead.models import LeadStatus, Policy, Restaurant, RestaurantQuerySet
from track.accounts import Account, accounts_of
from track.health import AT_RISK
from track.models import Interaction

UNATTENDED = 100  # leads in an agenda; all are under /lead/restaurants/?assigned_to=none
AT_RISK_DAYS = 7
UNPLANNED = gettext_lazy("No call is planned for this lead.")
SEE_ACCOUNT = gettext_lazy("No call is due in the next 7 days, and the account is overdue to order.")

PER_FREQUENCY: dict[str, Any] = {
    Frequency.DAILY: gettext_lazy("daily calls"),
    Frequency.WEEKLY: gettext_lazy("weekly calls"),
    Frequency.BIWEEKLY: gettext_lazy("biweekly calls"),
    Frequency.MONTHLY: gettext_lazy("monthly calls"),
}


@dataclass(frozen=True)
class Agenda:
    """The local `day` of the owner in `zone`, and the `days` after it, as far as the viewer may see it."""

    viewer: Any
    owner_id: int
    day: date
    zone: ZoneInfo
    days: int = 7

    def body(self) -> dict[str, Any]:
        """The answer of `GET /call/agenda/`."""
        plans = list(self.plans().select_related("lead"))
        unplanned = list(self.unplanned())
        unattended = self.unattended()
        accounts = self.accounts(lead.pk for lead, _ in unattended)
        at_risk = self.at_risk(accounts)
        leads = [*unplanned, *at_risk, *(lead for lead, _ in unattended)]
        details = LeadDetails.of([*(plan.lead_id for plan in plans), *(lead.pk for lead in leads)], accounts)
        body: dict[str, Any] = {
            "date": self.day,
            "time_zone": self.zone.key,
            "overdue": [],
            "today": [],
            "upcoming": [],
            "unplanned": [self.entry(None, lead, details) for lead in unplanned],
            "unattended": [self.entry(plan, lead, details, self.missing_owner(lead)) for lead, plan in unattended],
            "at_risk": [self.entry(None, lead, details, unplanned=SEE_ACCOUNT) for lead in at_risk],
        }
        for plan in plans:
            due = self.local(plan.next_call_date)
            part = "overdue" if due < self.day else "today" if due == self.day else "upcoming"
            body[part].append(self.entry(plan, plan.lead, details))
        return body

    def plans(self) -> QuerySet[CallPlan]:
        end = dates.start_of_day(self.day + timedelta(days=self.days + 1), self.zone)
        return CallPlan.objects.visible_to(self.viewer).overdue_at(end).filter(lead__assigned_to=self.owner_id)

    def unplanned(self) -> QuerySet[Restaurant]:
        planned = CallPlan.objects.filter(lead=OuterRef("pk"))
        mine = Restaurant.objects.visible_to(self.viewer).filter(assigned_to=self.owner_id)
        return mine.exclude(lead_status=LeadStatus.LOST).filter(~Exists(planned)).order_by("id")

    def unattended(self) -> list[tuple[Restaurant, CallPlan | None]]:
        """The first UNATTENDED leads that the owner looks after, soonest call first, each with its next plan."""
        plans = CallPlan.objects.unpaused().filter(lead=OuterRef("pk")).by_date()
        leads = self.looked_after().unattended().exclude(lead_status=LeadStatus.LOST).select_related("assigned_to")
        leads = leads.annotate(plan=Subquery(plans.values("pk")[:1]), due=Subquery(plans.values("next_call_date")[:1]))
        found = list(leads.order_by(F("due").asc(nulls_last=True), "id")[:UNATTENDED])
        next_plans = CallPlan.objects.in_bulk({lead.plan for lead in found if lead.plan})
        return [(lead, next_plans.get(lead.plan)) for lead in found]

    def looked_after(self) -> RestaurantQuerySet:
        """What both the viewer and the owner may see."""
        rows = Restaurant.objects.visible_to(self.viewer)
        if self.owner_id == self.viewer.pk:
            return rows
        if not Policy.of(self.viewer).sees_leads_of(self.owner_id):  # as of a user who does not exist
            return rows.none()
        owner = get_user_model().objects.filter(pk=self.owner_id).first()
        return rows.visible_to(owner) if owner else rows.none()

    def missing_owner(self, lead: Restaurant) -> str:
        if not lead.assigned_to:
            return gettext("Nobody owns this lead.")
        return gettext("%(owner)s is not active.") % {"owner": lead.assigned_to}

    def accounts(self, unattended: Iterable[int]) -> dict[int, Account]:
        """By lead, worst first: the owner's accounts on the day, and those among the unattended leads."""
        shown = Q(assigned_to=self.owner_id) | Q(pk__in=list(unattended))
        leads = Restaurant.objects.visible_to(self.viewer).filter(shown)
        return {account.lead: account for account in accounts_of(leads, self.day)}

    def at_risk(self, accounts: dict[int, Account]) -> list[Restaurant]:
        """The owner's accounts that are SILENT or LATE, worst first, without a call due in the next 7 days."""
        end = dates.start_of_day(self.day + timedelta(days=AT_RISK_DAYS + 1), self.zone)
        called = CallPlan.objects.unpaused().filter(lead=OuterRef("pk"), next_call_date__lt=end)
        worst = [pk for pk, account in accounts.items() if account.health.verdict in AT_RISK]
        mine = Restaurant.objects.filter(assigned_to=self.owner_id)
        leads = mine.filter(~Exists(called), pk__in=worst).exclude(lead_status=LeadStatus.LOST)
        found = {lead.pk: lead for lead in leads}
        return [found[pk] for pk in worst if pk in found]

    def local(self, moment: datetime) -> date:
        return dates.day_of(moment, self.zone)

    def entry(
        self,
        plan: CallPlan | None,
        lead: Restaurant,
        details: "LeadDetails",
        reason: str = "",
        unplanned: Any = UNPLANNED,
    ) -> dict[str, Any]:
        contact = details.contacts.get(lead.pk)
        order = details.orders.get(lead.pk)
        overdue = max(0, (self.day - self.local(plan.next_call_date)).days) if plan else 0
        return {
            "plan": plan and CallPlanSerializer(plan).data,
            "lead": {"id": lead.pk, "name": lead.name, "city": lead.city, "lead_status": lead.lead_status},
            "contact": contact
            and {"id": contact.pk, "name": contact.name, "role": contact.role, "phone": contact.phone},
            "last_touch": details.last_touch(lead.pk),
            "last_order": order and {"date": order.ordered_at, "total_price": order.total_price},
            "days_overdue": overdue,
            "why": f"{reason} {self.why(plan, overdue) if plan else unplanned}".lstrip(),
            "account": details.account(lead.pk),
        }

    def why(self, plan: CallPlan, overdue: int) -> str:
        last = plan.last_called and self.local(plan.last_called)
        called = gettext("last called on %(day)s") % {"day": day_inside(last)} if last else gettext("never called")
        due = self.local(plan.next_call_date)
        said = {"days": overdue, "due": day_inside(due), "called": called}
        if overdue:
            text = ngettext(
                "%(days)s day overdue: due on %(due)s, %(called)s.",
                "%(days)s days overdue: due on %(due)s, %(called)s.",
                overdue,
            )
            return text % said
        said["calls"] = PER_FREQUENCY[plan.frequency]
        if due == self.day:
            return gettext("Due today: %(calls)s, %(called)s.") % said
        return gettext("Due on %(due)s: %(calls)s, %(called)s.") % said


@dataclass
class LeadDetails:
    """By lead: whom to call, the last touch, the last order, and how the account does."""

    contacts: dict[int, Contact]
    touches: dict[int, Interaction]
    orders: dict[int, Any]  # interactions with `ordered_at` and `total_price`
    accounts: dict[int, Account]

    @classmethod
    def of(cls, leads: Iterable[int], accounts: dict[int, Account] | None = None) -> "LeadDetails":
        leads, now = set(leads), dates.now()
        touches = Interaction.objects.touches().filter(lead=OuterRef("pk"), date__lte=now + AHEAD)
        touches = touches.order_by("-date", "-id")
        spoken_to = touches.filter(contact__isnull=False).values("contact")[:1]
        first = Contact.objects.filter(restaurant=OuterRef("pk")).order_by("id").values("pk")[:1]
        orders = Interaction.objects.dated_orders().filter(lead=OuterRef("pk"), ordered_at__lte=now)
        rows = (
            Restaurant.objects.filter(pk__in=leads)
            .order_by()
            .values_list("pk", Subquery(spoken_to), Subquery(first), Subquery(touches.values("pk")[:1]))
            .annotate(order=Subquery(orders.order_by("-ordered_at", "-id").values("pk")[:1]))
        )
        found = list(rows)
        people = Contact.objects.in_bulk({person for _, *both, _, _ in found for person in both if person})
        interactions = Interaction.objects.in_bulk({touch for *_, touch, _ in found if touch})
        priced = Interaction.objects.dated_orders().annotate(total_price=F("order__total_price"))
        last_orders = priced.in_bulk({order for *_, order in found if order})
        # The contact last spoken to may work for another lead by now.
        candidates = [
            (lead, people[person]) for lead, *both, _, _ in found for person in reversed(both) if person in people
        ]
        return cls(
            contacts={lead: person for lead, person in candidates if person.restaurant_id == lead},
            touches={lead: interactions[touch] for lead, _, _, touch, _ in found if touch in interactions},
            orders={lead: last_orders[order] for lead, *_, order in found if order in last_orders},
            accounts=accounts or {},
        )

    def last_touch(self, lead: int) -> dict[str, Any] | None:
        """As the agenda and the lookup show it."""
        touch = self.touches.get(lead)
        if touch is None:
            return None
        return {"date": touch.date, "interaction_type": touch.interaction_type, "details": touch.details}

    def account(self, lead: int) -> dict[str, Any] | None:
        """How the account does, as both show it."""
        account = self.accounts.get(lead)
        return account and {"verdict": account.health.verdict, "sentence": account.health.sentence}
