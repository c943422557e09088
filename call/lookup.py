"""Who is calling: the contacts and leads with a phone number, with what one wants to know before picking up.

A fixed number of queries; the numbers are found by the indexes on their E.164 columns and on their last digits.
"""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from call.agenda import LeadDetails
from call.models import CallPlan, WorkProfile
from call.models.work_profile import zone_of
from call.serializers import CallPlanSerializer
from contact.models import Contact
from crm import dates
from crm.db.phones import Match, Number, read
from lead.models import Restaurant
from track.accounts import accounts_of

LIMIT = 50  # hits
CANDIDATES = 200  # of each kind, that are not exact: a chain's leads may all have its one number
RANKS = list(Match)


def hits(phone: str, user) -> list[dict[str, Any]]:
    """The answer of `GET /api/lookup/`: at most LIMIT, as `matches` orders them."""
    found = matches(phone, user)
    return shown(found, user) if found else []


def matches(phone: str, user) -> list[tuple[Match, Any]]:
    """The contacts and leads with that number: at most LIMIT, best first, then contacts before leads, then by id.

    A `phone` without a country code is one of the country in the user's work profile, else of PHONE_REGION.
    """
    sought = read(phone)
    if sought.national and not sought.e164:
        sought = read(phone, country_of(user) or settings.PHONE_REGION)
    if not sought.national:
        return []
    contacts = candidates(Contact.objects.visible_to(user).select_related("restaurant"), sought, phone)
    leads = candidates(Restaurant.objects.visible_to(user), sought, phone)
    found: list[tuple[Match, Any]] = [(sought.match(row.phone, row.phone_e164), row) for row in [*contacts, *leads]]
    return sorted(found, key=lambda hit: RANKS.index(hit[0]))[:LIMIT]


def country_of(user) -> str | None:
    return WorkProfile.objects.filter(user=user).values_list("country", flat=True).first()


def candidates(rows: QuerySet, sought: Number, phone: str) -> list[Any]:
    """The rows with the same E.164 number, then those whose last digits are the same."""
    found = list(exact(rows, sought)[:LIMIT])
    return found if len(found) == LIMIT else found + list(alike(rows, sought, phone)[:CANDIDATES])


def exact(rows: QuerySet, sought: Number) -> QuerySet:
    return rows.filter(phone_e164=sought.e164).order_by("pk") if sought.e164 else rows.none()


def alike(rows: QuerySet, sought: Number, phone: str) -> QuerySet:
    """Without the exact ones. The tails differ where the region's own prefix for calls inside it is cut off."""
    rows = rows.exclude(phone_e164=sought.e164) if sought.e164 else rows
    return rows.filter(phone_tail__in=sorted({sought.tail, read(phone).tail})).order_by("pk")


def shown(found: list[tuple[Match, Any]], user) -> list[dict[str, Any]]:
    leads = {lead.pk: lead for _, row in found if (lead := lead_of(row))}
    plans: dict[int, CallPlan] = {}
    for plan in CallPlan.objects.visible_to(user).unpaused().of_open_leads().filter(lead__in=leads).by_date():
        plans.setdefault(plan.lead_id, plan)
    visible = Restaurant.objects.visible_to(user).filter(pk__in=list(leads))
    accounts = {account.lead: account for account in accounts_of(visible, dates.today(zone_of(user)))}
    details = LeadDetails.of(leads, accounts)
    return [hit(match, row, plans.get(lead_of(row).pk), details) for match, row in found]


def hit(match: Match, row: Any, plan: CallPlan | None, details: LeadDetails) -> dict[str, Any]:
    lead = lead_of(row)
    return {
        "kind": "lead" if row is lead else "contact",
        "id": row.pk,
        "name": row.name,
        "role": "" if row is lead else row.role,
        "phone": row.phone,
        "match": match,
        "lead": {
            "id": lead.pk,
            "name": lead.name,
            "city": lead.city,
            "lead_status": lead.lead_status,
            "assigned_to": lead.assigned_to_id,
        },
        "plan": plan and CallPlanSerializer(plan).data,
        "last_touch": details.last_touch(lead.pk),
        "account": details.account(lead.pk),
    }


def lead_of(row: Any) -> Restaurant:
    return row if isinstance(row, Restaurant) else row.restaurant
