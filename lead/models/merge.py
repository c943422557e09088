"""Two leads that are one restaurant: merged into one, and taken apart again."""

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext

from crm.db.merging import Journal, MergeRecord, lock_both, taken
from lead.models.access import OfLeadQuerySet
from lead.signals import leads_merging, owner_changed

if TYPE_CHECKING:
    from lead.models.restaurant import Restaurant

TEXTS = {"notes", "address"}  # of which there may be both
MERGED = [
    "name",
    "address",
    "city",
    "state",
    "pincode",
    "contact_person",
    "phone",
    "email",
    "lead_status",
    "potential_revenue",
    "notes",
    "restaurant_type",
    "cuisine_type",
    "assigned_to_id",
]


class LeadMerge(MergeRecord):
    """A lead that is part of another one. Its address leads to the survivor's."""

    survivor = models.ForeignKey("lead.Restaurant", models.CASCADE, related_name="merges", db_index=False)

    owner_path = "survivor__assigned_to"
    objects = OfLeadQuerySet.as_manager()

    class Meta(MergeRecord.Meta):
        indexes = [models.Index(fields=["survivor", "id"], name="lead_merge_by_survivor")]


def merge_leads(survivor: "Restaurant", other: int, take: dict[str, str], by: Any) -> Journal:
    """Restaurant.merge, in its transaction."""
    if other == survivor.pk:
        raise ValidationError({"other": [gettext("Choose another lead.")]})
    dropped, journal = lock_both(survivor, other), Journal(survivor.database)
    rows = type(survivor).objects.using(survivor.database)
    is_hidden = by is not None and not rows.visible_to(by).filter(pk=other).exists()  # since it was looked up
    if dropped is None or is_hidden:
        raise ValidationError({"other": [f'Invalid pk "{other}" - object does not exist.']})
    histories = [survivor.status_changes, survivor.owner_changes]  # type: ignore[attr-defined]
    known = [set(history.values_list("pk", flat=True)) for history in histories]
    with journal.change(survivor):
        survivor.edit(by=by, note=f"Merged with lead {other}, {dropped}.", **taken(survivor, dropped, MERGED, take))
    for history, before in zip(histories, known, strict=True):
        for row in history.exclude(pk__in=before):
            journal.created(row)
    if dropped.assigned_to_id != survivor.assigned_to_id:  # from now on what it has is the survivor's owner's
        owners = {"old_owner_id": dropped.assigned_to_id, "new_owner_id": survivor.assigned_to_id}
        note = f"Merged into lead {survivor.pk}, {survivor}."
        journal.created(dropped.owner_changes.create(created_by=by, note=note, **owners))
    leads_merging.send(type(survivor), survivor=survivor, dropped=dropped, journal=journal, by=by)
    journal.move_references(dropped, survivor)
    journal.delete(dropped)
    LeadMerge.store(survivor, other, journal, by=by)
    survivor.save(update_fields=["updated_at"])  # what belongs to it has changed
    return journal


def unmerge_leads(survivor: "Restaurant", other: int) -> None:
    """Restaurant.unmerge, in its transaction."""
    survivor.lock_with_keys()
    before = survivor.assigned_to_id
    LeadMerge.take_apart(survivor, other)
    if survivor.assigned_to_id != before:  # plans and phone numbers follow the owner
        owners = {before, survivor.assigned_to_id}
        owner_changed.send(type(survivor), leads=[survivor.pk], owners=owners, using=survivor.database)
