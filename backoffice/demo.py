"""Demo data: a year in the life of made-up restaurants, the same for the same day, number by number.

What happened to a lead is written by the verbs, with the clock set to each event's moment; only leads and contacts, to
which nothing has happened yet, are created in bulk.

The lead with number 17 is the same in a small and in a large set: each has a random generator of its own, seeded by
its number. All names are put together from the lists below, all addresses end in example.com, and all phones are
555-01xx or +44 20 7946 0xxx, which are reserved for fiction. Dates lie relative to `today`.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from zoneinfo import ZoneInfo

from django.db import transaction

from call import recurrence
from call.models import CallPlan, Frequency
from call.models.work_profile import calendar_of
from contact.models import Contact
from crm import dates
from lead.models import PIPELINE, LeadStatus, LostReason, Restaurant
from track.models import Interaction, QuietMark

BATCH = 100  # leads a transaction

FIRST = ["Copper", "Golden", "Silver", "Amber", "Indigo", "Old", "Hidden", "Corner", "Harbour", "Garden", "River"]
SECOND = ["Spoon", "Ladle", "Lantern", "Kettle", "Olive", "Fig", "Pepper", "Saffron", "Lotus", "Peacock", "Mango"]
KINDS = ["Kitchen", "Bistro", "Diner", "Grill", "Café", "House", "Canteen", "Table"]
RESTAURANT_TYPES = ["Fine dining", "Casual dining", "Café", "Quick service", "Cloud kitchen", "Bakery"]
CUISINES = ["Indian", "Italian", "Chinese", "Thai", "Mexican", "Mediterranean", "Japanese", "Continental"]
CITIES = [
    ("Pune", "Maharashtra", "411"),
    ("Mumbai", "Maharashtra", "400"),
    ("Bengaluru", "Karnataka", "560"),
    ("Chennai", "Tamil Nadu", "600"),
    ("Hyderabad", "Telangana", "500"),
    ("Kochi", "Kerala", "682"),
    ("Jaipur", "Rajasthan", "302"),
]
STREETS = ["Station Road", "Market Street", "Lake View", "Temple Road", "Mill Lane", "Park Avenue"]
GIVEN_NAMES = ["Asha", "Ben", "Chitra", "Dev", "Elena", "Farah", "Hari", "Ines", "Kiran", "Leela", "Omar", "Priya"]
SURNAMES = ["Anand", "Bose", "Costa", "Das", "Fernandes", "Iyer", "Joshi", "Kapoor", "Lobo", "Mehta", "Nair", "Pinto"]
ROLES = ["Manager", "Owner", "Chef", "Purchasing", "Accounts"]
PRODUCTS = [
    ("cases of olive oil", Decimal("48.50")),
    ("sacks of basmati rice", Decimal("31.00")),
    ("boxes of tomatoes", Decimal("12.75")),
    ("kilos of paneer", Decimal("6.40")),
    ("cartons of filter coffee", Decimal("27.90")),
    ("sacks of flour", Decimal("18.20")),
]
DETAILS = {
    "CALL": ["Asked for the new price list.", "Followed up on the offer.", "Wants to be called next week."],
    "EMAIL": ["Sent the product catalog.", "Sent the offer.", "Answered a question about delivery."],
    "VISIT": ["Tasting in the kitchen.", "Looked at the cold store.", "Dropped off samples."],
    "MEETING": ["Went through the yearly terms.", "Met the owner and the chef.", "Agreed on delivery days."],
    "MESSAGE": ["Confirmed the delivery.", "Asked for opening hours."],
}
TOUCH_TYPES = ["CALL", "CALL", "CALL", "VISIT", "MEETING"]

HOLIDAY = 75
SILENCES = [0, 0, 120, 0, HOLIDAY, 0, 120]  # days since the last order, at least: accounts of every verdict

STATUS_WEIGHTS = {
    LeadStatus.NEW: 20,
    LeadStatus.CONTACTED: 20,
    LeadStatus.MEETING_SCHEDULED: 12,
    LeadStatus.NEGOTIATING: 13,
    LeadStatus.CONVERTED: 27,
    LeadStatus.LOST: 8,
}


def load(leads: int, *, users: list, today: date) -> Iterator[int]:
    """Saves that many leads after the existing ones, a batch in each transaction. Yields the size of each batch."""
    first = Restaurant.objects.count()
    owners = [(user, calendar_of(user.pk).zone) for user in users]
    for start in range(first, first + leads, BATCH):
        numbers = range(start, min(start + BATCH, first + leads))
        save([Account(number, *owners[number % len(owners)], today) for number in numbers])
        yield len(numbers)


def save(accounts: list["Account"]) -> None:
    with transaction.atomic():
        Restaurant.objects.bulk_create([account.lead for account in accounts])
        Contact.objects.bulk_create([contact for account in accounts for contact in account.contacts])
        events = [event for account in accounts for event in account.events]
        for moment, verb in sorted(events, key=lambda event: event[0]):
            with dates.frozen(moment):
                verb()


class Account:
    """One lead, its contacts, and what happened to it before today: verbs, each with its moment."""

    def __init__(self, number: int, owner, zone: ZoneInfo, today: date) -> None:
        self.number, self.today, self.owner, self.zone = number, today, owner, zone
        self.random = Random(f"lead {number}")
        self.events: list[tuple[datetime, Callable[[], object]]] = []
        self.status = self.random.choices(list(STATUS_WEIGHTS), weights=list(STATUS_WEIGHTS.values()))[0]
        self.age = self.random.randint(*((1, 30) if self.status == LeadStatus.NEW else (45, 400)))  # days
        self.created_at = self.moment(self.age)
        self.lead = self.make_lead()
        self.contacts = self.make_contacts()
        self.lead.contact_person = self.contacts[0].name
        self.add_status_changes()
        self.add_plan()

    def moment(self, days_ago: int) -> datetime:
        """A quarter of an hour of that working day."""
        day = self.today - timedelta(days=days_ago)
        time_of_day = time(self.random.randint(9, 17), self.random.choice([0, 15, 30, 45]))
        return datetime.combine(day, time_of_day, self.zone).astimezone(UTC)

    def phone(self) -> str:
        area, line = self.random.randint(201, 989), self.random.randint(100, 199)
        typed = self.random.choice(["{}-555-0{}", "({}) 555-0{}", "+1{}5550{}"]).format(area, line)
        others = {3: f"{typed} ext. {line - 99}", 6: f"+44 (0)20 7946 0{line}", 8: f"tel:+1-{area}-555-0{line}"}
        return others.get(self.number % 10, typed)

    def make_lead(self) -> Restaurant:
        random = self.random
        name = f"{random.choice(FIRST)} {random.choice(SECOND)} {random.choice(KINDS)}"
        city, state, pincode = random.choice(CITIES)
        self.domain = f"{name.lower().replace(' ', '-').replace('é', 'e')}-{self.number}.example.com"
        return Restaurant(
            name=name,
            address=f"{random.randint(1, 240)} {random.choice(STREETS)}",
            city=city,
            state=state,
            pincode=f"{pincode}{random.randint(1, 99):03}",
            phone=self.phone(),
            email=f"hello@{self.domain}",
            potential_revenue=Decimal(random.randint(10, 400) * 500) if random.random() < 0.9 else None,
            restaurant_type=random.choice(RESTAURANT_TYPES),
            cuisine_type=random.choice(CUISINES),
            assigned_to=self.owner,
            created_by=self.owner,
            created_at=self.created_at,
            updated_at=self.created_at,
        )

    def make_contacts(self) -> list[Contact]:
        names = [f"{given} {surname}" for given in GIVEN_NAMES for surname in SURNAMES]
        return [
            Contact(
                restaurant=self.lead,
                name=name,
                role=self.random.choice(ROLES),
                email=f"{name.lower().replace(' ', '.')}@{self.domain}",
                phone=self.phone(),
                address=self.lead.address,
                created_by=self.owner,
                created_at=self.created_at,
                updated_at=self.created_at,
            )
            for name in self.random.sample(names, self.random.randint(1, 3))
        ]

    # --- What happened ------------------------------------------------------------------------

    def add_status_changes(self) -> None:
        """The way to the lead's status: up the pipeline, and lost anywhere on it; once converted, orders."""
        if self.status == LeadStatus.LOST:
            steps = [*PIPELINE[: self.random.randint(1, len(PIPELINE))], LeadStatus.LOST]
        else:
            steps = [*PIPELINE, LeadStatus.CONVERTED]
            steps = steps[: steps.index(self.status) + 1]
        latest = self.age - 40 if self.status == LeadStatus.CONVERTED else 1  # converted early: a year of orders
        days_ago = sorted(self.random.sample(range(latest, self.age), len(steps) - 1), reverse=True)
        for status, ago in zip(steps[1:], days_ago, strict=True):
            why = {"reason": LostReason.values[self.number % len(LostReason)]} if status == LeadStatus.LOST else {}
            self.events.append((self.moment(ago), partial(self.lead.change_status, status, by=self.owner, **why)))
        if self.status == LeadStatus.CONVERTED:
            self.add_orders(days_ago[-1] - 1)

    def add_plan(self) -> None:
        """A cadence of calls, with a call that leaves the next one overdue, due today or later; new leads have none."""
        is_new = self.status == LeadStatus.NEW
        if self.status == LeadStatus.LOST or (is_new and self.random.random() < 0.5):
            self.add_interactions()
            return
        frequency = self.random.choice(Frequency.values)
        notes = self.random.choice(["", "", "Call in the morning.", "Ask for the chef."])
        if is_new:
            self.events.append((self.created_at, partial(self.create_plan, frequency, notes)))
            return
        called_days_ago, interval = self.last_call(frequency)
        plan_age = called_days_ago + interval  # so that the call was made on the day it was planned for
        planned_at = self.created_at if plan_age >= self.age else self.moment(plan_age)
        called = self.moment(called_days_ago)
        self.events.append((planned_at, partial(self.create_plan, frequency, notes)))
        self.add_interactions(touches_before=planned_at)
        self.events.append((called, partial(self.record_call, self.contact(), self.random.choice(DETAILS["CALL"]))))
        self.add_plan_change(called + timedelta(minutes=20))

    def last_call(self, frequency: str) -> tuple[int, int]:
        """Days since the last call, at least one, by which the next is due on a day drawn here; and the interval."""
        chance = self.random.random()
        if chance < 0.125:
            due_in = 0
        elif chance < 0.25:
            due_in = -self.random.randint(1, 10)
        else:
            due_in = self.random.randint(0, recurrence.DAYS.get(frequency, 28) - 1)
        due = self.today + timedelta(days=due_in)
        intervals = [recurrence.DAYS[frequency]] if frequency in recurrence.DAYS else [28, 29, 30, 31]
        interval = next(
            days for days in intervals if recurrence.add_interval(due - timedelta(days=days), frequency) <= due
        )
        return interval - due_in, interval

    def add_interactions(self, touches_before: datetime | None = None) -> None:
        """What was discussed within a year. Touches end where the plan begins: the others would move its call."""
        count = 0 if self.status == LeadStatus.NEW else self.random.randint(2, 10)
        for _ in range(count):
            kind = self.random.choice(["EMAIL", "MESSAGE", *TOUCH_TYPES])
            moment = self.moment(self.random.randint(1, min(self.age - 1, 365)))
            contact, details = self.contact(), self.random.choice(DETAILS[kind])
            if kind not in TOUCH_TYPES or touches_before is None or moment < touches_before:
                self.events.append((moment, partial(self.log, kind, contact, details)))

    def add_orders(self, days_ago: int) -> None:
        days_ago = min(days_ago, 365)
        latest = SILENCES[self.number % len(SILENCES)]
        if self.number % 20 == 5:
            self.events.append((self.moment(3), self.agree_on_silence))
        number = 0
        while days_ago > latest:
            number += 1
            product, price = self.random.choice(PRODUCTS)
            quantity = self.random.randint(2, 60)
            order = {"product_details": f"{quantity} {product}", "quantity": quantity, "total_price": quantity * price}
            verb = partial(self.log, "ORDER", self.contact(), "Placed an order.", order=order)
            self.events.append((self.moment(days_ago), verb))
            days_ago -= self.random.randint(10, 40)
            if latest == HOLIDAY and number in (3, 5):  # so that its silence is not the longest
                days_ago -= HOLIDAY

    def add_plan_change(self, moment: datetime) -> None:
        """Of some plans: the next call is snoozed or skipped, or the plan is paused."""
        match self.number % 20:
            case 3:
                self.events.append((moment, self.snooze))
            case 9:
                self.events.append((moment, self.skip))
            case 14:
                self.events.append((moment, self.pause))

    def contact(self) -> Contact | None:
        return self.random.choice([*self.contacts, None])

    # --- The verbs, of rows that are saved by then ----------------------------------------------

    def log(self, kind: str, contact: Contact | None, details: str, order: dict | None = None) -> None:
        parties = {"lead": self.lead, "contact": contact, "created_by": self.owner}
        Interaction.log(interaction_type=kind, details=details, order=order, **parties)

    def create_plan(self, frequency: str, notes: str) -> None:
        self.plan = CallPlan.objects.create(lead=self.lead, frequency=frequency, notes=notes, created_by=self.owner)

    def record_call(self, contact: Contact | None, details: str) -> None:
        self.plan.record_call(dates.now(), by=self.owner, contact_id=contact.pk if contact else None, details=details)

    def snooze(self) -> None:
        until = dates.start_of_day(self.today + timedelta(days=3), self.zone)
        self.plan.snooze(until, by=self.owner, reason="Away until then.")

    def skip(self) -> None:
        self.plan.skip(by=self.owner, reason="Closed that week.")

    def agree_on_silence(self) -> None:
        QuietMark.set(self.lead, self.today + timedelta(days=45), reason="Closed for renovation.", by=self.owner)

    def pause(self) -> None:
        self.plan.pause(by=self.owner, reason="The kitchen is being rebuilt.")
