"""Invalid values of every kind of field, and every write of the API that takes them.

Values are raw JSON, since many of them (`1e400`, `"\\ud800"`) have no form in Python.
"""

import json

LISTS = (
    "/lead/restaurants/",
    "/lead/restaurants/{lead}/status_history/",
    "/contact/contacts/",
    "/track/interactions/",
    "/track/interactions/orders/",
    "/call/",
    "/call/today/",
    "/api/users/",
)

LONG = json.dumps("x" * 70_000)
DEEP = "[" * 700 + "]" * 700
CONTAINERS = ["[]", "{}", '["CALL"]', '{"id": 1}', DEEP]
BROKEN = [r'"\u0000"', r'"a\u0000b"', r'"\ud800"', r'"a\udfffb"', LONG]

TEXT = [*BROKEN, *CONTAINERS, "true", "1e400"]
REQUIRED_TEXT = [*TEXT, '""', '"  "', "null"]
CHOICE = [*BROKEN, *CONTAINERS, "true", "1e400", "0", '""', "null", '"NOPE"', '"call"']
TRUTH = [*BROKEN, *CONTAINERS, "1e400", "2", "null", '"maybe"']
NINES = f'"{"9" * 5_000}"'  # more digits than int() takes
ID = [
    *BROKEN,
    *CONTAINERS,
    "true",
    "1e400",
    "-1",
    "0",
    "1.5",
    '"abc"',
    '"1.0"',
    '"٣²"',
    "9" * 20,
    f'"{"9" * 20}"',
    NINES,
]
COUNT = [*BROKEN, *CONTAINERS, "true", "1e400", "-1", "0", "1.5", '""', "null", "2147483648", "9" * 20, NINES]
MONEY = [
    *BROKEN,
    *CONTAINERS,
    *("true", "1e400", "1e1000000", '"1e1000000"', '"Infinity"', '"-Infinity"', '"NaN"', '"sNaN"'),
    *("-0.01", "1.005", "1e-400", "1000000000000", '"1,5"', NINES),
]
INSTANT = [
    *BROKEN,
    *CONTAINERS,
    *("true", "0", "1735380000", "1e400", '"yesterday"', '"2024-02-30T00:00:00Z"', '"2024-12-28T25:00:00Z"'),
    *('"0001-01-01T00:00:00+14:00"', '"9999-12-31T23:59:59-14:00"', '"0001-01-01T00:00:00"', '"9999-12-31T23:59:59"'),
    *('"1969-12-31T23:59:59Z"', '"2101-01-01T00:00:00Z"', '"2024-12-28T10:00:00+99:99"'),
]
ORDER = ['"x"', "1", "true", "null", "[]", "[[]]", '{"quantity": 1}', '{"quantity": {}}', DEEP]

LEAD = dict.fromkeys(["city", "state", "pincode", "contact_person", "phone", "email", "notes", "address"], TEXT) | {
    "name": REQUIRED_TEXT,
    "restaurant_type": TEXT,
    "cuisine_type": TEXT,
    "lead_status": CHOICE,
    "potential_revenue": MONEY,
    "assigned_to": ID,
}
CONTACT = dict.fromkeys(["role", "email", "phone", "address"], TEXT) | {"name": REQUIRED_TEXT, "restaurant": ID}
INTERACTION = {
    "lead": ID,
    "contact": ID,
    "interaction_type": CHOICE,
    "details": TEXT,
    "order_placed": TRUTH,
    "date": INSTANT,
    "order": ORDER,
}
ORDER_DETAILS = {
    "product_details": REQUIRED_TEXT,
    "quantity": COUNT,
    "total_price": [*MONEY, "null", '""'],
    "order_date": INSTANT,
}
PLAN = {"lead": ID, "frequency": CHOICE, "next_call_date": INSTANT, "notes": TEXT}

# Each write: method, path, a valid body, and invalid values of each field.
WRITES = {
    "POST lead": ("POST", "/lead/restaurants/", '{"name": "A"}', LEAD),
    "PATCH lead": ("PATCH", "/lead/restaurants/{lead}/", "{}", LEAD),
    "change_status": (
        "POST",
        "/lead/restaurants/{lead}/change_status/",
        '{"status": "LOST"}',
        {"status": CHOICE, "note": TEXT},
    ),
    "POST contact": ("POST", "/contact/contacts/", '{"restaurant": {lead}, "name": "A"}', CONTACT),
    "PATCH contact": ("PATCH", "/contact/contacts/{contact}/", "{}", CONTACT),
    "POST interaction": (
        "POST",
        "/track/interactions/",
        '{"lead": {lead}, "interaction_type": "CALL"}',
        INTERACTION,
    ),
    "PATCH interaction": ("PATCH", "/track/interactions/{interaction}/", "{}", INTERACTION),
    "PUT order_details": (
        "PUT",
        "/track/interactions/{interaction}/order_details/",
        '{"product_details": "A", "quantity": 1, "total_price": 1}',
        ORDER_DETAILS,
    ),
    "POST call": ("POST", "/call/", '{"lead": {lead}, "frequency": "DAILY"}', PLAN),
    "PATCH call": ("PATCH", "/call/{plan}/", "{}", PLAN | {"last_called": INSTANT}),
    "record_call": ("POST", "/call/{plan}/record_call/", "{}", {"last_called": [*INSTANT, "null", '""']}),
    "set_frequency": ("PATCH", "/call/{plan}/set_frequency/", '{"frequency": "DAILY"}', {"frequency": CHOICE}),
    "token": ("POST", "/api/token/", '{"username": "a", "password": "b"}', {}),
    "refresh": ("POST", "/api/token/refresh/", '{"refresh": "a"}', {}),
    "verify": ("POST", "/api/token/verify/", '{"token": "a"}', {}),
    "logout": ("POST", "/api/token/logout/", '{"refresh": "a"}', {}),
}
FIELDS = [(name, field) for name, (_, _, _, fields) in WRITES.items() for field in fields]


def fill(template: str, ids: dict[str, int]) -> str:
    for name, pk in ids.items():
        template = template.replace(f"{{{name}}}", str(pk))
    return template


def refused(response, *statuses: int) -> dict:
    """The JSON body of a response whose status is one of these."""
    assert response.status_code in statuses, response.content[:200]
    assert response["Content-Type"] == "application/json"
    return response.json()
