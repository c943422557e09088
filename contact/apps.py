from django.apps import AppConfig


class ContactConfig(AppConfig):
    name = "contact"
    verbose_name = "Contacts"

    def ready(self) -> None:
        from contact.receivers import on_leads_merging
        from contact.timeline import CONTACT
        from lead.signals import leads_merging
        from lead.timeline import subscribe

        subscribe(CONTACT)
        leads_merging.connect(on_leads_merging)
