"""Access in the admin: every address, as each kind of user, with each ACCESS; and that hidden rows are as missing ones.

The users may do everything but see all leads, except `view_all`, who may do that too, and `reader`, a member of the
group `Read only` and of no team.
"""

import re

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.messages import get_messages
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client

from backoffice.accounts.roles import ROLES, grant
from backoffice.models import TABLES, Import
from backoffice.tests.support import csv_file
from call.models import CallPlan, WorkProfile
from contact.models import Contact
from crm import dates
from crm.api.permissions import READ_ONLY_GROUP
from crm.tests.test_access import routes
from lead.models import Restaurant, Team
from track.models import Interaction

pytestmark = pytest.mark.django_db

NAMES = ["Bistro Anna", "Asha Rao"]  # of the lead and its contact
PEOPLE = ["owner", "teammate", "manager_above", "manager_beside", "outsider", "view_all", "reader"]
SEES = {  # by ACCESS, who sees the lead of `owner`
    "all": set(PEOPLE),
    "team": {"owner", "teammate", "manager_above", "view_all"},
    "own": {"owner", "manager_above", "view_all"},
}

# The columns: what those get who see the lead, what the others get; the same for `reader`. 200+ has one of NAMES in its
# body; no other answer has. `gone` redirects to the list with the message that the row does not exist.
# <pk> is the row of that table, <lead> the lead's id.
TABLE = """
GET  /admin/                                                      200  200  200  200
GET  /admin/overview/                                             200  200  200  200
GET  /admin/my-day/                                               200  200  200  200
GET  /admin/pipeline/                                             200+ 200  200+ 200
GET  /admin/pipeline/?whose=all                                   200+ 200  200+ 200
GET  /admin/pipeline/?owner=owner                                 200+ 200  200+ 200
GET  /admin/pipeline/?team=<team>                                 200+ 200  200  200
GET  /admin/pipeline/<lead>/move/                                 200+ 404  403  403
POST /admin/pipeline/<lead>/move/                                 302  404  403  403
GET  /admin/recent/                                               200+ 200  200+ 200
GET  /admin/my-work-profile/                                      200  200  200  200
POST /admin/my-work-profile/                                      200  200  403  403
GET  /admin/adherence/                                            200  200  403  403
GET  /admin/search/                                               200  200  200  200
GET  /admin/search/?q=bi                                          200+ 200  200+ 200
GET  /admin/search/?q=anna                                        200+ 200  200+ 200
GET  /admin/search/?q=rao                                         200+ 200  200+ 200
GET  /admin/search/?q=%2B91+98765+43210                           200+ 200  200+ 200
GET  /admin/log/?lead=<lead>                                      200+ 404  403  403
POST /admin/log/                                                  302  404  403  403
GET  /admin/log/<interaction>/                                    302  302  302  302
POST /admin/log/<interaction>/                                    302  302  403  403
GET  /admin/login/                                                302  302  302  302
GET  /admin/login/code/                                           302  302  302  302
GET  /admin/logout/                                               405  405  405  405
GET  /admin/second-factor/                                        200  200  200  200
GET  /admin/password_change/                                      200  200  200  200
GET  /admin/password_change/done/                                 200  200  200  200
GET  /admin/jsi18n/                                               200  200  200  200
GET  /admin/r/<lead_type>/<lead>/                                 404  404  404  404
GET  /admin/<app_label>/                                          200  200  200  200
GET  /admin/<url>                                                 404  404  404  404
GET  /admin/autocomplete/?contact.contact.restaurant              200+ 200  200+ 200
GET  /admin/autocomplete/?track.interaction.lead                  200+ 200  200+ 200
GET  /admin/autocomplete/?track.interaction.contact               200+ 200  200+ 200
GET  /admin/autocomplete/?call.callplan.lead                      200+ 200  200+ 200

GET  /admin/lead/restaurant/                                      200+ 200  200+ 200
GET  /admin/lead/restaurant/?q=anna                               200+ 200  200+ 200
GET  /admin/lead/restaurant/?city=pune                            200+ 200  200+ 200
GET  /admin/lead/restaurant/?owner=owner                          200+ 200  200+ 200
GET  /admin/lead/restaurant/duplicates/                           200+ 200  200+ 200
POST /admin/lead/restaurant/duplicates/                           302  gone 403  403
POST /admin/lead/restaurant/#change_status                        200+ 200  200+ 200
POST /admin/lead/restaurant/#hand_over                            200+ 200  200+ 200
POST /admin/lead/restaurant/#log_call                             200+ 200  200+ 200
POST /admin/lead/restaurant/#merge                                302  302  200+ 200
POST /admin/lead/restaurant/#delete_selected                      200+ 200  200+ 200
POST /admin/lead/restaurant/#export_csv                           200+ 200  200+ 200
POST /admin/lead/restaurant/#hand_over_all                        200+ 200  200+ 200
GET  /admin/lead/restaurant/add/                                  200  200  403  403
POST /admin/lead/restaurant/add/                                  302  302  403  403
GET  /admin/lead/restaurant/<pk>/                                 302  302  302  302
GET  /admin/lead/restaurant/<pk>/change/                          200+ gone 200+ gone
POST /admin/lead/restaurant/<pk>/change/                          200+ gone 403  gone
GET  /admin/lead/restaurant/<pk>/delete/                          200+ gone 403  gone
POST /admin/lead/restaurant/<pk>/delete/                          302  gone 403  gone
GET  /admin/lead/restaurant/<pk>/history/                         200+ gone 200+ gone
GET  /admin/lead/restaurant/<pk>/timeline/                        200+ gone 200+ gone
GET  /admin/lead/restaurant/<pk>/change_status/                   200+ gone 403  403
POST /admin/lead/restaurant/<pk>/change_status/                   302  gone 403  403
GET  /admin/lead/restaurant/<pk>/record_call/                     200+ gone 403  403
POST /admin/lead/restaurant/<pk>/record_call/                     302  gone 403  403
GET  /admin/lead/restaurant/<pk>/merge/                           200+ gone 403  403
GET  /admin/lead/restaurant/<pk>/merge/?other=<twin>              200+ gone 403  403
POST /admin/lead/restaurant/<pk>/merge/                           200+ gone 403  403
GET  /admin/lead/restaurant/<pk>/unmerge/<merged>/                200+ gone 403  403
POST /admin/lead/restaurant/<pk>/unmerge/<merged>/                302  gone 403  403
GET  /admin/lead/restaurant/<merged>/change/                      302  gone 302  gone
GET  /admin/lead/restaurant/export/                               200  200  403  403
GET  /admin/lead/restaurant/export/<format>/                      200+ 200  403  403
GET  /admin/lead/restaurant/import/                               200  200  403  403
POST /admin/lead/restaurant/import/                               302  302  403  403
GET  /admin/lead/restaurant/import/<upload>/                      200+ 200  403  403

GET  /admin/contact/contact/                                      200+ 200  200+ 200
POST /admin/contact/contact/#merge                                302  302  200+ 200
POST /admin/contact/contact/#delete_selected                      200+ 200  200+ 200
POST /admin/contact/contact/#export_csv                           200+ 200  200+ 200
GET  /admin/contact/contact/add/?restaurant=<lead>                200+ 200  403  403
POST /admin/contact/contact/add/                                  302  200  403  403
GET  /admin/contact/contact/<pk>/                                 302  302  302  302
GET  /admin/contact/contact/<pk>/change/                          200+ gone 200+ gone
POST /admin/contact/contact/<pk>/change/                          200+ gone 403  gone
GET  /admin/contact/contact/<pk>/delete/                          200+ gone 403  gone
POST /admin/contact/contact/<pk>/delete/                          302  gone 403  gone
GET  /admin/contact/contact/<pk>/history/                         200+ gone 200+ gone
GET  /admin/contact/contact/<pk>/merge/                           200+ gone 403  403
GET  /admin/contact/contact/<pk>/merge/?other=<twin>              200+ gone 403  403
POST /admin/contact/contact/<pk>/merge/                           200+ gone 403  403
GET  /admin/contact/contact/<pk>/unmerge/<merged>/                200+ gone 403  403
POST /admin/contact/contact/<pk>/unmerge/<merged>/                302  gone 403  403
GET  /admin/contact/contact/<merged>/change/                      302  gone 302  gone
GET  /admin/contact/contact/export/                               200  200  403  403
GET  /admin/contact/contact/export/<format>/                      200+ 200  403  403
GET  /admin/contact/contact/import/                               200  200  403  403
POST /admin/contact/contact/import/                               302  302  403  403
GET  /admin/contact/contact/import/<upload>/                      200+ 200  403  403

GET  /admin/track/interaction/                                    200+ 200  200+ 200
POST /admin/track/interaction/#delete_selected                    200  200  200+ 200
GET  /admin/track/interaction/add/?lead=<lead>                    200+ 200  403  403
POST /admin/track/interaction/add/                                302  200  403  403
GET  /admin/track/interaction/<pk>/                               302  302  302  302
GET  /admin/track/interaction/<pk>/change/                        200+ gone 200+ gone
POST /admin/track/interaction/<pk>/change/                        200+ gone 403  gone
GET  /admin/track/interaction/<pk>/delete/                        200  gone 403  gone
POST /admin/track/interaction/<pk>/delete/                        302  gone 403  gone
GET  /admin/track/interaction/<pk>/history/                       200  gone 200  gone

GET  /admin/track/orderdetails/                                   200+ 200  200+ 200
POST /admin/track/orderdetails/#delete_selected                   200  200  200+ 200
GET  /admin/track/orderdetails/add/                               403  403  403  403
GET  /admin/track/orderdetails/<pk>/                              302  302  302  302
GET  /admin/track/orderdetails/<pk>/change/                       200  gone 200  gone
POST /admin/track/orderdetails/<pk>/change/                       200  gone 403  gone
GET  /admin/track/orderdetails/<pk>/delete/                       200  gone 403  gone
POST /admin/track/orderdetails/<pk>/delete/                       302  gone 403  gone
GET  /admin/track/orderdetails/<pk>/history/                      200  gone 200  gone

GET  /admin/call/callplan/                                        200+ 200  200+ 200
POST /admin/call/callplan/#record_call                            200+ 200  200+ 200
POST /admin/call/callplan/#delete_selected                        200  200  200+ 200
GET  /admin/call/callplan/add/?lead=<lead>                        200+ 200  403  403
POST /admin/call/callplan/add/                                    302  200  403  403
GET  /admin/call/callplan/<pk>/                                   302  302  302  302
GET  /admin/call/callplan/<pk>/change/                            200+ gone 200+ gone
POST /admin/call/callplan/<pk>/change/                            200  gone 403  gone
GET  /admin/call/callplan/<pk>/delete/                            200  gone 403  gone
POST /admin/call/callplan/<pk>/delete/                            302  gone 403  gone
GET  /admin/call/callplan/<pk>/history/                           200  gone 200  gone
POST /admin/call/callplan/<pk>/record_call/                       302  gone 403  403
POST /admin/call/callplan/<pk>/snooze/                            302  gone 403  403
POST /admin/call/callplan/<pk>/skip/                              302  gone 403  403
POST /admin/call/callplan/<pk>/pause/                             302  gone 403  403
POST /admin/call/callplan/<pk>/resume/                            302  gone 403  403
POST /admin/call/callplan/<pk>/set_frequency/                     302  gone 403  403

GET  /admin/lead/statuschange/                                    200+ 200  200+ 200
GET  /admin/lead/statuschange/add/                                403  403  403  403
GET  /admin/lead/statuschange/<pk>/                               302  302  302  302
GET  /admin/lead/statuschange/<pk>/change/                        200+ gone 200+ gone
GET  /admin/lead/statuschange/<pk>/delete/                        403  gone 403  gone
GET  /admin/lead/statuschange/<pk>/history/                       200  gone 200  gone
GET  /admin/lead/ownerchange/                                     200+ 200  200+ 200
GET  /admin/lead/ownerchange/add/                                 403  403  403  403
GET  /admin/lead/ownerchange/<pk>/                                302  302  302  302
GET  /admin/lead/ownerchange/<pk>/change/                         200+ gone 200+ gone
GET  /admin/lead/ownerchange/<pk>/delete/                         403  gone 403  gone
GET  /admin/lead/ownerchange/<pk>/history/                        200  gone 200  gone

GET  /admin/lead/team/                                            200  200  403  403
GET  /admin/lead/team/add/                                        200  200  403  403
GET  /admin/lead/team/<pk>/                                       302  302  302  302
GET  /admin/lead/team/<pk>/change/                                200  200  403  403
GET  /admin/lead/team/<pk>/delete/                                200  200  403  403
GET  /admin/lead/team/<pk>/history/                               200  200  403  403
GET  /admin/call/workprofile/                                     200  200  200  200
GET  /admin/call/workprofile/add/                                 403  403  403  403
GET  /admin/call/workprofile/<pk>/                                302  302  302  302
GET  /admin/call/workprofile/<pk>/change/                         200  200  200  200
GET  /admin/call/workprofile/<pk>/delete/                         403  403  403  403
GET  /admin/call/workprofile/<pk>/history/                        200  200  200  200
GET  /admin/auth/user/                                            200  200  403  403
GET  /admin/auth/user/add/                                        403  403  403  403
GET  /admin/auth/user/<pk>/                                       302  302  302  302
GET  /admin/auth/user/<pk>/change/                                200  200  200  200
GET  /admin/auth/user/<pk>/password/                              403  403  403  403
GET  /admin/auth/user/<pk>/delete/                                403  403  403  403
GET  /admin/auth/user/<pk>/history/                               200  200  403  403
GET  /admin/auth/group/                                           403  403  403  403
GET  /admin/auth/group/add/                                       403  403  403  403
GET  /admin/auth/group/<pk>/                                      302  302  302  302
GET  /admin/auth/group/<pk>/change/                               403  403  403  403
GET  /admin/auth/group/<pk>/delete/                               403  403  403  403
GET  /admin/auth/group/<pk>/history/                              403  403  403  403

GET  /admin/lead/restaurant/import/<none>/failed.csv              404  404  403  403
GET  /admin/lead/restaurant/import/<none>/revert/                 302  302  403  403
GET  /admin/contact/contact/import/<none>/failed.csv              404  404  403  403
GET  /admin/contact/contact/import/<none>/revert/                 302  302  403  403
GET  /admin/track/interaction/import/                             200  200  403  403
GET  /admin/track/interaction/import/<none>/                      302  302  403  403
GET  /admin/track/interaction/import/<none>/failed.csv            404  404  403  403
GET  /admin/track/interaction/import/<none>/revert/               302  302  403  403
GET  /admin/track/orderdetails/import/                            200  200  403  403
GET  /admin/track/orderdetails/import/<none>/                     302  302  403  403
GET  /admin/track/orderdetails/import/<none>/failed.csv           404  404  403  403
GET  /admin/track/orderdetails/import/<none>/revert/              302  302  403  403
GET  /admin/call/callplan/import/                                 200  200  403  403
GET  /admin/call/callplan/import/<none>/                          302  302  403  403
GET  /admin/call/callplan/import/<none>/failed.csv                404  404  403  403
GET  /admin/call/callplan/import/<none>/revert/                   302  302  403  403
GET  /admin/backoffice/import/                                    200  200  403  403
GET  /admin/backoffice/import/add/                                403  403  403  403
GET  /admin/backoffice/import/<none>/                             302  302  302  302
GET  /admin/backoffice/import/<none>/change/                      gone gone 403  403
GET  /admin/backoffice/import/<none>/delete/                      403  403  403  403
GET  /admin/backoffice/import/<none>/history/                     gone gone gone gone

GET  /admin/lead/restaurant/own-first/                            405  405  405  405
POST /admin/lead/restaurant/own-first/                            302  302  302  302
POST /admin/contact/contact/own-first/                            302  302  302  302
POST /admin/track/interaction/own-first/                          302  302  302  302
POST /admin/track/orderdetails/own-first/                         302  302  302  302
POST /admin/call/callplan/own-first/                              302  302  302  302
GET  /admin/backoffice/savedlist/                                 200  200  200  200
GET  /admin/backoffice/savedlist/add/                             302  302  302  302
POST /admin/backoffice/savedlist/add/                             302  302  302  302
GET  /admin/backoffice/savedlist/<none>/                          302  302  302  302
GET  /admin/backoffice/savedlist/<none>/open/                     gone gone gone gone
GET  /admin/backoffice/savedlist/<none>/change/                   gone gone gone gone
GET  /admin/backoffice/savedlist/<none>/delete/                   gone gone gone gone
GET  /admin/backoffice/savedlist/<none>/history/                  gone gone gone gone
"""
ROWS = [(method, path, expected) for method, path, *expected in map(str.split, filter(None, TABLE.splitlines()))]

