"""The tables of the back office itself: imports, from the upload on, and their journal; lists that users save."""

from datetime import datetime, timedelta
from typing import Any, Self

from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm import dates
from crm.formats import inside
from lead.models import Team

TABLES = {  # by the kind of an import
    "leads": "lead.Restaurant",
    "contacts": "contact.Contact",
    "interactions": "track.Interaction",
    "orders": "track.Interaction",
    "plans": "call.CallPlan",
}
KINDS = [
    ("leads", _("Leads")),
    ("contacts", _("Contacts")),
    ("interactions", _("Interactions")),
    ("orders", _("Orders")),
    ("plans", _("Plans")),
]


class ImportStatus(models.TextChoices):
    PREVIEWED = "PREVIEWED", _("Previewed")  # the file is stored, and nothing of it is imported
    IMPORTED = "IMPORTED", _("Imported")
    REVERTED = "REVERTED", _("Reverted")  # but for rows that have changed since


class Import(models.Model):
    """A file that a user has uploaded, and what became of it.

    Until it is confirmed the file is stored in the database, where every server finds it, and only its user sees it. It
    is deleted in the transaction that imports it, with the user's next upload of the kind, or after a day. The journal
    is deleted after `REVERTIBLE`: from then on the import cannot be taken back.
    """

    RETENTION, REVERTIBLE = timedelta(days=1), timedelta(days=90)
    Status = ImportStatus

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False)
    kind = models.CharField(max_length=20, choices=KINDS)
    name = models.CharField(max_length=254, help_text=_("of the file"))
    status = models.CharField(max_length=20, choices=ImportStatus, default=ImportStatus.PREVIEWED)
    source = models.CharField(max_length=50, help_text=_("the system that its external ids are of"))
    match = models.CharField(max_length=20, blank=True, help_text=_("by what else rows were found"))
    encoding = models.CharField(max_length=20, blank=True, help_text=_("as chosen"))
    mapping = models.JSONField(default=dict, help_text=_("columns of the file to ours, as chosen"))
    partial = models.BooleanField(default=False, help_text=_("whether rows in error were left out"))
    described = models.CharField(max_length=254, blank=True, help_text=_("how the file was read"))
    content = models.BinaryField(null=True)
    failed = models.BinaryField(null=True)  # the rows left out, as CSV
    digest = models.CharField(max_length=64, blank=True)  # of what a dry run showed
    problems = models.JSONField(default=list, help_text=_("what is wrong with the first rows in error"))
    created = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=dates.now, db_index=True)
    imported_at = models.DateTimeField(null=True)
    reverted_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        ordering = ["id"]
        indexes = [models.Index(fields=["user", "kind"], name="import_by_user")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=list(TABLES), status__in=ImportStatus.values), name="import_known"
            ),
        ]

    def __str__(self) -> str:
        return gettext("%(kind)s from %(name)s") % {"kind": inside(self.get_kind_display()), "name": self.name}

    @property
    def model(self) -> Any:
        """The table whose rows are imported."""
        return apps.get_model(TABLES[self.kind])

    @classmethod
    def store(cls, *, user: Any, kind: str, name: str, content: bytes, moment: datetime, **options: Any) -> Self:
        """In place of the user's last unconfirmed one of this kind. What has expired of all users is deleted too."""
        with transaction.atomic():
            unconfirmed = cls.objects.filter(status=ImportStatus.PREVIEWED)
            unconfirmed.filter(Q(user=user, kind=kind) | Q(created_at__lt=moment - cls.RETENTION)).delete()
            old = cls.objects.filter(created_at__lt=moment - cls.REVERTIBLE)
            ImportedRow.objects.filter(imported__in=old).delete()
            old.filter(failed__isnull=False).update(failed=None)
            return cls.objects.create(user=user, kind=kind, name=name, content=content, created_at=moment, **options)

    @property
    def is_revertible(self) -> bool:
        """Whether there is something to take back, or to try again."""
        return self.status != ImportStatus.PREVIEWED and self.rows.exists()

    @property
    def remaining_rows(self) -> models.QuerySet["ImportedRow"]:
        """The rows that could not be taken back, each with its reason."""
        return self.rows.exclude(reason_remaining="").order_by("pk")

    def journal_before(self, last: int | None, size: int) -> list["ImportedRow"]:
        """So many rows of the journal, latest first, before the one with the id `last`; None: from the end."""
        rows = self.rows.filter(pk__lt=last) if last else self.rows.all()
        return list(rows.order_by("-pk")[:size])


class ImportedRow(models.Model):
    """The journal of an import: a row that it has created or changed, and what the row was before."""

    imported = models.ForeignKey(Import, models.CASCADE, related_name="rows", db_index=False)
    row = models.PositiveIntegerField(help_text=_("of the file"))
    object_id = models.BigIntegerField(help_text=_("of our row"))
    before = models.JSONField(null=True, help_text=_("what has changed of the state before; null for a new row"))
    digest = models.CharField(max_length=64, help_text=_("of the state after the import"))
    reason_remaining = models.CharField(max_length=254, blank=True, help_text=_("why it could not be taken back"))

    class Meta:
        default_permissions = ()
        ordering = ["id"]
        indexes = [models.Index(fields=["imported", "id"], name="imported_row_by_import")]

    def __str__(self) -> str:
        return f"row {self.row}"


class WholeList(models.Model):
    """That a user wants a list to open with all that they see, where it would open with their own rows."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    model = models.CharField(max_length=100, help_text=_("the label of the list's table"))

    class Meta:
        default_permissions = ()
        ordering = ["id"]
        verbose_name, verbose_name_plural = _("list that opens with all rows"), _("lists that open with all rows")
        constraints = [models.UniqueConstraint(fields=["user", "model"], name="whole_list_once")]

    def __str__(self) -> str:
        return self.model

    @classmethod
    def choose(cls, user: Any, model: str, *, whole: bool) -> None:
        if whole:
            cls.objects.get_or_create(user=user, model=model)
        else:
            cls.objects.filter(user=user, model=model).delete()


class SavedListQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> Self:
        """The user's own, and those that are shared with a team of which they are a member or a manager."""
        shared = [
            Q(team__in=through.objects.filter(user=user.pk).values("team"))
            for through in (Team.members.through, Team.managers.through)
        ]
        return self.filter(Q(owner=user.pk) | shared[0] | shared[1])


class SavedList(models.Model):
    """A filtered list of the admin under a name. It stores what is asked for, and no rows: who opens it sees their own.

    It goes with its owner. Without its team it is private again.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(_("name"), max_length=100)
    model = models.CharField(max_length=100, help_text=_("the label of the list's table"))
    query = models.CharField(max_length=2_000, help_text=_("the list's query string, without what it does not know"))
    team = models.ForeignKey(
        Team, models.SET_NULL, verbose_name=_("shared with"), null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=dates.now, editable=False)

    objects = SavedListQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        ordering = ["name", "id"]
        verbose_name, verbose_name_plural = _("saved list"), _("saved lists")
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="saved_list_by_name"),
            models.CheckConstraint(condition=~Q(name=""), name="saved_list_has_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def parameters(self) -> dict[str, str]:
        return QueryDict(self.query).dict()

    def edit(self, **changes: Any) -> None:
        """Raises DoesNotExist for a list that is gone."""
        if changes and not type(self).objects.filter(pk=self.pk).update(**changes):
            raise type(self).DoesNotExist
