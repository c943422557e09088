"""What requests and answers of this section look like, by operation."""

from typing import Any

NEW_LEAD = {
    "name": "Bistro Anna",
    "address": "12 MG Road",
    "city": "Pune",
    "state": "Maharashtra",
    "pincode": "411001",
    "contact_person": "Asha Rao",
    "phone": "(5) 555-4729",
    "email": "anna@example.com",
    "lead_status": "NEW",
    "potential_revenue": 5000.00,
    "notes": "Asked for the catalog.",
    "restaurant_type": "Bistro",
    "cuisine_type": "Indian",
    "assigned_to": 1,
}
STAMPS = {"created_at": "2024-12-24T15:30:00Z", "updated_at": "2024-12-24T15:30:00Z"}
LEAD = {"id": 1, **NEW_LEAD, **STAMPS}

BODIES: dict[str, Any] = {
    "lead_create": NEW_LEAD,
    "lead_create/the least": {"name": "Bistro Anna"},
    "lead_update": NEW_LEAD,
    "lead_partial_update": {"potential_revenue": 7500.00},
    "lead_change_status": {"status": "CONTACTED"},
    "lead_change_status/with a note": {"status": "CONTACTED", "note": "Asked to come back in January."},
    "lead_add_external_id": {"source": "erp", "value": "ALFKI"},
    "lead_hand_over": {"from": 3, "to": 5, "leads": [1, 2], "note": "Back from leave."},
    "lead_hand_over/all of them": {"from": 3, "to": 5},
    "lead_hand_over/unowned leads": {"from": None, "to": 5},
}

ANSWERS: dict[str, Any] = {
    "lead_list": [LEAD],
    "lead_create": LEAD,
    "lead_retrieve": LEAD,
    "lead_update": LEAD,
    "lead_partial_update": {**LEAD, "potential_revenue": 7500.00},
    "lead_change_status": {**LEAD, "lead_status": "CONTACTED"},
    "lead_status_history": [
        {
            "id": 1,
            "lead": 1,
            "old_status": "NEW",
            "new_status": "CONTACTED",
            "changed_by": 1,
            "changed_at": "2024-12-24T15:30:00Z",
            "note": "Asked to come back in January.",
        }
    ],
    "lead_external_ids": [{"source": "erp", "value": "ALFKI"}],
    "lead_add_external_id": {"source": "erp", "value": "ALFKI"},
    "lead_hand_over": {"from": 3, "to": 5, "leads": [1, 2]},
    "lead_owner_history": [
        {
            "id": 1,
            "lead": 1,
            "old_owner": 3,
            "new_owner": 5,
            "changed_by": 1,
            "changed_at": "2024-12-24T15:30:00Z",
            "note": "Back from leave.",
        }
    ],
}
