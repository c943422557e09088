"""The people at a restaurant."""

from django.db import models

from crm.db.folding import ByteOrderedCharField, FoldedField
from crm.db.models import ParentModel
from crm.db.search import SearchField
from lead.models import Restaurant


class Contact(ParentModel):
    """A person. Interactions outlive their contact: deleting one leaves them without."""

    restaurant = models.ForeignKey(Restaurant, models.CASCADE, related_name="contacts", db_index=False)
    name = ByteOrderedCharField(max_length=254)
    role = ByteOrderedCharField(max_length=254, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    phone = models.CharField(max_length=50, blank=True)
    address = models.TextField(max_length=20_000, blank=True)

    search = SearchField(sources=["name", "role", "phone", "email"], phones=["phone"])
    name_fold = FoldedField("name")
    role_fold = FoldedField("role")
    email_fold = FoldedField("email")

    class Meta(ParentModel.Meta):
        permissions = [("import_contact", "Can import contacts"), ("export_contact", "Can export contacts")]
        indexes = [
            models.Index(fields=["restaurant", "id"], name="contact_by_restaurant"),
            models.Index(fields=["name_fold", "name", "id"], name="contact_in_order_of_name"),
            models.Index(fields=["role_fold", "role", "id"], name="contact_in_order_of_role"),
        ]
        constraints = [models.CheckConstraint(condition=~models.Q(name=""), name="contact_has_name")]

    def __str__(self) -> str:
        return self.name
