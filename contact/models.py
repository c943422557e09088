"""The people at a restaurant."""

from django.db import models

from crm.db.external_ids import ExternalIdModel
from crm.db.models import ParentModel
from crm.db.search import SearchField
from lead.models import Restaurant


class Contact(ParentModel):
    """A person. Interactions outlive their contact: deleting one leaves them without."""

    restaurant = models.ForeignKey(Restaurant, models.CASCADE, related_name="contacts", db_index=False)
    name = models.CharField(max_length=254)
    role = models.CharField(max_length=254, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    phone = models.CharField(max_length=50, blank=True)
    address = models.TextField(max_length=20_000, blank=True)

    search = SearchField(sources=["name", "role", "phone", "email"], phones=["phone"])

    class Meta(ParentModel.Meta):
        permissions = [("import_contact", "Can import contacts"), ("export_contact", "Can export contacts")]
        indexes = [models.Index(fields=["restaurant", "id"], name="contact_by_restaurant")]
        constraints = [models.CheckConstraint(condition=~models.Q(name=""), name="contact_has_name")]

    def __str__(self) -> str:
        return self.name


class ContactExternalId(ExternalIdModel):
    """A contact's id in another system. Imports find the contact by it."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="external_ids")

    class Meta(ExternalIdModel.Meta):
        verbose_name = "external id of a contact"
        verbose_name_plural = "external ids of contacts"
