"""What the page shows: the lists of the agenda, with what a tap needs to know."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from backoffice.admin.timeline import may_view
from backoffice.myday.done import said_of
from call.agenda import Agenda
from call.models import CallEvent, CallPlan
from contact.models import Contact
from crm import dates
from crm.db import phones
from lead.models import Restaurant
from track.health import Verdict
from track.models import Interaction, OrderDetails

SHOWN = 50  # entries of a list; the page says how many more there are

# The lists in the order of the page: key of the agenda, heading, whether it is folded.
LISTS = [
    ("overdue", _("Overdue"), False),
    ("today", _("Today"), False),
    ("at_risk", _("At risk"), False),
    ("unattended", _("Nobody looks after"), False),
    ("upcoming", _("Next days"), True),
    ("unplanned", _("Without a call plan"), True),
]
DUE = ["overdue", "today"]
# What of an entry takes a permission of its own: keys of the agenda, and the tables that they are from.
FROM: dict[str, list[type]] = {
    "contact": [Contact],
    "last_touch": [Interaction],
    "last_order": [Interaction, OrderDetails],
    "account": [Interaction, OrderDetails],
}


@dataclass
class Entry:
    """One account of the queue: an entry of the agenda, and the newest line of its log that the page has shown."""

    data: dict[str, Any]
    phone: str = ""
    e164: str = ""
    seen: int = 0
    list: str = ""
    after: str = ""  # the name of the entry before it
    tried: CallEvent | None = None  # today's attempt that reached no one
    key: str = field(default_factory=lambda: uuid4().hex)  # of the next tap: sent twice, it is done once

    @property
    def plan(self) -> dict[str, Any] | None:
        return self.data["plan"]

    @property
    def lead(self) -> dict[str, Any]:
        return self.data["lead"]

    @property
    def name(self) -> str:
        """Of the entry in its list, where a lead may have several."""
        return name_of(self.data)

    @property
    def verdict(self) -> str:
        """Of the account in one word; none where its sentence says the same."""
        account = self.data["account"]
        if account is None or account["verdict"] == Verdict.NEVER_ORDERED:
            return ""
        return str(Verdict(account["verdict"]).label)

    @property
    def tried_said(self) -> str:
        return said_of(self.tried) if self.tried else ""

    @property
    def dialled(self) -> str:
        """The number as `tel:` takes it (RFC 3966): E.164 where it is known, else the digits as they were typed."""
        plus = "+" if self.phone.strip().startswith("+") else ""
        return self.e164 or plus + phones.digits(self.phone)

    @property
    def whatsapp(self) -> str:
        """The number as https://wa.me/ takes it, empty where the country is not known."""
        return self.e164.removeprefix("+")


def plan_of(data: dict[str, Any]) -> int:
    """The id of its plan, 0 for none."""
    return data["plan"]["id"] if data["plan"] else 0


def name_of(data: dict[str, Any]) -> str:
    return f"plan-{data['plan']['id']}" if data["plan"] else f"lead-{data['lead']['id']}"


@dataclass
class Section:
    key: str
    title: Any  # a text that is translated when it is shown
    is_folded: bool
    entries: list[Entry]
    total: int

    @property
    def more(self) -> int:
        """How many are not shown."""
        return max(0, self.total - SHOWN)


