"""Examples of requests and responses of this section, by operation: the API document's own, where it has them."""

from typing import Any

NEW_PLAN = {"lead": 1, "frequency": "DAILY", "notes": "Initial call plan."}
PLAN = {
    "id": 1,
    "lead": 1,
    "frequency": "DAILY",
    "last_called": None,
    "next_call_date": "2024-12-29T00:00:00Z",
    "notes": "Initial call plan.",
}
WEEKLY_PLAN = {
    "id": 2,
    "lead": 2,
    "frequency": "WEEKLY",
    "last_called": "2024-12-25T15:00:00Z",
    "next_call_date": "2024-12-31T15:00:00Z",
    "notes": "Follow-up call plan.",
}
DUE_PLAN = {**PLAN, "next_call_date": "2024-12-28T00:00:00Z"}
CALLED_PLAN = {**PLAN, "last_called": "2024-12-28T10:00:00Z", "next_call_date": "2024-12-29T10:00:00Z"}
EDITED_PLAN = {**PLAN, "frequency": "WEEKLY", "notes": "Updated call plan."}

PROFILE = {
    "time_zone": "Asia/Kolkata",
    "working_days": [1, 2, 3, 4, 5, 6],
    "country": "IN",
    "region": "MH",
    "leave": [{"from": "2026-12-24", "to": "2026-12-31"}],
}
STORED_PROFILE = {**PROFILE, "note": None}
ENTRY: dict[str, Any] = {
    "plan": DUE_PLAN,
    "lead": {"id": 1, "name": "Bistro Anna", "city": "Pune", "lead_status": "CONTACTED"},
    "contact": {"id": 1, "name": "John Doe", "role": "Manager", "phone": "123-456-7890"},
    "last_touch": {"date": "2024-12-24T15:30:00Z", "interaction_type": "CALL", "details": "Asked for the catalog."},
    "last_order": {"date": "2024-12-20T12:00:00Z", "total_price": 500.00},
    "days_overdue": 0,
    "why": "Due today: daily calls, never called.",
}
HIT = {
    "kind": "contact",
    "id": 1,
    "name": "John Doe",
    "role": "Manager",
    "phone": "098765 43210",
    "match": "EXACT",
    "lead": {**ENTRY["lead"], "assigned_to": 1},
    "plan": DUE_PLAN,
    "last_touch": ENTRY["last_touch"],
    "account": None,
}

BODIES: dict[str, Any] = {
    "call_plan_create": NEW_PLAN,
    "call_plan_update": {"lead": 1, "frequency": "WEEKLY"},
    "call_plan_partial_update": {"frequency": "WEEKLY", "notes": "Updated call plan."},
    "call_plan_record_call": {"last_called": "2024-12-28T10:00:00Z"},
    "call_plan_record_call/with its interaction": {"contact": 1, "outcome": "REACHED", "details": "Wants a tasting."},
    "call_plan_record_call/not reached": {"outcome": "NO_ANSWER"},
    "call_plan_set_frequency": {"frequency": "WEEKLY"},
    "call_plan_snooze": {"days": 2, "reason": "On holiday until then."},
    "call_plan_snooze/until a day": {"until": "2025-01-07"},
    "call_plan_skip": {"reason": "Closed for the week."},
    "call_plan_pause": {"reason": "Renovation."},
    "call_plan_resume": {"reason": "Open again."},
    "work_profile_update": PROFILE,
    "work_profile_partial_update": {"time_zone": "Asia/Kolkata"},
}

ANSWERS: dict[str, Any] = {
    "call_plan_list": [PLAN, WEEKLY_PLAN],
    "call_plan_create": PLAN,
    "call_plan_retrieve": PLAN,
    "call_plan_update": {**PLAN, "frequency": "WEEKLY"},
    "call_plan_partial_update": EDITED_PLAN,
    "call_plan_destroy": {"detail": "Successfully deleted the call plan."},
    "call_plan_today": [DUE_PLAN],
    "call_plan_overdue": [DUE_PLAN],
    "call_plan_upcoming": [PLAN],
    "call_plan_history": [
        {
            "id": 1,
            "plan": 1,
            "event": "CALLED",
            "planned_date": "2024-12-29T00:00:00Z",
            "happened_at": "2024-12-28T10:00:00Z",
            "by": 1,
            "reason": "",
            "outcome": "REACHED",
            "frequency": "",
            "interaction": 7,
        }
    ],
    "call_plan_record_call": CALLED_PLAN,
    "call_plan_set_frequency": {
        **EDITED_PLAN,
        "last_called": "2024-12-28T10:00:00Z",
        "next_call_date": "2025-01-04T10:00:00Z",
    },
    "call_plan_snooze": {**PLAN, "next_call_date": "2025-01-07T00:00:00Z"},
    "call_plan_skip": {**PLAN, "next_call_date": "2024-12-30T00:00:00Z"},
    "call_plan_pause": PLAN,
    "call_plan_resume": PLAN,
    "work_profile_retrieve": STORED_PROFILE,
    "work_profile_update": STORED_PROFILE,
    "work_profile_partial_update": STORED_PROFILE,
    "agenda_retrieve": {
        "date": "2024-12-28",
        "time_zone": "UTC",
        "overdue": [],
        "today": [ENTRY],
        "upcoming": [],
        "unplanned": [],
        "unattended": [{**ENTRY, "why": "Nobody owns this lead. Due today: daily calls, never called."}],
    },
    "adherence_list": [
        {
            "owner": 1,
            "planned": 12,
            "on_time": 8,
            "late": 2,
            "missed": 1,
            "skipped": 1,
            "snoozed": 2,
            "average_days_late": 1.5,
        },
        {
            "owner": None,
            "planned": 3,
            "on_time": 3,
            "late": 0,
            "missed": 0,
            "skipped": 0,
            "snoozed": 0,
            "average_days_late": None,
            "former_owner": "asha",
        },
    ],
    "lookup_list": [HIT],
    "feed_create": {"url": "http://127.0.0.1:8000/call/feed/x8K2mQ4vT6yB0nR5sW7zC9dF1gH3jL.ics"},
}
