"""The people at a restaurant."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext, gettext_lazy

from crm.db.external_ids import ExternalIdModel
from crm.db.folding import ByteOrderedCharField, FoldedField, fold
from crm.db.merging import Journal, MergeRecord, lock_both, taken
from crm.db.models import ParentModel
from crm.db.phones import E164Field, PhoneTailField, digits
from crm.db.search import SearchField
from crm.models import SecretAddress
from lead.models import NotDuplicateModel, OfLeadQuerySet, Restaurant

MERGED = ["name", "role", "email", "phone", "address"]
TEXTS = {"address"}  # of which there may be both


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

    def is_same_person(self, other: "Contact") -> bool:
        """Whether two contacts of a restaurant are one: the same name, and nothing that tells them apart."""
        if fold(self.name) != fold(other.name):
            return False
        pairs = [(digits(self.phone), digits(other.phone)), (fold(self.email), fold(other.email))]
        return not any(ours and others and ours != others for ours, others in pairs)

    def merge(self, other: int, *, take: dict[str, str] | None = None, by=None) -> Journal:
        """Make the contact with the id `other`, of the same restaurant, part of this one.

        `take` says by field whose value stays, as for leads. Raises ValidationError, naming `other`, for this contact
        itself and for one of another restaurant.
        """
        with self.atomic():
            dropped = lock_both(self, other)
            if dropped is None or other == self.pk or dropped.restaurant_id != self.restaurant_id:
                raise ValidationError({"other": [gettext("Choose another contact of the same restaurant.")]})
            journal = Journal(self.database)
            self.absorb(dropped, journal, take or {})
            ContactMerge.store(self, other, journal, by=by)
        return journal

    def absorb(self, dropped: "Contact", journal: Journal, take: dict[str, str]) -> None:
        """The steps of a merge, of two contacts that are locked."""
        with journal.change(self):
            self.save_changes(**taken(self, dropped, MERGED, take))
        journal.move_references(dropped, self)
        journal.delete(dropped)
        self.save(update_fields=["updated_at"])

    def unmerge(self, other: int) -> None:
        """Take a contact that was merged into this one out again. Raises ValidationError, naming `other`."""
        with self.atomic():
            self.lock_with_keys()
            ContactMerge.take_apart(self, other)

    def say_not_duplicate(self, other: int, *, by=None) -> bool:
        """Remember that the contact with the id `other` is another person. False where that is known already.

        Raises ValidationError, naming `other`, for one of another restaurant.
        """
        colleagues = Contact.objects.using(self.database).filter(restaurant=self.restaurant_id).exclude(pk=self.pk)
        if not colleagues.filter(pk=other).exists():
            raise ValidationError({"other": [gettext("Choose another contact of the same restaurant.")]})
        return NotDuplicateContact.say(self, other, by=by)

    def take_back_not_duplicate(self, other: int) -> bool:
        """Forget it again. False where nobody had said so."""
        return NotDuplicateContact.take_back(self, other)


class ContactMerge(MergeRecord):
    """A contact that is part of another one."""

    survivor = models.ForeignKey(Contact, models.CASCADE, related_name="merges", db_index=False)

    owner_path = "survivor__restaurant__assigned_to"
    objects = OfLeadQuerySet.as_manager()

    class Meta(MergeRecord.Meta):
        indexes = [models.Index(fields=["survivor", "id"], name="contact_merge_by_survivor")]


class AddressBook(SecretAddress):
    """The secret address of the people at a user's leads, as a file of cards."""

    def __str__(self) -> str:
        return f"address book of {self.user}"


class ContactExternalId(ExternalIdModel):
    """A contact's id in another system. Imports find the contact by it."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="external_ids")

    owner_path = "contact__restaurant__assigned_to"
    objects = OfLeadQuerySet.as_manager()

    class Meta(ExternalIdModel.Meta):
        verbose_name = gettext_lazy("external id of a contact")
        verbose_name_plural = gettext_lazy("external ids of contacts")


class NotDuplicateContact(NotDuplicateModel):
    """Two contacts that are not the same person."""

    first = models.ForeignKey(Contact, models.CASCADE, related_name="+", db_index=False)
    second = models.ForeignKey(Contact, models.CASCADE, related_name="+")

    owner_paths = ("first__restaurant__assigned_to", "second__restaurant__assigned_to")

    class Meta(NotDuplicateModel.Meta):
        verbose_name = gettext_lazy("pair of different contacts")
        verbose_name_plural = gettext_lazy("pairs of different contacts")
