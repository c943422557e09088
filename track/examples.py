"""The API document's own examples of this section, by operation."""

from typing import Any

NEW_CALL = {
    "lead": 2,
    "contact": 3,
    "interaction_type": "CALL",
    "details": "Followed up on last week's discussion.",
    "order_placed": False,
    "date": "2024-12-24T15:30:00Z",
}
CALL = {"id": 1, **NEW_CALL}
EMAIL = {
    "id": 2,
    "lead": 2,
    "contact": 4,
    "interaction_type": "EMAIL",
    "details": "Sent product catalog.",
    "order_placed": False,
    "date": "2024-12-25T10:00:00Z",
}
ORDER = {
    "id": 3,
    "lead": 2,
    "contact": 5,
    "interaction_type": "ORDER",
    "details": "Placed an order for 50 units of product A.",
    "order_placed": True,
    "date": "2024-12-25T12:00:00Z",
}
ORDER_DETAILS = {
    "product_details": "50 units of Product A",
    "quantity": 50,
    "total_price": 500.00,
    "order_date": "2024-12-25T12:00:00Z",
}
NEW_ORDER = {
    "lead": 2,
    "contact": 5,
    "interaction_type": "ORDER",
    "details": "Placed an order for 50 units of product A.",
    "date": "2024-12-25T12:00:00Z",
    "order": {"product_details": "50 units of Product A", "quantity": 50, "total_price": 500.00},
}

BODIES: dict[str, Any] = {
    "interaction_create": NEW_CALL,
    "interaction_create/with an order": NEW_ORDER,
    "interaction_update": NEW_CALL,
    "interaction_partial_update": {"details": "Confirmed product interest."},
    "interaction_replace_order_details": ORDER_DETAILS,
    "interaction_edit_order_details": {"quantity": 60, "total_price": 600.00},
}

ANSWERS: dict[str, Any] = {
    "interaction_list": [CALL, EMAIL],
    "interaction_create": CALL,
    "interaction_create/with an order": ORDER,
    "interaction_retrieve": CALL,
    "interaction_update": CALL,
    "interaction_partial_update": {**CALL, "details": "Confirmed product interest."},
    "interaction_destroy": {"message": "Interaction deleted successfully."},
    "interaction_orders": [ORDER],
    "interaction_order_details": ORDER_DETAILS,
    "interaction_replace_order_details": ORDER_DETAILS,
    "interaction_edit_order_details": {**ORDER_DETAILS, "quantity": 60, "total_price": 600.00},
    "performance_list": [
        {"owner": 1, "touches": 42, "orders": 7, "revenue": 3500.00},
        {"owner": None, "touches": 12, "orders": 2, "revenue": 940.50, "former_owner": "asha"},
    ],
}
