"""The ModelAdmins, one file each; importing this package registers them on the admin site."""

from backoffice.admin import (
    call_plan,
    contact,
    history,
    imports,
    interaction,
    lead,
    order,
    saved_list,
    team,
    user,
    work_profile,
)

__all__ = [
    "call_plan",
    "contact",
    "history",
    "imports",
    "interaction",
    "lead",
    "order",
    "saved_list",
    "team",
    "user",
    "work_profile",
]
