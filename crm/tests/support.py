"""What the tests of several apps share: clients, forms of the admin, every resource of the API, a database router.

Fixtures are in conftest.py, real servers in server.py.
"""

import json
from datetime import timedelta
from html.parser import HTMLParser
from io import StringIO

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model
from rest_framework.test import APIClient

from call.models import CallEvent, CallPlan
from call.views import CallPlanViewSet
from contact.models import Contact
from contact.views import ContactViewSet
from crm import dates
from crm.api import lists, viewsets
from crm.api.authentication import SessionToken
from lead.models import Restaurant, StatusChange
from lead.views import RestaurantViewSet
from track.models import Interaction, OrderDetails
from track.views import InteractionViewSet


def signed_in(user, **options) -> APIClient:
    """A client with an access token of the user; `options` are APIClient's."""
    client = APIClient(**options)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {SessionToken.for_user(user).access_token}")
    return client


def client_of(user=None, raises=True) -> APIClient:
    """A client that is authenticated as the user without a token; without a user an anonymous one."""
    client = APIClient(raise_request_exception=raises)
    if user:
        client.force_authenticate(user)
    return client


def body_of(response):
    """The decoded body, streamed or not."""
    content = response.getvalue() if response.streaming else response.content
    return json.loads(content) if content else None


class Log(StringIO):
    """What the project's logging writes."""

    def lines(self, name: str = "") -> list[dict]:
        found = [json.loads(line) for line in self.getvalue().splitlines()]
        return [line for line in found if line["logger"].startswith(name)]


# --- Forms of the admin -----------------------------------------------------------------------


class _Form(HTMLParser):
    """The named controls of the form with the given id, and their values."""

    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id, self.inside = form_id, False
        self.values: dict[str, str] = {}
        self.select = self.textarea = ""

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        name, value = attributes.get("name", ""), attributes.get("value") or ""
        if tag == "form":
            self.inside = attributes.get("id") == self.form_id
        elif not self.inside:
            return
        elif tag == "input" and attributes.get("type") not in ("submit", "file"):
            if attributes.get("type") not in ("checkbox", "radio") or "checked" in attributes:
                self.values[name] = value or ("on" if attributes.get("type") == "checkbox" else "")
        elif tag == "select":
            self.select = name
            self.values[name] = ""
        elif tag == "option" and "selected" in attributes:
            self.values[self.select] = value
        elif tag == "textarea":
            self.textarea = name
            self.values[name] = ""

    def handle_data(self, data):
        if self.textarea:
            self.values[self.textarea] += data.removeprefix("\n").removeprefix("\r\n")

    def handle_endtag(self, tag):
        if tag == "textarea":
            self.textarea = ""
        elif tag == "form":
            self.inside = False


def form_of(response, form_id: str) -> dict[str, str]:
    """The form's values as a browser would send them back."""
    parser = _Form(form_id)
    parser.feed(response.content.decode())
    return parser.values


def send_form(client, path: str, form_id: str, **changes: str):
    """Open the page, fill in `changes` and send the form."""
    return client.post(path, {**form_of(client.get(path), form_id), **changes})


# --- Every resource of the API ----------------------------------------------------------------

ORDER = {"product_details": "Rice", "quantity": 2, "total_price": "9.50"}


class Resource:
    """A table: its view, the look-up path to a row's owner, and its lists, reads and writes.

    `lists` are paths below the table's, `reads` below a row's; `writes` a method, a path below a row's and a body.
    """

    def __init__(self, view, owner, whole, lists=(), reads=(), writes=()) -> None:
        self.view, self.owner, self.whole, self.lists, self.reads = view, owner, whole, ["", *lists], ["", *reads]
        self.writes = [("patch", "", {"notes": "changed"} if "notes" in whole else {"name": "changed"}), *writes]
        if view is InteractionViewSet:
            self.writes[0] = ("patch", "", {"details": "changed"})

    @property
    def model(self) -> type[Model]:
        return self.view.queryset.model

    def mine(self, queryset, user):
        return queryset.filter(**{self.owner: user}) if queryset.model is self.model else queryset

    def row_of(self, user) -> Model:
        return self.model.objects.filter(**{self.owner: user}).earliest("id")

    def all_writes(self, row) -> list[tuple]:
        """PUT with the row's own lead, the writes, and DELETE last."""
        whole = {name: getattr(row, f"{name}_id") if value is Model else value for name, value in self.whole.items()}
        return [("put", "", whole), *self.writes, ("delete", "", None)]


