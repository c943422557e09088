"""The ModelAdmins, one file each; importing this package registers them on the admin site."""

from backoffice.accounts import users
from backoffice.admin import call_plan, contact, history, imports, interaction, lead, order, work_profile

__all__ = ["call_plan", "contact", "history", "imports", "interaction", "lead", "order", "users", "work_profile"]