@dataclass(frozen=True)
class MyDay:
    """The user's local day in `zone`."""

    user: Any
    zone: ZoneInfo

    @property
    def day(self) -> date:
        return dates.today(self.zone)

    def sections(self) -> list[Section]:
        """A fixed number of queries, however many calls there are."""
        return self.shown_sections(lambda entry: True)

    def sections_after(self, lead: int) -> list[Section]:
        """The same lists, each with only what may be new to a page on which the lead was tapped: the lead's entries,
        and the last one that is shown, which the tap may have moved up.
        """
        return self.shown_sections(lambda entry: entry["lead"]["id"] == lead)

    def shown_sections(self, is_sent: Callable[[dict[str, Any]], bool]) -> list[Section]:
        lists = self.lists()
        tried = self.tried()
        for key in DUE:  # whom one has tried to reach today comes after the others
            lists[key].sort(key=lambda entry: plan_of(entry) in tried)
        sent = {
            key: [
                (index, entry)
                for index, entry in enumerate(entries[:SHOWN])
                if is_sent(entry) or len(entries) > SHOWN == index + 1
            ]
            for key, entries in lists.items()
        }
        make = self.maker([entry for pairs in sent.values() for _, entry in pairs], tried)
        return [
            Section(
                key,
                title,
                is_folded,
                [make(entry, key, name_of(lists[key][at - 1]) if at else "") for at, entry in sent[key]],
                len(lists[key]),
            )
            for key, title, is_folded in LISTS
        ]

    def lists(self) -> dict[str, list[dict[str, Any]]]:
        """Those of the agenda, without what the user may not view. An account at risk has its next plan, if it has one
        at all: it takes the same taps as a call that is due.
        """
        body = Agenda(self.user, self.user.pk, self.day, self.zone).body()
        lists: dict[str, list[dict[str, Any]]] = {key: body[key] for key, *_ in LISTS}
        hidden = [key for key, tables in FROM.items() if not all(may_view(self.user, table) for table in tables)]
        if "account" in hidden:  # to be at risk is a verdict
            lists["at_risk"] = []
        if self.user.has_perm("call.change_callplan"):  # who may not tap on a plan may log a call still
            plans = CallPlan.objects.unpaused().filter(lead__in=[entry["lead"]["id"] for entry in lists["at_risk"]])
            following = dict(plans.by_date().reverse().values_list("lead", "pk"))  # of several the soonest
            for entry in lists["at_risk"]:
                plan = following.get(entry["lead"]["id"])
                entry["plan"] = plan and {"id": plan}
        for entry in chain.from_iterable(lists.values()):
            entry.update(dict.fromkeys(hidden))
        return lists

    def tried(self) -> dict[int, CallEvent]:
        """By plan of the user's leads, the latest attempt of the day that reached no one."""
        start, _ = dates.bounds_of_day(self.day, self.zone)
        events = CallEvent.objects.in_effect().filter(plan__lead__assigned_to=self.user, kind=CallEvent.Kind.ATTEMPTED)
        events = events.filter(updated_at__gte=start, created_at__gte=start)  # by the index of `updated_at`
        return {event.plan_id: event for event in events.order_by("id")}

    def maker(
        self, shown: list[dict[str, Any]], tried: dict[int, CallEvent]
    ) -> Callable[[dict[str, Any], str, str], Entry]:
        leads = {entry["lead"]["id"] for entry in shown}
        people = {entry["contact"]["id"] for entry in shown if entry["contact"]}
        of_leads, of_people = numbers(Restaurant, leads), numbers(Contact, people)
        planned = [entry["plan"]["id"] for entry in shown if entry["plan"]]
        plans = newest(CallEvent.objects.filter(plan__in=planned), "plan")
        without = {entry["lead"]["id"] for entry in shown if not entry["plan"]}
        interactions = newest(Interaction.objects.filter(lead__in=without), "lead")

        def make(data: dict[str, Any], key: str, after: str) -> Entry:
            contact, pk = data["contact"], data["lead"]["id"]
            seen = plans.get(data["plan"]["id"], 0) if data["plan"] else interactions.get(pk, 0)
            phone, e164 = (contact and of_people.get(contact["id"])) or of_leads.get(pk, ("", ""))
            return Entry(data, phone, e164, seen, key, after, tried.get(plan_of(data)))

        return make


def numbers(model: type[Any], ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """By id, the phone number as it was typed and in E.164, of those that have one."""
    rows = model.objects.filter(pk__in=ids).exclude(phone="").order_by()
    return {pk: (phone, e164) for pk, phone, e164 in rows.values_list("pk", "phone", "phone_e164")}


def newest(rows: Any, name: str) -> dict[int, int]:
    """By the value of the field `name`, the highest id."""
    return dict(rows.order_by().values_list(name).annotate(Max("pk")))
