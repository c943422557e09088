"""The people at a restaurant."""

from django.db import models

from crm.db.folding import ByteOrderedCharField, FoldedField
from crm.db.models import ParentModel
from crm.db.phones import E164Field, PhoneTailField
from crm.db.search import SearchField
from crm.models import SecretAddress
from lead.models import OfLeadQuerySet, Restaurant


class Contact(ParentModel):
    """A person. Interactions outlive their contact: deleting one leaves them without."""

    restaurant = models.ForeignKey(Restaurant, models.CASCADE, related_name="contacts", db_index=False)
    name = ByteOrderedCharField(max_length=254)
    role = ByteOrderedCharField(max_length=254, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    phone = models.CharField(max_length=50, blank=True)
    address = models.TextField(max_length=20_000, blank=True)

    search = SearchField(sources=["name", "role", "phone", "email"], phones=["phone"])
    phone_e164 = E164Field(source="phone", owner="restaurant__assigned_to")
    phone_tail = PhoneTailField(source="phone")
    name_fold = FoldedField("name")
    role_fold = FoldedField("role")
    email_fold = FoldedField("email")

    owner_path = "restaurant__assigned_to"
    objects = OfLeadQuerySet.as_manager()

    class Meta(ParentModel.Meta):
        permissions = [("import_contact", "Can import contacts"), ("export_contact", "Can export contacts")]
        indexes = [
            models.Index(fields=["restaurant", "id"], name="contact_by_restaurant"),
            models.Index(fields=["restaurant", "created_at", "id"], name="contact_by_restaurant_and_time"),
            models.Index(fields=["phone_e164", "id"], name="contact_by_e164"),
            models.Index(fields=["phone_tail", "id"], name="contact_by_phone_tail"),
            models.Index(fields=["name_fold", "name", "id"], name="contact_in_order_of_name"),
            models.Index(fields=["role_fold", "role", "id"], name="contact_in_order_of_role"),
        ]
        constraints = [models.CheckConstraint(condition=~models.Q(name=""), name="contact_has_name")]

    def __str__(self) -> str:
        return self.name


class AddressBook(SecretAddress):
    """The secret address of the people at a user's leads, as a file of cards."""

    def __str__(self) -> str:
        return f"address book of {self.user}"
