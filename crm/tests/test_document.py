"""Every request of the API document, in its order on one database, sent as written; each answer compared byte for byte.

Ids start at 1, as in the document. Where its examples do not follow from one another, a request between them, marked as
such, brings the rows into the state that the next example shows.
"""

import re

import pytest
import time_machine
from django.conf import settings
from django.core.management.color import no_style
from django.db import connection
from django.utils.dateparse import parse_datetime
from rest_framework.test import APIClient

from call.models import CallPlan
from contact.models import Contact
from crm.tests import PASSWORD
from lead.models import Restaurant, StatusChange
from track.models import Interaction

NOW = "2024-12-28T09:00:00Z"


@pytest.fixture
def first_ids(db):
    """Ids start at 1: a sequence does not go back when a test's transaction does."""
    tables = [{"table": model._meta.db_table, "column": "id"} for model in DOMAIN]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_by_name_sql(no_style(), tables):
            cursor.execute(statement)


DOMAIN = (Restaurant, StatusChange, Contact, Interaction, CallPlan)


@pytest.fixture
def send(first_ids, user):
    with time_machine.travel(NOW, tick=False):
        yield Sender(APIClient())


class Sender:
    """Sends a request of the document and compares the answer: `send("GET /call/", answer="[]")`."""

    def __init__(self, client: APIClient) -> None:
        self.client = client
        self.before_each = lambda: None

    def __call__(self, request: str, payload: str = "", *, answer: str, status: int = 200) -> None:
        response = self.send(request, payload)
        assert response.content.decode() == compact(answer)
        assert response.status_code == status
        assert response.get("Content-Type") == ("application/json" if answer else None)

    def send(self, request: str, payload: str = ""):
        self.before_each()
        method, path = request.split()
        return self.client.generic(method, path, compact(payload), content_type="application/json")


def compact(text: str) -> str:
    """JSON without the white space between its parts; everything else as written: order, digits, types."""
    return re.sub(r'("(?:[^"\\]|\\.)*")|\s+', lambda match: match[1] or "", text)


@pytest.mark.parametrize("touched", [False, True], ids=["by itself", "beside touches"])
def test_every_request_of_the_document_in_its_order(send, user, touched):
    sign_in(send)
    lead_management(send, user)
    authentication(send)
    contact_management(send)
    interaction_tracking(send)
    if touched:
        send.before_each = touch_both_leads
    call_planning(send)


def touch_both_leads():
    """The document's plans have not been made then."""
    for kind in settings.TOUCH_TYPES:
        for lead in (1, 2):
            Interaction.log(lead_id=lead, interaction_type=kind, date=parse_datetime("2024-12-28T08:59:59Z"))


def sign_in(send):
    tokens = send.send("POST /api/token/", f'{{"username": "kam", "password": "{PASSWORD}"}}').json()
    send.client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")


def lead_management(send, user):
    """The document gives the paths alone; the bodies are the contract's."""
    lead = """{
        "id": %(id)d, "name": "%(name)s", "address": "", "city": "", "state": "", "pincode": "", "contact_person": "",
        "phone": "", "email": "", "lead_status": "%(status)s", "potential_revenue": %(revenue)s, "notes": "",
        "restaurant_type": "", "cuisine_type": "", "assigned_to": %(owner)d,
        "created_at": "2024-12-28T09:00:00Z", "updated_at": "2024-12-28T09:00:00Z"
    }"""
    first = {"id": 1, "name": "Bistro Anna", "status": "NEW", "revenue": "5000.00", "owner": user.pk}
    second = first | {"id": 2, "name": "Curry Leaf", "revenue": "null"}
    third = second | {"id": 3, "name": "Gone Soon"}

    send("GET /lead/restaurants/", answer="[]")
    send(
        "POST /lead/restaurants/",
        '{"name": "Bistro Anna", "potential_revenue": 5000}',
        answer=lead % first,
        status=201,
    )
    send("POST /lead/restaurants/", '{"name": "Curry Leaf"}', answer=lead % second, status=201)
    send("GET /lead/restaurants/", answer=f"[{lead % first}, {lead % second}]")
    send("GET /lead/restaurants/1/", answer=lead % first)
    first["name"] = "Bistro Anna & Sons"
    send("PUT /lead/restaurants/1/", '{"name": "Bistro Anna & Sons"}', answer=lead % first)

    send("POST /lead/restaurants/", '{"name": "Gone Soon"}', answer=lead % third, status=201)
    send("DELETE /lead/restaurants/3/", answer="", status=204)
    send("GET /lead/restaurants/3/", answer='{"detail": "Not found."}', status=404)

    first["status"] = "CONTACTED"
    send(
        "POST /lead/restaurants/1/change_status/",
        '{"status": "CONTACTED", "note": "Met at the fair."}',
        answer=lead % first,
    )
    send(
        "GET /lead/restaurants/1/status_history/",
        answer="""[{
            "id": 1, "lead": 1, "old_status": "NEW", "new_status": "CONTACTED", "changed_by": USER,
            "changed_at": "2024-12-28T09:00:00Z", "note": "Met at the fair."
        }]""".replace("USER", str(user.pk)),
    )


