"""The cast of the tests of row access: seven users around one team, and an account whose owner is a member of it."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission

from call.models import CallPlan, FeedAddress
from contact.models import AddressBook, Contact
from crm.api.permissions import READ_ONLY_GROUP
from crm.tests import PASSWORD
from lead.models import Restaurant, Team
from track.models import Interaction

PEOPLE = ("owner", "teammate", "above", "beside", "outsider", "view_all", "reader")
MODES = ("all", "team", "own")
SEES_LEAD = {
    "all": set(PEOPLE),
    "team": {"owner", "teammate", "above", "view_all", "reader"},
    "own": {"owner", "above", "view_all"},
}
SEES_TEAM = {"owner", "teammate", "above", "view_all", "reader"}  # whatever the mode
MISSING = 900_009  # no row has it, and its number occurs nowhere else in an answer


@dataclass
class Cast:
    """`above` manages the parent of the team, `beside` its sister; `reader` is a member who may only read."""

    users: dict[str, Any]
    team: Team
    lead: Restaurant
    contact: Contact
    interaction: Interaction
    plan: CallPlan
    secret: str
    twins: dict[str, int]  # rows that may be merged into the lead and the contact
    merged: dict[str, int]  # and rows that are

    @classmethod
    def create(cls) -> "Cast":
        create = get_user_model().objects.create_user
        passwords = {"owner": PASSWORD}
        users = {name: create(name, password=passwords.get(name), pk=pk) for pk, name in enumerate(PEOPLE, 900_011)}
        users["view_all"].user_permissions.add(Permission.objects.get(codename="view_all"))
        users["reader"].groups.add(Group.objects.get_or_create(name=READ_ONLY_GROUP)[0])
        country = Team.establish(name="Country", managers=[users["above"].pk])
        members = [users[name].pk for name in ("owner", "teammate", "reader")]
        team = Team.establish(name="North", parent=country, members=members)
        Team.establish(name="South", parent=country, managers=[users["beside"].pk])
        lead = Restaurant.objects.create(pk=900_001, name="Bistro Anna", city="Pune", assigned_to=users["owner"])
        contact = Contact.objects.create(pk=900_002, restaurant=lead, name="Asha Rao")
        interaction = Interaction.log(pk=900_003, lead=lead, contact=contact, interaction_type="CALL")
        interaction.write_order(product_details="50 units", quantity=50, total_price=500)
        plan = CallPlan.objects.create(pk=900_004, lead=lead, frequency="DAILY")
        owned = {"name": "Bistro Ana", "assigned_to": users["owner"]}
        leads = [Restaurant.objects.create(pk=pk, **owned).pk for pk in (900_105, 900_106)]
        people = [Contact.objects.create(pk=pk, restaurant=lead, name="A. Rao").pk for pk in (900_107, 900_108)]
        lead.merge(leads[1])
        contact.merge(people[1])
        secret = FeedAddress.renew(users["owner"])
        AddressBook.objects.create(user=users["owner"], digest=AddressBook.digest_of(secret))
        twins, merged = ({"lead": leads[place], "contact": people[place]} for place in (0, 1))
        return cls(users, team, lead, contact, interaction, plan, secret, twins, merged)

    def path(self, route: str, query: str = "", *, missing: bool = False) -> str:
        """The path of a route as the access table writes it; of the cast's rows, or of rows that there are not."""
        rows = {"lead": self.lead, "contact": self.contact, "track": self.interaction, "call": self.plan}
        row = self.lead if route.startswith("/track/accounts/") else rows.get(route.split("/")[1], self.team)
        pk = MISSING if missing else row.pk
        return route.replace("<pk>", str(pk)).replace("<str:secret>", self.secret) + query
