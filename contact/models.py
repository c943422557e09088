"""The people at a restaurant."""

from django.db import models, transaction

from crm.db.models import TimestampedModel
from crm.db.search import SearchField
from lead.models import Restaurant


class Contact(TimestampedModel):
    """A person. Interactions outlive their contact: deleting one leaves them without."""

    restaurant = models.ForeignKey(Restaurant, models.CASCADE, related_name="contacts", db_index=False)
    name = models.CharField(max_length=254)
    role = models.CharField(max_length=254, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    phone = models.CharField(max_length=50, blank=True)
    address = models.TextField(max_length=20_000, blank=True)

    search = SearchField(sources=["name", "role", "phone", "email"], phones=["phone"])

    class Meta(TimestampedModel.Meta):
        permissions = [("import_contact", "Can import contacts"), ("export_contact", "Can export contacts")]
        indexes = [models.Index(fields=["restaurant", "id"], name="contact_by_restaurant")]
        constraints = [models.CheckConstraint(condition=~models.Q(name=""), name="contact_has_name")]

    def __str__(self) -> str:
        return self.name

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """The lock keeps an interaction that names the contact from slipping in."""
        using = using or self.database
        with transaction.atomic(using=using, savepoint=False):
            Contact.objects.using(using).locked_with_keys().filter(pk=self.pk).values_list("pk").first()
            return super().delete(using, keep_parents)