def authentication(send):
    tokens = send.send("POST /api/token/", f'{{"username": "kam", "password": "{PASSWORD}"}}')
    assert (tokens.status_code, list(tokens.json())) == (200, ["access", "refresh"])

    refreshed = send.send("POST /api/token/refresh/", f'{{"refresh": "{tokens.json()["refresh"]}"}}')
    assert (refreshed.status_code, list(refreshed.json())) == (200, ["access"])

    for access in (tokens.json()["access"], refreshed.json()["access"]):
        send.client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
        assert send.send("GET /lead/restaurants/1/").status_code == 200


def contact_management(send):
    john_doe = """{
        "id": 1,
        "restaurant": 1,
        "name": "John Doe",
        "role": "Manager",
        "email": "john.doe@example.com",
        "phone": "123-456-7890",
        "address": "123 Street, City, Country"
    }"""
    # 1. Create Contact
    send(
        "POST /contact/contacts/",
        """{
            "restaurant": 1,
            "name": "John Doe",
            "role": "Manager",
            "email": "john.doe@example.com",
            "phone": "123-456-7890",
            "address": "123 Street, City, Country"
        }""",
        answer=john_doe,
        status=201,
    )
    # 2. List Contacts
    send("GET /contact/contacts/", answer=f"[{john_doe}]")
    # 3. Retrieve Contact by ID
    send("GET /contact/contacts/1/", answer=john_doe)
    # 4. Update Contact
    send(
        "PUT /contact/contacts/1/",
        """{
            "restaurant": 1,
            "name": "John Smith",
            "role": "Head Manager",
            "email": "john.smith@example.com",
            "phone": "987-654-3210",
            "address": "456 Avenue, City, Country"
        }""",
        answer="""{
            "id": 1,
            "restaurant": 1,
            "name": "John Smith",
            "role": "Head Manager",
            "email": "john.smith@example.com",
            "phone": "987-654-3210",
            "address": "456 Avenue, City, Country"
        }""",
    )
    # 5. Delete Contact
    send("DELETE /contact/contacts/1/", answer="", status=204)
    send("GET /contact/contacts/", answer="[]")


def interaction_tracking(send):
    for name in ("Contact 2", "Contact 3", "Contact 4", "Contact 5"):  # between: the people of lead 2
        send.send("POST /contact/contacts/", f'{{"restaurant": 2, "name": "{name}"}}')
    first = """{
        "id": 1,
        "lead": 2,
        "contact": 3,
        "interaction_type": "CALL",
        "details": "Followed up on last week's discussion.",
        "order_placed": false,
        "date": "2024-12-24T15:30:00Z"
    }"""
    second = """{
        "id": 2,
        "lead": 2,
        "contact": 4,
        "interaction_type": "EMAIL",
        "details": "Sent product catalog.",
        "order_placed": false,
        "date": "2024-12-25T10:00:00Z"
    }"""
    third = """{
        "id": 3,
        "lead": 2,
        "contact": 5,
        "interaction_type": "ORDER",
        "details": "Placed an order for 50 units of product A.",
        "order_placed": true,
        "date": "2024-12-25T12:00:00Z"
    }"""
    # 1. Create a New Interaction
    send(
        "POST /track/interactions/",
        """{
            "lead": 2,
            "contact": 3,
            "interaction_type": "CALL",
            "details": "Followed up on last week's discussion.",
            "order_placed": false,
            "date": "2024-12-24T15:30:00Z"
        }""",
        answer=first,
        status=201,
    )
    # 2. List All Interactions
    send("POST /track/interactions/", second, answer=second, status=201)  # between
    send("GET /track/interactions/", answer=f"[{first}, {second}]")
    send("GET /track/interactions/?lead=2", answer=f"[{first}, {second}]")
    send("GET /track/interactions/?contact=4", answer=f"[{second}]")
    send("GET /track/interactions/?lead=1", answer="[]")
    # 3. Retrieve a Specific Interaction
    send("GET /track/interactions/1/", answer=first)
    # 4. Update an Interaction
    send(
        "PATCH /track/interactions/1/",
        """{
            "details": "Confirmed product interest."
        }""",
        answer="""{
            "id": 1,
            "lead": 2,
            "contact": 3,
            "interaction_type": "CALL",
            "details": "Confirmed product interest.",
            "order_placed": false,
            "date": "2024-12-24T15:30:00Z"
        }""",
    )
    # 5. Delete an Interaction
    send("DELETE /track/interactions/1/", answer='{"message": "Interaction deleted successfully."}')
    # 6. List Order-Specific Interactions
    send("POST /track/interactions/", third, answer=third, status=201)  # between
    send("GET /track/interactions/orders/", answer=f"[{third}]")
    send("GET /track/interactions/orders/?lead=2", answer=f"[{third}]")
    send("GET /track/interactions/orders/?lead=1", answer="[]")
    # 7. Retrieve Order Details
    order = """{
        "product_details": "50 units of Product A",
        "quantity": 50,
        "total_price": 500.00,
        "order_date": "2024-12-25T12:00:00Z"
    }"""
    send("PUT /track/interactions/3/order_details/", order, answer=order, status=201)  # between
    send("GET /track/interactions/3/order_details/", answer=order)


