"""What requests and answers of tokens and users look like, by operation."""

from typing import Any

ACCESS = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIn0.c2lnbmF0dXJl"
REFRESH = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCJ9.c2lnbmF0dXJl"
USER = {"id": 1, "username": "kam", "name": "kam", "active": True}

BODIES: dict[str, Any] = {
    "sign_in": {"username": "kam", "password": "correct horse battery staple"},
    "refresh_token": {"refresh": REFRESH},
    "verify_token": {"token": ACCESS},
    "sign_out": {"refresh": REFRESH},
}

ANSWERS: dict[str, Any] = {
    "sign_in": {"access": ACCESS, "refresh": REFRESH},
    "refresh_token": {"access": ACCESS},
    "verify_token": {},
    "me": USER,
    "user_list": [USER],
}
