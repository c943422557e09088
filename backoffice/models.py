"""What the back office itself keeps."""

from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q

from crm import dates


class Upload(models.Model):
    """A file that somebody has handed in and not confirmed yet.

    It is kept in the database, where every server finds it, and only for the one who handed it in: what is confirmed is
    what was handed in. It goes in the transaction that imports it, with the next file, or after a day.
    """

    KEEP = timedelta(days=1)

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
    def keep(cls, *, user: Any, table: str, name: str, content: bytes, moment: datetime) -> Self:
        """In place of the user's last one for this table; those that nobody confirmed in a day go too."""
        with transaction.atomic():
            cls.objects.filter(Q(user=user, table=table) | Q(created_at__lt=moment - cls.KEEP)).delete()
            return cls.objects.create(user=user, table=table, name=name, content=content, created_at=moment)