LEADS = "/admin/lead/restaurant/"
OWN_FIRST = ["lead/restaurant", "contact/contact", "track/interaction", "track/orderdetails", "call/callplan"]
BODIES = {  # of POST
    **{f"/admin/{table}/own-first/": {"rows": "all"} for table in OWN_FIRST},
    "/admin/backoffice/savedlist/add/": {"name": "Pune", "model": "lead.restaurant", "query": "city=pune"},
    f"{LEADS}add/": {
        "name": "Cafe Blau",
        "lead_status": "NEW",
        **{f"{inline}-{part}_FORMS": "0" for inline in ("contacts", "call_plans") for part in ("TOTAL", "INITIAL")},
    },
    f"{LEADS}<pk>/change_status/": {"status": "LOST"},
    "/admin/pipeline/<lead>/move/": {"key": "1", "seen": "CONVERTED", "status": "LOST", "reason": "PRICE"},
    f"{LEADS}<pk>/record_call/": {"plan": "<plan>"},
    f"{LEADS}<pk>/merge/": {"other": "<twin>"},
    f"{LEADS}duplicates/": {"first": "<lead>", "second": "<like>"},
    "/admin/contact/contact/<pk>/merge/": {"other": "<twin>"},
    "/admin/log/": {"lead": "<lead>", "interaction_type": "VISIT", "key": "key-1"},
    "/admin/contact/contact/add/": {"restaurant": "<lead>", "name": "Ben"},
    "/admin/track/interaction/add/": {
        "lead": "<lead>",
        "interaction_type": "EMAIL",
        "date_0": "2026-01-01",
        "date_1": "09:00",
        "order-TOTAL_FORMS": "0",
        "order-INITIAL_FORMS": "0",
    },
    "/admin/call/callplan/add/": {"lead": "<lead>", "frequency": "DAILY"},
    "/admin/call/callplan/<pk>/snooze/": {"until": "2099-01-01"},
    "/admin/call/callplan/<pk>/set_frequency/": {"frequency": "WEEKLY"},
}
IMPORTED = {
    "lead.restaurant": [["name"], ["Cafe Rot"]],
    "contact.contact": [["restaurant", "name"], ["1", "Ben"]],
}
MISSING = 99_999_999


