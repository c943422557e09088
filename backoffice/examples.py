"""What requests and answers of this section look like, by operation."""

from typing import Any

IMPORT = {
    "id": 1,
    "kind": "leads",
    "name": "customers.csv",
    "status": "IMPORTED",
    "source": "erp",
    "match": "",
    "encoding": "",
    "mapping": {},
    "partial": True,
    "described": "CSV in UTF-8, separated by commas",
    "created": 90,
    "changed": 0,
    "unchanged": 0,
    "errors": 1,
    "problems": [{"row": 3, "column": "email", "text": "anna@", "message": "Enter a valid email address."}],
    "remaining": [],
    "created_at": "2024-12-24T15:30:00Z",
    "imported_at": "2024-12-24T15:30:01Z",
    "reverted_at": None,
}
PREVIEW = {**IMPORT, "status": "PREVIEWED", "imported_at": None}
REVERTED = {
    **IMPORT,
    "status": "REVERTED",
    "remaining": [{"row": 7, "id": 42, "reason": "It has been changed since."}],
    "reverted_at": "2024-12-24T16:00:00Z",
}

BODIES: dict[str, Any] = {
    "import_create": {"file": "customers.csv", "kind": "leads", "source": "erp", "partial": True},
}
ANSWERS: dict[str, Any] = {
    "import_list": [IMPORT],
    "import_create": IMPORT,
    "import_retrieve": PREVIEW,
    "import_confirm": IMPORT,
    "import_revert": REVERTED,
}