def call_planning(send):
    first = """{
        "id": 1,
        "lead": 1,
        "frequency": "DAILY",
        "last_called": null,
        "next_call_date": "2024-12-29T00:00:00Z",
        "notes": "Initial call plan."
    }"""
    second = """{
        "id": 2,
        "lead": 2,
        "frequency": "WEEKLY",
        "last_called": "2024-12-25T15:00:00Z",
        "next_call_date": "2024-12-31T15:00:00Z",
        "notes": "Follow-up call plan."
    }"""
    # 1. Create a New Call Plan
    send(
        "POST /call/",
        """{
            "lead": 1,
            "frequency": "DAILY",
            "notes": "Initial call plan."
        }""",
        answer=first,
        status=201,
    )
    # 2. Get All Call Plans
    send.send("POST /call/", '{"lead": 2, "frequency": "WEEKLY"}')  # between
    send("PATCH /call/2/", second, answer=second)  # between
    send("GET /call/", answer=f"[{first}, {second}]")
    # 3. Get Call Plans Requiring a Call Today
    send.send("PATCH /call/1/", '{"next_call_date": "2024-12-28T00:00:00Z"}')  # between
    send(
        "GET /call/today/",
        answer="""[
            {
                "id": 1,
                "lead": 1,
                "frequency": "DAILY",
                "last_called": null,
                "next_call_date": "2024-12-28T00:00:00Z",
                "notes": "Initial call plan."
            }
        ]""",
    )
    send.send("PATCH /call/1/", '{"next_call_date": "2024-12-29T00:00:00Z"}')  # between
    # 4. Get a Specific Call Plan
    send("GET /call/1/", answer=first)
    # 5. Update a Call Plan
    send(
        "PATCH /call/1/",
        """{
            "frequency": "WEEKLY",
            "notes": "Updated call plan."
        }""",
        answer="""{
            "id": 1,
            "lead": 1,
            "frequency": "WEEKLY",
            "last_called": null,
            "next_call_date": "2024-12-29T00:00:00Z",
            "notes": "Updated call plan."
        }""",
    )
    # 6. Record a Call
    send("PATCH /call/1/", '{"frequency": "DAILY", "notes": "Initial call plan."}', answer=first)  # between
    send(
        "POST /call/1/record_call/",
        """{
            "last_called": "2024-12-28T10:00:00Z"
        }""",
        answer="""{
            "id": 1,
            "lead": 1,
            "frequency": "DAILY",
            "last_called": "2024-12-28T10:00:00Z",
            "next_call_date": "2024-12-29T10:00:00Z",
            "notes": "Initial call plan."
        }""",
    )
    # 7. Set or Update Frequency for a Call Plan
    send.send("PATCH /call/1/", '{"notes": "Updated call plan."}')  # between
    send(
        "PATCH /call/1/set_frequency/",
        """{
            "frequency": "WEEKLY"
        }""",
        answer="""{
            "id": 1,
            "lead": 1,
            "frequency": "WEEKLY",
            "last_called": "2024-12-28T10:00:00Z",
            "next_call_date": "2025-01-04T10:00:00Z",
            "notes": "Updated call plan."
        }""",
    )
    # 8. Delete a Call Plan
    send("DELETE /call/1/", answer='{"detail": "Successfully deleted the call plan."}')
    send("GET /call/", answer=f"[{second}]")
