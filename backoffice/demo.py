"""Demo data: a year in the life of made-up restaurants, the same for the same day, number by number.

The lead with number 17 is the same in a small and in a large set: each has a random generator of its own, seeded by
its number. All names are put together from the lists below, all addresses end in example.com, and nobody has a phone
555-01xx. Dates lie relative to `today`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from django.db import transaction

from call import rhythm, schedule
from call.models import CallEvent, CallPlan, Frequency
from call.profiles import calendar_of
from call.schedule import WorkCalendar
from contact.models import Contact
from crm import dates
from lead.models import LeadStatus, Restaurant, StatusChange
from track.models import Interaction, InteractionType, OrderDetails

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
SAID = {
    "CALL": ["ListQuery for the new price list.", "Followed up on the offer.", "Wants to be called next week."],
    "EMAIL": ["Sent the product catalog.", "Sent the offer.", "Answered a question about delivery."],
    "VISIT": ["Tasting in the kitchen.", "Looked at the cold store.", "Dropped off samples."],
    "MEETING": ["Went through the yearly terms.", "Met the owner and the chef.", "Agreed on delivery days."],
    "MESSAGE": ["Confirmed the delivery.", "ListQuery for opening hours."],
}
TOUCHES = ["CALL", "CALL", "CALL", "VISIT", "MEETING"]

PIPELINE = [LeadStatus.NEW, LeadStatus.CONTACTED, LeadStatus.MEETING_SCHEDULED, LeadStatus.NEGOTIATING]
SHARE_OF_STATUS = {
    LeadStatus.NEW: 20,
    LeadStatus.CONTACTED: 20,
    LeadStatus.MEETING_SCHEDULED: 12,
    LeadStatus.NEGOTIATING: 13,
    LeadStatus.CONVERTED: 27,
    LeadStatus.LOST: 8,
}


@dataclass
class Account:
    """One lead and everything that belongs to it, not saved yet."""

    lead: Restaurant
    contacts: list[Contact] = field(default_factory=list)
    status_changes: list[StatusChange] = field(default_factory=list)
    interactions: list[Interaction] = field(default_factory=list)
    orders: list[OrderDetails] = field(default_factory=list)
    plans: list[CallPlan] = field(default_factory=list)
    log: list[CallEvent] = field(default_factory=list)


def load(leads: int, *, users: list, today: date) -> Iterator[int]:
    """Saves that many leads after those that there are, a batch in each transaction. Yields the size of each batch."""
    first = Restaurant.objects.count()
    owners = [(user, calendar_of(user.pk)) for user in users]
    for start in range(first, first + leads, BATCH):
        numbers = range(start, min(start + BATCH, first + leads))
        save([Story(number, *owners[number % len(owners)], today).account() for number in numbers])
        yield len(numbers)


def save(accounts: list[Account]) -> None:
    with transaction.atomic():
        Restaurant.objects.bulk_create([account.lead for account in accounts])
        Contact.objects.bulk_create([row for account in accounts for row in account.contacts])
        StatusChange.objects.bulk_create([row for account in accounts for row in account.status_changes])
        happened = [row for account in accounts for row in account.interactions]
        Interaction.objects.bulk_create(sorted(happened, key=lambda row: row.date))
        OrderDetails.objects.bulk_create([row for account in accounts for row in account.orders])
        CallPlan.objects.bulk_create([row for account in accounts for row in account.plans])
        CallEvent.objects.bulk_create([row for account in accounts for row in account.log])


class Story:
    """How one lead came about and what happened since, everything before today's midnight."""

    def __init__(self, number: int, owner, calendar: WorkCalendar, today: date) -> None:
        self.number, self.today, self.owner = number, today, owner
        self.calendar, self.zone = calendar, calendar.zone
        self.random = Random(f"lead {number}")
        statuses = list(SHARE_OF_STATUS)
        self.status = self.random.choices(statuses, weights=[SHARE_OF_STATUS[status] for status in statuses])[0]
        self.age = self.random.randint(*((1, 30) if self.status == LeadStatus.NEW else (45, 400)))  # days
        self.born = self.moment(self.age)

    def account(self) -> Account:
        account = Account(self.make_lead())
        self.add_contacts(account)
        self.add_status_changes(account)
        last_called = self.add_plan(account)
        self.add_interactions(account, last_called)
        self.follow_log(account)
        return account

    def moment(self, days_ago: int) -> datetime:
        """Some quarter of an hour of that working day."""
        day = self.today - timedelta(days=days_ago)
        time_of_day = time(self.random.randint(9, 17), self.random.choice([0, 15, 30, 45]))
        return datetime.combine(day, time_of_day, self.zone).astimezone(UTC)

    def phone(self) -> str:
        area, line = self.random.randint(201, 989), self.random.randint(100, 199)
        return self.random.choice(["{}-555-0{}", "({}) 555-0{}", "+1{}5550{}"]).format(area, line)

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
            lead_status=self.status,
            potential_revenue=Decimal(random.randint(10, 400) * 500) if random.random() < 0.9 else None,
            restaurant_type=random.choice(RESTAURANT_TYPES),
            cuisine_type=random.choice(CUISINES),
            assigned_to=self.owner,
            created_by=self.owner,
            created_at=self.born,
            updated_at=self.born,
        )

    def add_contacts(self, account: Account) -> None:
        names = [f"{given} {surname}" for given in GIVEN_NAMES for surname in SURNAMES]
        for name in self.random.sample(names, self.random.randint(1, 3)):
            contact = Contact(
                restaurant=account.lead,
                name=name,
                role=self.random.choice(ROLES),
                email=f"{name.lower().replace(' ', '.')}@{self.domain}",
                phone=self.phone(),
                address=account.lead.address,
                created_by=self.owner,
                created_at=self.born,
                updated_at=self.born,
            )
            account.contacts.append(contact)
        account.lead.contact_person = account.contacts[0].name

    def add_status_changes(self, account: Account) -> None:
        """The way to the lead's status: up the pipeline, and lost anywhere on it."""
        lead = account.lead
        if self.status == LeadStatus.LOST:
            steps = [*PIPELINE[: self.random.randint(1, len(PIPELINE))], LeadStatus.LOST]
        else:
            steps = [*PIPELINE, LeadStatus.CONVERTED]
            steps = steps[: steps.index(self.status) + 1]
        latest = self.age - 40 if self.status == LeadStatus.CONVERTED else 1  # won early: a year of orders
        days_ago = sorted(self.random.sample(range(latest, self.age), len(steps) - 1), reverse=True)
        for old, new, ago in zip(steps, steps[1:], days_ago, strict=False):
            changed_at = self.moment(ago)
            change = StatusChange(
                lead=lead,
                old_status=old,
                new_status=new,
                created_by=self.owner,
                created_at=changed_at,
                updated_at=changed_at,
            )
            account.status_changes.append(change)
            lead.updated_at = changed_at

    def add_plan(self, account: Account) -> datetime | None:
        """A rhythm of calls: overdue, due today or later. Returns the last call, None for a plan that has none yet."""
        if self.status == LeadStatus.LOST or (self.status == LeadStatus.NEW and self.random.random() < 0.5):
            return None
        plan = CallPlan(
            lead=account.lead,
            frequency=self.random.choice(Frequency.values),
            notes=self.random.choice(["", "", "Call in the morning.", "Ask for the chef."]),
            created_by=self.owner,
            created_at=self.born,
            updated_at=self.born,
        )
        plan.calendar = self.calendar
        plan.begin()
        account.plans.append(plan)
        return None if self.status == LeadStatus.NEW else self.moment(self.days_since_call(plan.frequency))

    def days_since_call(self, frequency: str) -> int:
        """How long ago the last call was, so that the next one is due on a day drawn here; at least yesterday."""
        chance = self.random.random()
        if chance < 0.125:
            due_in = 0
        elif chance < 0.25:
            due_in = -self.random.randint(1, 10)
        else:
            due_in = self.random.randint(0, schedule.DAYS.get(frequency, 28) - 1)
        due = self.today + timedelta(days=due_in)
        intervals = [schedule.DAYS[frequency]] if frequency in schedule.DAYS else [28, 29, 30, 31]
        return next(
            days - due_in for days in intervals if schedule.add_interval(due - timedelta(days=days), frequency) <= due
        )

    def add_interactions(self, account: Account, last_called: datetime | None) -> None:
        """What was said and ordered within a year. No call, visit or meeting is later than the plan's last call."""
        how_many = 0 if self.status == LeadStatus.NEW else self.random.randint(2, 10)
        for _ in range(how_many):
            kind = self.random.choice(["EMAIL", "MESSAGE", *TOUCHES])
            moment = self.moment(self.random.randint(1, min(self.age, 365)))
            if kind not in TOUCHES or last_called is None or moment < last_called:
                self.add_interaction(account, kind, moment, self.random.choice(SAID[kind]))
        if last_called:
            call = self.add_interaction(account, "CALL", last_called, self.random.choice(SAID["CALL"]))
            self.add_to_log(account, CallEvent.Kind.CALLED, last_called, due=last_called, interaction=call, own=True)
            self.add_wish(account, last_called + timedelta(minutes=20))
        if self.status == LeadStatus.CONVERTED:
            won = account.status_changes[-1].created_at
            days_ago = min((dates.start_of_day(self.today, self.zone) - won).days, 365)
            while days_ago > 0:
                self.add_order(account, self.moment(days_ago))
                days_ago -= self.random.randint(10, 40)

    def add_interaction(self, account: Account, kind: str, moment: datetime, details: str) -> Interaction:
        interaction = Interaction(
            lead=account.lead,
            contact=self.random.choice([*account.contacts, None]),
            interaction_type=kind,
            details=details,
            order_placed=kind == InteractionType.ORDER,
            date=moment,
            created_by=self.owner,
            created_at=moment,
            updated_at=moment,
        )
        account.interactions.append(interaction)
        return interaction

    def add_wish(self, account: Account, moment: datetime) -> None:
        """Of some plans: that the next call be later, or not at all."""
        match self.number % 20:
            case 3:
                until = dates.start_of_day(self.today + timedelta(days=3), self.zone)
                self.add_to_log(account, CallEvent.Kind.SNOOZED, moment, due=until, reason="Away until then.")
            case 9:
                self.add_to_log(account, CallEvent.Kind.SKIPPED, moment, reason="Closed that week.")
            case 14:
                self.add_to_log(account, CallEvent.Kind.PAUSED, moment, reason="The kitchen is being rebuilt.")

    def add_to_log(self, account: Account, kind: str, moment: datetime, **facts: Any) -> None:
        event = CallEvent(
            plan=account.plans[0],
            kind=kind,
            happened_at=moment,
            created_by=self.owner,
            created_at=moment,
            updated_at=moment,
            **facts,
        )
        account.log.append(event)

    def follow_log(self, account: Account) -> None:
        """Take the plan from event to event, as the verbs would have done, each noting what was planned then."""
        for plan in account.plans:
            state = rhythm.begin(plan.beginning(), self.calendar)
            for event in account.log:
                is_call = event.kind == CallEvent.Kind.CALLED
                event.planned = event.happened_at if is_call else state.next_call_date  # calls were made when due
                event.due = event.due or state.next_call_date
                if step := event.step(self.calendar):
                    state.take(step, self.calendar)
                plan.paused = event.kind == CallEvent.Kind.PAUSED
                plan.updated_at = event.happened_at
            plan.last_called, plan.next_call_date = state.last_called, state.next_call_date
            plan.overridden_at, plan.anchor = state.overridden_at, state.start

    def add_order(self, account: Account, moment: datetime) -> None:
        product, price = self.random.choice(PRODUCTS)
        quantity = self.random.randint(2, 60)
        interaction = self.add_interaction(account, "ORDER", moment, "Placed an order.")
        order = OrderDetails(
            interaction=interaction,
            product_details=f"{quantity} {product}",
            quantity=quantity,
            total_price=quantity * price,
            order_date=moment,
            created_by=self.owner,
            created_at=moment,
            updated_at=moment,
        )
        account.orders.append(order)
