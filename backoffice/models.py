"""The tables of the back office itself."""

from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q

from crm import dates


class Upload(models.Model):
    """A file that a user has uploaded for an import and not confirmed yet.

    It is stored in the database, where every server finds it, and only the user who uploaded it sees it. It is deleted
    in the transaction that imports it, with the user's next upload, or after a day.
    """

    RETENTION = timedelta(days=1)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    table = models.CharField(max_length=100, help_text="label of the model that it is for")
    name = models.CharField(max_length=254)
    content = models.BinaryField()
    created_at = models.DateTimeField(default=dates.now, db_index=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["user", "table"], name="upload_by_user")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def store(cls, *, user: Any, table: str, name: str, content: bytes, moment: datetime) -> Self:
        """In place of the user's last one for this table; expired ones of all users are deleted too."""
        with transaction.atomic():
            cls.objects.filter(Q(user=user, table=table) | Q(created_at__lt=moment - cls.RETENTION)).delete()
            return cls.objects.create(user=user, table=table, name=name, content=content, created_at=moment)
