"""Every resource that has an ETag, with all writes that its row knows; crm/tests/conftest.py has them as fixtures."""

from dataclasses import dataclass, field

import pytest

from call.models import CallEvent, CallPlan
from contact.models import Contact
from lead.models import Restaurant, StatusChange
from track.models import Interaction, OrderDetails

ORDER = {"product_details": "50 units", "quantity": 50, "total_price": 500}
STALE = '"00000000000000000000000000000000"'
GONE = {"detail": "The resource has changed since you read it, or the ETag is unknown. A GET gives the present one."}


@dataclass
class Resource:
    """A resource: what it is created from, and the writes that the row at `path` knows."""

    path: str
    list: str = ""
    new: dict = field(default_factory=dict)
    writes: list = field(default_factory=list)


def resource(name: str, lead, contact, interaction, plan) -> Resource:
    match name:
        case "lead":
            path = f"/lead/restaurants/{lead.pk}/"
            verb = ("POST", f"{path}change_status/", {"status": "CONTACTED"})
            return Resource(path, "/lead/restaurants/", {"name": "Cafe Blau"}, crud(path, {"name": "Cafe"}, verb))
        case "contact":
            path = f"/contact/contacts/{contact.pk}/"
            new = {"restaurant": lead.pk, "name": "Ravi Iyer"}
            return Resource(path, "/contact/contacts/", new, crud(path, new))
        case "interaction":
            path = f"/track/interactions/{interaction.pk}/"
            new = {"lead": lead.pk, "interaction_type": "EMAIL"}
            return Resource(path, "/track/interactions/", new, crud(path, new))
        case "order":
            path = f"/track/interactions/{interaction.pk}/order_details/"
            return Resource(path, writes=[("PUT", path, ORDER | {"quantity": 5}), ("PATCH", path, {"quantity": 5})])
        case "plan":
            path = f"/call/{plan.pk}/"
            new = {"lead": lead.pk, "frequency": "MONTHLY"}
            call = ("POST", f"{path}record_call/", {"last_called": "2024-12-28T10:00:00Z"})
            rhythm = ("PATCH", f"{path}set_frequency/", {"frequency": "WEEKLY"})
            later = ("POST", f"{path}snooze/", {"days": 3})
            return Resource(path, "/call/", new, crud(path, new, call, rhythm, later, ("POST", f"{path}skip/", {})))
    raise LookupError(name)


def crud(path: str, new: dict, *verbs) -> list:
    return [("PUT", path, new), ("PATCH", path, new), *verbs, ("DELETE", path, None)]


KINDS = ["lead", "contact", "interaction", "order", "plan"]
WRITES = {"lead": 4, "contact": 3, "interaction": 3, "order": 2, "plan": 7}
EVERY_WRITE = [(kind, number) for kind, count in WRITES.items() for number in range(count)]


every_thing = pytest.mark.parametrize("thing", KINDS, indirect=True)
every_write = pytest.mark.parametrize("write", EVERY_WRITE, indirect=True, ids=str)


def send(api, method: str, path: str, body, **headers):
    return getattr(api, method.lower())(path, body, headers={key.replace("_", "-"): headers[key] for key in headers})


def everything() -> list:
    """All rows of all tables that a write could touch."""
    tables = (Restaurant, StatusChange, Contact, Interaction, OrderDetails, CallPlan, CallEvent)
    return [list(table.objects.values()) for table in tables]