SNOOZE = {"days": 3, "reason": "holiday"}
RESOURCES = {
    "restaurants": Resource(
        RestaurantViewSet,
        "assigned_to",
        {"name": "changed", "notes": "changed"},
        reads=["status_history/", "owner_history/"],
        writes=[("post", "change_status/", {"status": "LOST"})],
    ),
    "contacts": Resource(ContactViewSet, "restaurant__assigned_to", {"restaurant": Model, "name": "changed"}),
    "interactions": Resource(
        InteractionViewSet,
        "lead__assigned_to",
        {"lead": Model, "interaction_type": "EMAIL", "details": "changed"},
        lists=["orders/"],
        reads=["order_details/"],
        writes=[("put", "order_details/", ORDER), ("patch", "order_details/", {"quantity": 3})],
    ),
    "plans": Resource(
        CallPlanViewSet,
        "lead__assigned_to",
        {"lead": Model, "frequency": "WEEKLY", "notes": "changed"},
        lists=["today/", "overdue/", "upcoming/"],
        reads=["history/"],
        writes=[
            ("post", "record_call/", {}),
            ("post", "record_call/", {"details": "spoke"}),
            ("patch", "set_frequency/", {"frequency": "MONTHLY"}),
            ("post", "snooze/", SNOOZE),
            ("post", "skip/", {}),
            ("post", "pause/", {}),
            ("post", "resume/", {}),
        ],
    ),
}
CHANGED = (Restaurant, Contact, Interaction, OrderDetails, CallPlan, CallEvent, StatusChange)


everywhere = pytest.mark.parametrize("name", RESOURCES)
both_ways = pytest.mark.parametrize("way", ["subclass", "patched"])


def apply_hooks(way, hooks, resource, mount, monkeypatch, users):
    """Give the view these attributes: in a subclass, or patched after it has answered requests of both users."""
    view = resource.view
    if way == "subclass":
        view = type("Mine", (view,), hooks)
        mount(view)
        return
    mount(view)
    for user in users:
        row = resource.row_of(user)
        for path in ("/x/", f"/x/{row.pk}/", "/x/?page_size=1"):
            assert client_of(user).get(path).status_code == 200
        assert client_of(user).patch(f"/x/{row.pk}/", {}).status_code == 200
    for name, hook in hooks.items():
        monkeypatch.setattr(view, name, hook)


def create_rows_of_two_users() -> None:
    """Anna and Ben, with rows of every table each."""
    for name in ("anna", "ben"):
        user = get_user_model().objects.create_user(name)
        lead = Restaurant.objects.create(name=f"{user} bistro", assigned_to=user, city="Pune")
        lead.change_status("CONTACTED")
        Contact.objects.create(restaurant=lead, name=f"{user} contact")
        Interaction.log(lead=lead, interaction_type="ORDER", details="ordered", order=ORDER)
        for days in (0, -3, 3):
            next_call_date = dates.now() + timedelta(days=days)
            CallPlan.objects.create(lead=lead, frequency="DAILY", next_call_date=next_call_date, notes=f"{user}")


def rows_of_all_tables() -> dict:
    return {model: list(model.objects.order_by("pk").values()) for model in CHANGED}


# --- Long lists -------------------------------------------------------------------------------


def shorten_lists(monkeypatch, *, whole: int, window: int, chunk: int = lists.CHUNK) -> None:
    """Lists are long beyond `whole` rows; `window` of them are read at first."""
    monkeypatch.setattr(lists, "WHOLE", whole)
    monkeypatch.setattr(lists, "CHUNK", chunk)
    for module in (lists, viewsets):
        monkeypatch.setattr(module, "WINDOW", window)


def stream_all(monkeypatch) -> None:
    """Every list of more than one row is streamed."""
    shorten_lists(monkeypatch, whole=1, window=2)


# --- Another database -------------------------------------------------------------------------

APPS = ("lead", "contact", "track", "call", "crm", "auth")


class Router:
    """Routes all queries of these models to `other`; relations across databases are allowed."""

    models: tuple = ()
    reads: tuple = ()  # replicas: read from `other`, written to the default one

    def db_for_read(self, model, **hints):
        return "other" if model in self.models or model in self.reads else None

    def db_for_write(self, model, **hints):
        return "other" if model in self.models else DEFAULT_DB_ALIAS if model in self.reads else None

    def allow_relation(self, *rows, **hints):
        return True


def rows_in(alias) -> dict[type[Model], int]:
    """The number of rows of each table that is not empty."""
    models = [model for label in APPS for model in apps.get_app_config(label).get_models()]
    return {model: count for model in models if (count := model._base_manager.using(alias).count())}
