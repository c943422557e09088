"""The pages of the back office; each module registers its own."""

from crm.backoffice import contact_list, history_list, interaction_list, lead_page, order_list, people, plan_list

__all__ = ["contact_list", "history_list", "interaction_list", "lead_page", "order_list", "people", "plan_list"]
