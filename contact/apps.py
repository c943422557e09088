from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class ContactConfig(AppConfig):
    name = "contact"
    verbose_name = gettext_lazy("Contacts")

    def ready(self) -> None:
        from contact.receivers import on_leads_merging
        from contact.timeline import CONTACT
        from lead.signals import leads_merging
        from lead.timeline import subscribe

        subscribe(CONTACT)
        leads_merging.connect(on_leads_merging)
