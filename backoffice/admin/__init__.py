"""The lists and pages of the tables, one file each; importing this registers them on the admin's site."""

from backoffice.accounts import users
from backoffice.admin import call_plan, contact, history, interaction, lead, order

__all__ = ["call_plan", "contact", "history", "interaction", "lead", "order", "users"]
