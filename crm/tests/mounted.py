"""What the tests of hooks share: the tables with a row of each of two users, and a ViewSet under a URL of its own."""

import json
from datetime import timedelta
from types import ModuleType

import pytest
from django.contrib.auth import get_user_model
from django.db.models import Model
from rest_framework.routers import SimpleRouter
from rest_framework.test import APIClient

from call.models import CallEvent, CallPlan
from call.views import CallPlanViewSet
from contact.models import Contact
from contact.views import ContactViewSet
from crm import dates
from crm.api import lists, viewsets
from crm.fast import reads
from lead.models import Restaurant, StatusChange
from lead.views import RestaurantViewSet
from track.models import Interaction, OrderDetails
from track.views import InteractionViewSet

ORDER = {"product_details": "Rice", "quantity": 2, "total_price": "9.50"}


class Resource:
    """A table: its view, the path to the owner of a row, and what may be asked and done.

    `lists` and `reads` are paths (below a row's, the latter), `writes` a method, a path below the row's and a body.
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
        """PUT with the row's own lead, the writes, and DELETE at last."""
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


@pytest.fixture(params=[True, False], ids=["fast", "stock"])
def fast(request, settings):
    settings.FAST = request.param
    return request.param


@pytest.fixture
def users(db):
    """Anna and Ben, with rows of every table each."""
    named = [get_user_model().objects.create_user(name) for name in ("anna", "ben")]
    for user in named:
        lead = Restaurant.objects.create(name=f"{user} bistro", assigned_to=user, city="Pune")
        lead.change_status("CONTACTED")
        Contact.objects.create(restaurant=lead, name=f"{user} contact")
        Interaction.log(lead=lead, interaction_type="ORDER", details="ordered", order=ORDER)
        for days in (0, -3, 3):
            CallPlan.objects.create(
                lead=lead, frequency="DAILY", next_call_date=dates.now() + timedelta(days=days), notes=f"{user}"
            )
    return named


@pytest.fixture
def mount(settings):
    """Mounts a ViewSet at /x/."""

    def mount(view):
        router = SimpleRouter()
        router.register("x", view, basename="x")
        module = ModuleType("mounted")
        module.urlpatterns = router.urls
        module.handler404, module.handler500 = "crm.api.exceptions.not_found", "django.views.defaults.server_error"
        settings.ROOT_URLCONF = module

    return mount


def client_of(user=None, raises=True) -> APIClient:
    client = APIClient(raise_request_exception=raises)
    if user:
        client.force_authenticate(user)
    return client


def body_of(response):
    """What was answered, streamed or not."""
    content = response.getvalue() if response.streaming else response.content
    return json.loads(content) if content else None


def cut_lists(monkeypatch, *, whole: int, window: int, chunk: int = lists.CHUNK) -> None:
    """Lists are long beyond `whole` rows; what is compiled knows how many are read at first, and is made anew."""
    monkeypatch.setattr(lists, "WHOLE", whole)
    monkeypatch.setattr(lists, "CHUNK", chunk)
    for module in (lists, reads, viewsets):
        monkeypatch.setattr(module, "WINDOW", window)
    reads.rows_asked.cache_clear()


def stream_all(monkeypatch) -> None:
    """Every list of more than one row is streamed."""
    cut_lists(monkeypatch, whole=1, window=2)


def rows_of_everybody() -> dict:
    return {model: list(model.objects.order_by("pk").values()) for model in CHANGED}
