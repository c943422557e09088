from django.apps import AppConfig


class ContactConfig(AppConfig):
    name = "contact"
    verbose_name = "Contacts"

    def ready(self) -> None:
        from contact.timeline import CONTACT
        from lead.timeline import subscribe

        subscribe(CONTACT)
