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

BRIEF = ("id", "name", "city", "phone", "email", "lead_status", "assigned_to")
LEAD_IN_BRIEF = {name: LEAD[name] for name in BRIEF}
TWIN_IN_BRIEF = {**LEAD_IN_BRIEF, "id": 7, "name": "Bistro Ana", "email": "", "assigned_to": 3}
MATCH = {"score": 0.88, "reasons": ["PHONE", "NAMES_ALIKE"], "why": "Same phone, names alike."}
DIFFERENT = {"other": 7, "said_by": 1, "said_at": "2024-12-24T15:30:00Z"}

NEW_TEAM = {"name": "Pune", "parent": 1, "members": [3, 5], "managers": [2]}
TEAM = {"id": 4, **NEW_TEAM}

BODIES: dict[str, Any] = {
    "lead_create": NEW_LEAD,
    "lead_create/the least": {"name": "Bistro Anna"},
    "lead_update": NEW_LEAD,
    "lead_partial_update": {"potential_revenue": 7500.00},
    "lead_change_status": {"status": "CONTACTED"},
    "lead_change_status/with a note": {"status": "CONTACTED", "note": "Asked to come back in January."},
    "lead_change_status/lost, and why": {"status": "LOST", "reason": "PRICE"},
    "lead_merge": {"other": 7, "take": {"phone": "other", "notes": "both"}, "dry_run": True},
    "lead_unmerge": {"other": 7},
    "lead_add_external_id": {"source": "erp", "value": "ALFKI"},
    "lead_say_not_duplicate": {"other": 7},
    "lead_hand_over": {"from": 3, "to": 5, "leads": [1, 2], "note": "Back from leave."},
    "lead_hand_over/all of them": {"from": 3, "to": 5},
    "lead_hand_over/unowned leads": {"from": None, "to": 5},
    "team_create": NEW_TEAM,
    "team_create/the least": {"name": "Pune"},
    "team_update": NEW_TEAM,
    "team_partial_update": {"members": [3, 5, 6]},
}

ANSWERS: dict[str, Any] = {
    "lead_list": [LEAD],
    "lead_create": LEAD,
    "lead_retrieve": LEAD,
    "lead_merge": {**LEAD, "moved": {"contacts": 1, "interactions": 12}},
    "lead_unmerge": LEAD,
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
    "duplicate_list": [{**MATCH, "leads": [LEAD_IN_BRIEF, TWIN_IN_BRIEF]}],
    "lead_duplicates": [{**MATCH, "lead": TWIN_IN_BRIEF}],
    "lead_not_duplicates": [DIFFERENT],
    "lead_say_not_duplicate": DIFFERENT,
    "lead_external_ids": [{"source": "erp", "value": "ALFKI"}],
    "lead_add_external_id": {"source": "erp", "value": "ALFKI"},
    "lead_hand_over": {"from": 3, "to": 5, "leads": [1, 2]},
    "lead_timeline": [
        {
            "at": "2024-12-24T15:30:00Z",
            "type": "STATUS",
            "by": 1,
            "text": "Status: Negotiating → Lost (price): Signed with another supplier.",
            "data": {
                "id": 2,
                "lead": 1,
                "old_status": "NEGOTIATING",
                "new_status": "LOST",
                "changed_by": 1,
                "changed_at": "2024-12-24T15:30:00Z",
                "note": "Signed with another supplier.",
            },
        },
        {
            "at": "2024-12-20T10:00:00Z",
            "type": "ORDER",
            "by": 1,
            "text": "Order with Asha Rao · Olive oil · quantity 5 · 242.50",
            "data": {
                "id": 1,
                "lead": 1,
                "contact": 1,
                "interaction_type": "ORDER",
                "details": "",
                "order_placed": True,
                "date": "2024-12-20T10:00:00Z",
            },
        },
    ],
    "lead_durations": [
        {"status": "NEW", "days": 3.5, "entered": 1, "since": None},
        {"status": "CONTACTED", "days": 12.04, "entered": 2, "since": None},
        {"status": "MEETING_SCHEDULED", "days": 4.0, "entered": 1, "since": "2024-12-24T15:30:00Z"},
        {"status": "NEGOTIATING", "days": 0.0, "entered": 0, "since": None},
        {"status": "CONVERTED", "days": 0.0, "entered": 0, "since": None},
        {"status": "LOST", "days": 0.0, "entered": 0, "since": None},
    ],
    "pipeline_list": [
        {
            "status": "CONTACTED",
            "now": 14,
            "entered": 9,
            "created": 1,
            "left": 8,
            "to": {"NEW": 0, "CONTACTED": 0, "MEETING_SCHEDULED": 4, "NEGOTIATING": 2, "CONVERTED": 0, "LOST": 2},
            "lost_reasons": {
                "PRICE": 1,
                "COMPETITOR": 0,
                "CLOSED_DOWN": 0,
                "NO_NEED": 0,
                "NO_ANSWER": 0,
                "OTHER": 0,
                "UNKNOWN": 1,
            },
            "median_days": 11.25,
            "conversion": 0.75,
        }
    ],
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
    "team_list": [{"id": 1, "name": "West", "parent": None, "members": [], "managers": [7]}, TEAM],
    "team_create": TEAM,
    "team_retrieve": TEAM,
    "team_update": TEAM,
    "team_partial_update": {**TEAM, "members": [3, 5, 6]},
}