class World:
    """The users, each with a client, and a lead of `owner` with a row in every table."""

    def __init__(self) -> None:
        grant(apps, "default")
        everything = {name for granted in ROLES.values() for name in granted} - {"lead.view_all"}
        codenames = {name.partition(".")[2] for name in everything}
        permissions = list(Permission.objects.filter(codename__in=codenames))
        users = get_user_model().objects
        self.users = {name: users.create_user(name, is_staff=True) for name in PEOPLE}
        for name in PEOPLE[:-1]:
            self.users[name].user_permissions.set(permissions)
        self.users["view_all"].user_permissions.add(Permission.objects.get(codename="view_all"))
        self.users["reader"].groups.add(Group.objects.get(name=READ_ONLY_GROUP))
        ids = {name: user.pk for name, user in self.users.items()}
        top = Team.establish(name="Region", managers=[ids["manager_above"]])
        team = Team.establish(name="North", parent=top, members=[ids["owner"], ids["teammate"]])
        Team.establish(name="South", parent=top, members=[ids["outsider"]], managers=[ids["manager_beside"]])
        self.clients = {name: Client() for name in PEOPLE}
        for name, client in self.clients.items():
            client.force_login(self.users[name])
        self.rows = self.rows_of(self.users["owner"])
        self.rows |= {row._meta.label_lower: row for row in (team, self.users["owner"], Group.objects.first())}
        lead = self.lead = self.rows["lead.restaurant"]
        self.twins, self.merged = ({}, {})
        for name, ids in {"Cafe Rot": self.twins, "Cafe Blau": self.merged}.items():
            twin = Restaurant.objects.create(name=name, assigned_to=self.users["owner"])
            person = Contact.objects.create(restaurant=lead, name=name)
            ids |= {"lead.restaurant": twin.pk, "contact.contact": person.pk}
        self.like = Restaurant.objects.create(name="Bistro Ana", city="Pune", assigned_to=self.users["owner"])
        lead.merge(self.merged["lead.restaurant"])
        self.rows["contact.contact"].merge(self.merged["contact.contact"])
        self.uploads = {}
        for user in self.users.values():
            LogEntry.objects.log_actions(user.pk, [lead], CHANGE, "Called.")
            files = {
                "leads": [["id", "name"], [lead.pk, "Cafe Rot"]],
                "contacts": [["id", "restaurant", "name"], [self.rows["contact.contact"].pk, lead.pk, "Ben"]],
            }
            for kind, rows in files.items():
                content = {"content": csv_file(*rows), "source": "import"}
                upload = Import.store(user=user, kind=kind, name="rows.csv", moment=dates.now(), **content)
                self.uploads[user.username, TABLES[kind].lower()] = upload.pk

    def rows_of(self, owner) -> dict:
        lead = Restaurant.objects.create(name=NAMES[0], city="Pune", phone="+91 98765 43210", potential_revenue=500)
        lead.edit(assigned_to=owner, lead_status="CONVERTED")
        contact = Contact.objects.create(restaurant=lead, name=NAMES[1], phone="+91 98765 43210")
        order = {"product_details": "Oil", "quantity": 1, "total_price": 5}
        long_ago = dates.now().replace(year=dates.now().year - 1, day=1)
        interaction = Interaction.log(
            lead=lead, contact=contact, interaction_type="ORDER", date=long_ago, order=order, details=NAMES[1]
        )
        plan = CallPlan.objects.create(lead=lead, frequency="MONTHLY")  # not within the days of the agenda
        rows = [lead, contact, interaction, interaction.order, plan, WorkProfile.objects.create(user=owner)]
        rows += [lead.status_changes.get(), lead.owner_changes.get()]
        return {row._meta.label_lower: row for row in rows}

    def request(self, person: str, method: str, path: str, *, missing: bool = False):
        """The answer; `missing` with the ids of no rows. What it does is undone."""
        path, _, action = path.partition("#")
        route, _, query = path.partition("?")
        table = ".".join(route.split("/")[2:4])
        row = self.rows.get(table)
        filled = {
            "<pk>": row.pk if row else 0,
            "<lead>": self.lead.pk,
            "<team>": self.rows["lead.team"].pk,
            "<plan>": self.rows["call.callplan"].pk,
            "<interaction>": self.rows["track.interaction"].pk,
            "<lead_type>": ContentType.objects.get_for_model(Restaurant).pk,
            "<twin>": self.twins.get(table),
            "<like>": self.like.pk,
            "<merged>": self.merged.get(table),
            "<upload>": self.uploads.get((person, table)),
            "<format>": "csv",
            "<app_label>": "lead",
            "<url>": "nowhere",
        }
        filled["<none>"] = MISSING
        if missing:
            filled |= dict.fromkeys(
                ["<pk>", "<lead>", "<plan>", "<interaction>", "<twin>", "<like>", "<merged>"], MISSING
            )

        def fill(text: str) -> str:
            return re.sub("<[a-z_]+>", lambda found: str(filled[found[0]]), text)

        if "/autocomplete/" in route:
            app, model, field = query.split(".")
            query = f"app_label={app}&model_name={model}&field_name={field}&term=a"
        body: dict = {name: fill(value) for name, value in BODIES.get(route, {"post": "yes"}).items()}
        if action:
            body = {"action": action.removesuffix("_all"), "_selected_action": [fill("<pk>")]}
            body |= {"select_across": "1"} if action.endswith("_all") else {}
        if route.endswith("import/") and method == "POST":
            body = {"file": SimpleUploadedFile("rows.csv", csv_file(*IMPORTED[table]))}
        client = self.clients[person]
        with transaction.atomic():
            send = getattr(client, method.lower())
            answer = send(fill(f"{route}?{query}" if query else route), body if method == "POST" else None)
            answer.words = (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()
            transaction.set_rollback(True)
        answer.texts = list(map(str, get_messages(answer.wsgi_request)))
        client.cookies.pop("messages", None)
        return answer


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """Made once; each test runs in a savepoint, and so does each request."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def no_memory():
    cache.clear()
    yield
    cache.clear()


def outcome(answer) -> str:
    if any("doesn’t exist" in text for text in answer.texts):
        return "gone"
    return f"{answer.status_code}{'+' if any(name in answer.words for name in NAMES) else ''}"


def column_of(access: str, person: str) -> int:
    return 2 * (person == "reader") + (person not in SEES[access])


# Of each column one user; trials/test_admin_access.py has all of them.
@pytest.mark.parametrize(
    ("access", "person"), [("own", "owner"), ("own", "outsider"), ("all", "reader"), ("team", "reader")]
)
def test_every_address_answers_as_the_table_says(access, person, world, settings):
    settings.ACCESS = access
    assert answers(world, person) == expected_answers(access, person)


def answers(world, person: str) -> dict:
    return {(method, path): outcome(world.request(person, method, path)) for method, path, _ in ROWS}


def expected_answers(access: str, person: str) -> dict:
    return {(method, path): expected[column_of(access, person)] for method, path, expected in ROWS}


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("access", SEES)
def test_each_user_sees_the_rows_of_visible_leads_alone(access, person, world, settings):
    settings.ACCESS = access
    pages = [row for row in ROWS if row[0] == "GET" and row[1].endswith("<pk>/history/") and "gone" in row[2][:2]]
    got = {path: outcome(world.request(person, method, path)) for method, path, _ in pages}
    assert len(pages) == 7
    assert got == {path: expected[column_of(access, person)] for _, path, expected in pages}


def test_a_hidden_row_answers_as_a_missing_one(world, settings):
    settings.ACCESS = "own"
    for method, path, expected in ROWS:
        if expected[0] == expected[1] or "<upload>" in path:
            continue
        hidden, missing = (world.request("outsider", method, path, missing=missing) for missing in (False, True))
        assert comparable(hidden) == comparable(missing), (method, path)


def comparable(answer):
    """Without the ids that the request named, and what differs from request to request."""
    words = re.sub(r'csrfmiddlewaretoken" value="[^"]*"', "", answer.words)
    texts = [answer.get("Location", ""), *answer.texts, words]
    return answer.status_code, [re.sub(r"\d+", "", text) for text in texts]


def test_the_table_has_every_address_of_the_admin():
    def simplified(path: str) -> str:
        return re.sub("<[^>]*>", "<>", re.split("[?#]", path)[0])

    exist = {route for route in routes() if route.startswith("/admin/")}
    assert {simplified(path) for _, path, _ in ROWS} == {simplified(route) for route in exist}
